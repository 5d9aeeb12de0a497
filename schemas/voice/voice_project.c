#include "schemas/voice/voice_project.h"

#include "ops/runtime/mem.h"
#include "schemas/voice/voice_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MAX 512
#define FILE_MAX (1024 * 1024)

void voice_projects_free(struct voice_projects *p) {
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].url);
        free(p->v[i].key);
        free(p->v[i].secret);
        free(p->v[i].form);
    }
    free(p->v);
    *p = (struct voice_projects){0};
}

/* The content of a small file. NULL and ERR_CONFIG; *n may be NULL. The caller frees it. */
static char *read_small(const char *file, size_t most, struct err *err) {
    FILE *f = fopen(file, "re");
    if (f == NULL) {
        (void)err_set(err, ERR_CONFIG, "%s: %s", file, strerror(errno));
        return NULL;
    }
    char *text = xmalloc(most + 1);
    size_t n = fread(text, 1, most + 1, f);
    bool good = ferror(f) == 0 && n <= most && memchr(text, '\0', n) == NULL;
    fclose(f);
    if (good) {
        text[n] = '\0';
        return text;
    }
    free(text);
    (void)err_set(err, ERR_CONFIG, "%s: no text of %zu bytes at most", file, most);
    return NULL;
}

static char *read_secret(const char *file, struct err *err) {
    char *secret = read_small(file, SECRET_MAX, err);
    if (secret == NULL)
        return NULL;
    secret[strcspn(secret, "\r\n")] = '\0';
    if (secret[0] != '\0')
        return secret;
    free(secret);
    (void)err_set(err, ERR_CONFIG, "%s: there is no secret in it", file);
    return NULL;
}

static bool is_address(const char *url) {
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (strncmp(url, schemes[i], n) == 0 && url[n] != '\0' && strpbrk(url, "?#@ \t") == NULL)
            return true;
    }
    return false;
}

/* workspace "": all the others. */
static enum err_code add_project(struct voice_projects *out, const char *workspace, const char *url,
                                 const char *key, const char *file, const char *form, struct err *err) {
    struct voice_project p = {0};
    if (workspace[0] != '\0' && !uuid_parse(workspace, &p.workspace))
        return err_set(err, ERR_CONFIG, "\"%.60s\" is no workspace's id", workspace);
    if (out->n == VOICE_PROJECTS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d projects", VOICE_PROJECTS_MAX);
    for (size_t i = 0; i < out->n; i++)
        if (uuid_eq(&out->v[i].workspace, &p.workspace))
            return err_set(err, ERR_CONFIG, "workspace %s stands there twice", workspace);
    if (!is_address(url))
        return err_set(err, ERR_CONFIG, "\"%.100s\" is no address of a LiveKit (http, https, ws, wss)", url);
    if (key[0] == '\0' || file[0] == '\0')
        return err_set(err, ERR_CONFIG, "livekit-url needs livekit-key and livekit-secret-file");
    if (voice_name_check(form, err) != ERR_OK)
        return err->code;
    p.secret = read_secret(file, err);
    if (p.secret == NULL)
        return err->code;
    p.url = xstrdup(url);
    for (size_t n = strlen(p.url); n > 0 && p.url[n - 1] == '/'; n--)
        p.url[n - 1] = '\0';
    p.key = xstrdup(key);
    p.form = xstrdup(form);
    out->v = xreallocarray(out->v, out->n + 1, sizeof *out->v);
    out->v[out->n++] = p;
    return ERR_OK;
}

enum { WORKSPACE, URL, KEY, SECRET_FILE, FORM, WORDS };

static enum err_code add_line(struct voice_projects *out, char *line, const char *form, struct err *err) {
    char *words[WORDS + 1] = {0}, *rest = line;
    int n = 0;
    for (char *word; n <= WORDS && (word = strtok_r(n == 0 ? line : NULL, " \t\r", &rest)) != NULL; n++)
        words[n] = word;
    if (n < FORM || n > WORDS)
        return err_set(err, ERR_CONFIG, "a line has workspace, url, key, secret-file and perhaps a form");
    return add_project(out, words[WORKSPACE], words[URL], words[KEY], words[SECRET_FILE],
                       n > FORM ? words[FORM] : form, err);
}

static enum err_code add_file(struct voice_projects *out, const char *file, const char *form,
                              struct err *err) {
    char *text = read_small(file, FILE_MAX, err), *rest = text;
    int number = 0;
    if (text == NULL)
        return err->code;
    enum err_code code = ERR_OK;
    for (char *line; code == ERR_OK && (line = strsep(&rest, "\n")) != NULL;) {
        number++;
        line[strcspn(line, "#")] = '\0';
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        struct err why = {0};
        if (add_line(out, line, form, &why) != ERR_OK)
            code = err_set(err, ERR_CONFIG, "%s, line %d: %.300s", file, number, err_text(&why));
    }
    free(text);
    return code;
}

enum err_code voice_projects_load(const struct config *c, struct voice_projects *out, struct err *err) {
    const char *url = config_str(c, "livekit-url"), *form = config_str(c, "livekit-room"),
               *file = config_str(c, "livekit-projects");
    *out = (struct voice_projects){0};
    if (voice_name_check(form, err) != ERR_OK)
        return err->code;
    enum err_code code = url[0] == '\0' ? ERR_OK
                                        : add_project(out, "", url, config_str(c, "livekit-key"),
                                                      config_str(c, "livekit-secret-file"), form, err);
    if (code == ERR_OK && file[0] != '\0')
        code = add_file(out, file, form, err);
    if (code != ERR_OK)
        voice_projects_free(out);
    return code;
}

const struct voice_project *voice_project_of(const struct voice_projects *p, const char *workspace) {
    const struct voice_project *any = NULL;
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->v[i].workspace.s, workspace) == 0)
            return &p->v[i];
        if (!uuid_is_set(&p->v[i].workspace))
            any = &p->v[i];
    }
    return any;
}

const struct voice_project *voice_project_with_key(const struct voice_projects *p, const char *key) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].key, key) == 0)
            return &p->v[i];
    return NULL;
}

char *voice_project_api(const struct voice_project *p) {
    return strncmp(p->url, "ws", 2) == 0 ? xasprintf("http%s", p->url + 2) : xstrdup(p->url);
}
