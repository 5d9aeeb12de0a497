#include "ops/ctl/ctl_far.h"

#include "ops/ctl/ctl_logins.h"
#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ADMIN "/api/v1/admin"
#define PAGE_LIMIT "200" /* of a list, as the API has it */

/* ---- where ---- */

void ctl_far_init(struct ctl_far *far, const struct config *config, const char *url, const char *token) {
    *far = (struct ctl_far){.server = {.url = url,
                                       .token = token,
                                       .ca_file = config_str(config, "ca-file"),
                                       .timeout_ms = config_int(config, "deadline-ms")}};
}

void ctl_far_close(struct ctl_far *far) {
    if (far == NULL)
        return;
    free(far->url);
    free(far->token);
    free(far);
}

/* The token of the environment is for the address that is set; otherwise a login says both. */
static enum err_code find_login(const struct config *config, char **url, char **token, struct err *err) {
    const char *set = config_str(config, "url"), *secret = getenv("USHER_OWNER_TOKEN");
    char *clean = NULL;
    *url = *token = NULL;
    if (set[0] != '\0' && ctl_http_url(set, &clean, err) != ERR_OK)
        return err->code;
    if (clean != NULL && secret != NULL && secret[0] != '\0') {
        *url = clean;
        *token = xstrdup(secret);
        return ERR_OK;
    }
    enum err_code code = ctl_logins_find(clean != NULL ? clean : "", url, token, err);
    free(clean);
    return code;
}

enum err_code ctl_far_open(const struct config *config, const struct ctl_args *a, bool must,
                           struct ctl_far **far, struct err *err) {
    char *url, *token;
    *far = NULL;
    must |= a->far;
    if (!must && config_str(config, "pg")[0] != '\0')
        return ERR_OK;
    if (find_login(config, &url, &token, err) != ERR_OK)
        return err->code;
    if (url == NULL)
        return must
                   ? err_set(
                         err, ERR_USAGE,
                         "there is no login: usherctl login URL, or --url with USHER_OWNER_TOKEN in the environment")
                   : ERR_OK;
    *far = xcalloc(1, sizeof **far);
    ctl_far_init(*far, config, url, token);
    (*far)->url = url;
    (*far)->token = token;
    return ERR_OK;
}

/* ---- requests ---- */

/* "urn:usher:problem:not-found" says NOT_FOUND. */
static enum err_code code_of(const char *type) {
    static const char prefix[] = "urn:usher:problem:";
    char name[40];
    size_t n = 0;
    if (type == NULL || strncmp(type, prefix, sizeof prefix - 1) != 0)
        return ERR_INTERNAL;
    for (const char *p = type + sizeof prefix - 1; *p != '\0' && n < sizeof name - 1; p++)
        name[n++] = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    name[n] = '\0';
    return err_from_name(name);
}

/* A problem document, or what a proxy in front has said. A 503 is no refusal: the service is away. */
static enum err_code refused(const struct ctl_server *s, const struct ctl_exchange *x, struct err *err) {
    json_t *doc = x->answer.n > 0 ? json_loadb(x->answer.p, x->answer.n, 0, NULL) : NULL;
    const char *detail = json_string_value(json_object_get(doc, "detail")),
               *type = json_string_value(json_object_get(doc, "type"));
    enum err_code code = code_of(type);
    bool away = x->status == 502 || x->status == 504 ||
                (x->status == 503 && (detail == NULL || code == ERR_UNAVAILABLE));
    if (away)
        code = ERR_LOST;
    else if (type == NULL && x->status / 100 != 5)
        code = x->status == 404 ? ERR_NOT_FOUND : ERR_BAD_REQUEST;
    if (x->status == 401)
        (void)err_set(err, ERR_UNAUTHORIZED, "%s does not take the token: %s", s->url,
                      detail != NULL ? detail : "401");
    else if (detail != NULL)
        (void)err_set(err, code, "%s", detail);
    else
        (void)err_set(err, code, "%s answers %ld to %s %s", s->url, x->status, x->method, x->path);
    json_decref(doc);
    return err->code;
}

