#include "ingest/api/admin.h"

#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/query.h"

#include <string.h>

/* ---- lists ---- */

/* Kept between the steps of a list. */
struct admin_page {
    size_t limit; /* rows of the page at most */
};

enum step admin_list(struct request *r, const char *what, int kind, size_t p) {
    struct err err = {0};
    const char *after;
    int limit;
    if (api_page(r, what, &limit, &after, &err) != ERR_OK)
        return handle_refuse(r, &err);
    struct admin_page *page = arena_alloc(r->arena, sizeof *page);
    page->limit = (size_t)limit;
    r->work = page;
    struct db_query *q = api_query(r, kind);
    q->p[p] = after;
    q->p[p + 1] = arena_printf(r->arena, "%d", limit + 1);
    return STEP_QUERY;
}

enum step admin_list_answer(struct request *r, const char *what, size_t id,
                            void (*put)(struct jbuf *b, const char *const *row)) {
    const struct db_query *q = r->db_query;
    const struct admin_page *page = r->work;
    bool more = q->nrows > page->limit;
    size_t n = more ? page->limit : q->nrows;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++)
        put(b, q->rows[i]);
    jb_raw(b, "]");
    api_put_next(r, what, more, n > 0 ? q->rows[n - 1][id] : NULL);
    jb_raw(b, "}");
    return STEP_ANSWERED;
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

/* ---- commands ---- */

enum step admin_publish(struct request *r, enum command_type type, json_t *resource) {
    request_make_command(r, type)->resource = resource;
    content_keep(r, resource);
    return STEP_PUBLISH;
}
