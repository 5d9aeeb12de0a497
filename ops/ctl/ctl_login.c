/* usherctl login and logout. */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_logins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A line of standard input. At a terminal it is asked for, and not shown. */
static enum err_code read_token(char token[TOKEN_TEXT_SIZE + 2], struct err *err) {
    struct termios was, quiet;
    bool asks = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &was) == 0;
    if (asks) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fputs("Token of an owner or administrator: ", stderr);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool read = fgets(token, TOKEN_TEXT_SIZE + 2, stdin) != NULL;
    if (asks) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputs("\n", stderr);
    }
    token[read ? strcspn(token, "\r\n") : 0] = '\0';
    enum token_kind kind;
    if (token_well_formed(token, strlen(token), &kind) && kind == TOKEN_OWNER)
        return ERR_OK;
    return err_set(
        err, ERR_USAGE,
        "standard input has no token of an owner or administrator (usherctl owner create makes one)");
}

static void show_login(struct ctl *c, const char *url, const struct ctl_workspace *w) {
    if (!c->json) {
        jb_printf(&c->out, "%s: workspace %s \"%s\"\n", url, w->id.s, w->name);
        return;
    }
    jb_raw(&c->out, "{\"login\":{");
    jb_kstr(&c->out, "url", url);
    jb_key(&c->out, "workspace");
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", w->id.s);
    jb_kstr(&c->out, "name", w->name);
    jb_raw(&c->out, "}}}\n");
}

enum err_code ctl_login(struct ctl *c, struct err *err) {
    char token[TOKEN_TEXT_SIZE + 2], *url = NULL;
    struct ctl_far far = {0};
    enum err_code code = ctl_http_url(c->args->words[1], &url, err);
    if (code == ERR_OK)
        code = read_token(token, err);
    if (code == ERR_OK) {
        ctl_far_init(&far, c->config, url, token);
        c->far = &far;
        code = ctl_far_workspace(c, err); /* only what opens the door is kept */
    }
    if (code == ERR_OK)
        code = ctl_logins_keep(url, token, err);
    if (code == ERR_OK)
        show_login(c, url, &far.workspace);
    c->far = NULL;
    free(url);
    return code;
}

enum err_code ctl_logout(struct ctl *c, struct err *err) {
    char *url = NULL, *forgotten = NULL;
    const char *given = config_str(c->config, "url");
    enum err_code code = given[0] != '\0' ? ctl_http_url(given, &url, err) : ERR_OK;
    if (code == ERR_OK)
        code = ctl_logins_forget(url != NULL ? url : "", &forgotten, err);
    if (code == ERR_OK && c->json) {
        jb_raw(&c->out, "{\"logout\":{");
        jb_kstr(&c->out, "url", forgotten);
        jb_raw(&c->out, "}}\n");
    } else if (code == ERR_OK) {
        jb_printf(&c->out, "the login for %s is forgotten; its token is good until usherctl owner revoke\n",
                  forgotten);
    }
    free(forgotten);
    free(url);
    return code;
}
