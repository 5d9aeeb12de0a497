/* usherctl portal link: a link that signs an owner in, once. */
#include "ops/ctl/ctl_find.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/token.h"
#include "sql/ask/pass.h"

#include <stdio.h>
#include <string.h>

#define LINK_SECONDS 86400
#define LINKS_MOST 100

/* Who is let in: as --owner says, else the first owner that the workspace has. */
static enum err_code find_owner(struct ctl *c, const struct ctl_workspace *w, struct ctl_credential *out,
                                struct err *err) {
    const char *given = ctl_flag(c->args, "owner"), *params[] = {w->id.s};
    struct db_result *r;
    if (given != NULL)
        return ctl_credential_find(c, CTL_OWNER, given, w, out, err);
    if (db_run(c->db, SQL_CTL_CREDENTIAL_OWNER_FIRST, params, &r, err) != ERR_OK)
        return err->code;
    bool found = db_rows(r) > 0 && uuid_parse(db_text(r, 0, 0), &out->id);
    if (found)
        snprintf(out->name, sizeof out->name, "%s", db_text(r, 0, 1));
    db_results_free(&r, 1);
    return found ? ERR_OK
                 : err_set(err, ERR_NOT_FOUND, "workspace \"%s\" has no owner yet: usherctl owner create",
                           w->name);
}

static enum err_code read_seconds(struct ctl *c, int *seconds, struct err *err) {
    const char *expires = ctl_flag(c->args, "expires");
    int64_t now_us = clock_wall_us(), expires_us = 0;
    *seconds = LINK_SECONDS;
    if (expires == NULL)
        return ERR_OK;
    if (ctl_value_expiry("expires", expires, now_us, &expires_us, err) != ERR_OK)
        return err->code;
    int64_t left_s = (expires_us - now_us) / 1000000;
    if (left_s < 1 || left_s > 7 * LINK_SECONDS)
        return err_set(err, ERR_USAGE, "a link is good for seven days at most");
    *seconds = (int)left_s;
    return ERR_OK;
}

static void show_link(struct ctl *c, const struct ctl_credential *owner, const char *token, int seconds) {
    const char *url = config_str(c->config, "url");
    size_t n = strlen(url);
    char until[RFC3339_SIZE];
    rfc3339_us(clock_wall_us() + seconds * INT64_C(1000000), until);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (!c->json) {
        jb_printf(&c->out, "%.*s/portal#link=%s\nsigns \"%s\" in, once, until %s\n", (int)n, url, token,
                  owner->name, until);
        return;
    }
    struct jbuf link = {0};
    jb_printf(&link, "%.*s/portal#link=%s", (int)n, url, token);
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "link", link.p);
    jb_key(&c->out, "owner");
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", owner->id.s);
    jb_kstr(&c->out, "name", owner->name);
    jb_raw(&c->out, "}");
    jb_kstr(&c->out, "expires", until);
    jb_raw(&c->out, "}\n");
    jb_free(&link);
}

enum err_code ctl_portal_link(struct ctl *c, struct err *err) {
    const char *given;
    struct ctl_workspace w;
    struct ctl_credential owner = {0};
    char token[TOKEN_TEXT_SIZE];
    int seconds;
    enum err_code code = ctl_flag_required(c->args, "workspace", &given, err);
    if (code == ERR_OK)
        code = ctl_workspace_find(c, given, &w, err);
    if (code == ERR_OK)
        code = find_owner(c, &w, &owner, err);
    if (code == ERR_OK)
        code = read_seconds(c, &seconds, err);
    if (code != ERR_OK)
        return code;
    struct pass link = {.kind = PASS_LINK,
                        .workspace = w.id.s,
                        .owner = owner.id.s,
                        .id = uuid_v7(),
                        .way = "operator",
                        .seconds = seconds,
                        .most = LINKS_MOST};
    token_new(TOKEN_LINK, token);
    token_hash(token, strlen(token), link.token_hash);
    code = pass_open(c->db, &link, err);
    if (code == ERR_OK)
        show_link(c, &owner, token, seconds);
    return code;
}