static enum err_code exchange(struct ctl *c, struct ctl_exchange *x, struct err *err) {
    const struct ctl_server *s = &c->far->server;
    enum err_code code = ctl_http_ask(s, x, err);
    return code == ERR_OK && x->status / 100 != 2 ? refused(s, x, err) : code;
}

enum err_code ctl_far_ask(struct ctl *c, const char *method, const char *path, json_t *body, json_t **out,
                          struct err *err) {
    struct jbuf text = {0};
    char *whole = xasprintf(ADMIN "%s", path);
    if (body != NULL)
        jsonx_text(body, &text);
    json_decref(body);
    struct ctl_exchange x = {.method = method, .path = whole, .body = text.p};
    enum err_code code = exchange(c, &x, err);
    json_t *doc =
        code == ERR_OK && x.answer.n > 0 ? json_loadb(x.answer.p, x.answer.n, JSON_ALLOW_NUL, NULL) : NULL;
    if (code == ERR_OK && x.answer.n > 0 && doc == NULL)
        code = err_set(err, ERR_INTERNAL, "%s answers with something that is no JSON", c->far->server.url);
    if (out != NULL)
        *out = doc;
    else
        json_decref(doc);
    jb_free(&x.answer);
    jb_free(&text);
    free(whole);
    return code;
}

enum err_code ctl_far_read(struct ctl *c, const char *path, FILE *to, char **text, struct err *err) {
    char *whole = xasprintf(ADMIN "%s", path);
    struct ctl_exchange x = {.method = "GET", .path = whole, .to = to};
    enum err_code code = exchange(c, &x, err);
    if (code == ERR_OK && text != NULL)
        *text = jb_take(&x.answer);
    jb_free(&x.answer);
    free(whole);
    return code;
}

static enum err_code one_page(struct ctl *c, const char *path, size_t most, const char *cursor, json_t **page,
                              struct err *err) {
    struct jbuf with = {0};
    char limit[24];
    snprintf(limit, sizeof limit, "%zu", most);
    jb_raw(&with, path);
    ctl_http_parameter(&with, "limit", most < 200 ? limit : PAGE_LIMIT);
    if (cursor != NULL)
        ctl_http_parameter(&with, "cursor", cursor);
    enum err_code code = ctl_far_ask(c, "GET", with.p, NULL, page, err);
    jb_free(&with);
    return code;
}

enum err_code ctl_far_items(struct ctl *c, const char *path, size_t most, json_t **items, struct err *err) {
    enum err_code code = ERR_OK;
    char *cursor = NULL;
    *items = json_array();
    do {
        json_t *page = NULL;
        code = one_page(c, path, most - json_array_size(*items), cursor, &page, err);
        if (code == ERR_OK)
            (void)json_array_extend(*items, json_object_get(page, "items"));
        free(cursor);
        const char *next = json_string_value(json_object_get(page, "next"));
        cursor = next != NULL ? xstrdup(next) : NULL;
        json_decref(page);
    } while (code == ERR_OK && cursor != NULL && json_array_size(*items) < most);
    free(cursor);
    if (code != ERR_OK) {
        json_decref(*items);
        *items = NULL;
    }
    return code;
}

enum err_code ctl_far_workspace(struct ctl *c, struct err *err) {
    struct ctl_workspace *w = &c->far->workspace;
    json_t *doc = NULL;
    if (w->name[0] != '\0')
        return ERR_OK;
    enum err_code code = ctl_far_ask(c, "GET", "/workspace", NULL, &doc, err);
    const char *id = json_string_value(json_object_get(doc, "id")),
               *name = json_string_value(json_object_get(doc, "name"));
    if (code == ERR_OK && (id == NULL || name == NULL || !uuid_parse(id, &w->id)))
        code = err_set(err, ERR_INTERNAL, "%s is no admin API of usher", c->far->server.url);
    if (code == ERR_OK)
        snprintf(w->name, sizeof w->name, "%s", name);
    json_decref(doc);
    return code;
}
