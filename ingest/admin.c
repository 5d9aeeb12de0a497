#include "ingest/admin.h"

#include "ingest/answer.h"
#include "ingest/content.h"
#include "ops/runtime/clock.h"
#include "schemas/jsonx.h"
#include "schemas/workspace_settings.h"
#include "sql/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

enum api_step admin_list(struct request *r, const char *what, int kind, size_t p) {
    struct err err = {0};
    const char *after;
    int limit;
    if (api_page(r, what, &limit, &after, &err) != ERR_OK)
        return api_refuse(r, &err);
    struct look *l = api_look(r, kind);
    l->p[p] = after;
    l->p[p + 1] = arena_printf(r->arena, "%d", limit + 1);
    r->limit = limit;
    return API_LOOK;
}

size_t admin_page(const struct request *r, bool *more) {
    size_t limit = (size_t)r->limit;
    *more = r->look->nrows > limit;
    return *more ? limit : r->look->nrows;
}

/* ---- what comes in ---- */

bool admin_id(struct request *r, const char *what) {
    if (uuid_parse(r->route.segment, &r->resource_id))
        return true;
    (void)api_not_found(r, what, r->route.segment);
    return false;
}

enum err_code admin_members(const json_t *body, const char *const *known, struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)body, name, value) {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], name) != 0)
            i++;
        if (known[i] == NULL)
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no member \"%.100s\" here", name);
    }
    return ERR_OK;
}

enum err_code admin_name(const json_t *body, const char *what, const char **name, struct err *err) {
    const json_t *value = json_object_get(body, "name");
    if (!json_is_string(value))
        return err_set_path(err, ERR_INVALID_VALUE, "name", "The %s needs a name", what);
    *name = json_string_value(value);
    return workspace_name_check(what, *name, err);
}

enum err_code admin_expires(const json_t *body, int64_t *expires_us, struct err *err) {
    const json_t *value = json_object_get(body, "expires");
    *expires_us = 0;
    if (value == NULL || json_is_null(value))
        return ERR_OK;
    if (!json_is_string(value) || !rfc3339_parse(json_string_value(value), expires_us))
        return err_set_path(err, ERR_INVALID_VALUE, "expires",
                            "expires must be a time such as 2030-01-31T12:00:00Z, or null");
    if (*expires_us <= clock_wall_us())
        return err_set_path(err, ERR_INVALID_VALUE, "expires", "expires is in the past");
    return ERR_OK;
}

/* ---- tokens ---- */

void admin_token(struct request *r, enum token_kind kind, json_t *resource) {
    unsigned char hash[TOKEN_HASH_SIZE];
    char text[TOKEN_TEXT_SIZE], hex[2 * TOKEN_HASH_SIZE + 1], prefix[TOKEN_PREFIX_SIZE];
    token_new(kind, text);
    token_hash(text, strlen(text), hash);
    token_show_prefix(text, prefix);
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    jsonx_put(resource, "tokenHash", json_string(hex));
    jsonx_put(resource, "prefix", json_string(prefix));
    r->secret = arena_strdup(r->arena, text);
}

bool admin_token_is(const struct request *r, const char *prefix) {
    char ours[TOKEN_PREFIX_SIZE];
    token_show_prefix(r->secret, ours);
    return strcmp(ours, prefix) == 0;
}

enum api_step admin_token_gone(struct request *r, const char *what) {
    struct err err = {0};
    err_set(
        &err, ERR_CONFLICT,
        "This was done already, by an earlier request, for %s %s; its token was shown in the answer to that "
        "one and cannot be shown again",
        what, r->reply.id.s);
    return api_refuse(r, &err);
}

/* ---- commands ---- */

enum api_step admin_publish(struct request *r, enum command_type type, json_t *resource) {
    r->command = type;
    r->resource = resource;
    content_keep(r, resource);
    return API_PUBLISH;
}
