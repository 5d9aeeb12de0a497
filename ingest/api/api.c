#include "ingest/api/api.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "schemas/api/cursor.h"
#include "schemas/types/discovery.h"
#include "sql/ask/query.h"

#include <string.h>

#define LIMIT_DEFAULT 100

enum step api_not_found(struct request *r, const char *what, const char *id) {
    struct err err = {0};
    (void)err_set(&err, ERR_NOT_FOUND, "%s %.100s not found", what, id);
    return handle_refuse(r, &err);
}

enum err_code api_body(struct request *r, bool optional, json_t **body, struct err *err) {
    *body = NULL;
    return optional && r->body.n == 0 ? ERR_OK : content_parse(r, body, err);
}

struct db_query *api_query(struct request *r, int kind) {
    r->db_query = arena_alloc(r->arena, sizeof *r->db_query);
    *r->db_query = (struct db_query){
        .kind = (enum db_query_kind)kind, .workspace = r->verdict.workspace.s, .arena = r->arena};
    return r->db_query;
}

/* ---- pages of lists that are ordered by an id ---- */

/* The seal binds a cursor to the workspace, the credential and the list. */
static bool seal_of(const struct request *r, const char *what, const char *bound[5],
                    struct cursor_seal *seal) {
    bound[0] = r->verdict.workspace.s;
    bound[1] = r->verdict.key.s;
    bound[2] = what;
    bound[3] = r->route.segment;
    bound[4] = r->route.second;
    *seal = (struct cursor_seal){seal_key(), bound, 5};
    return seal->secret != NULL;
}

enum err_code api_page(struct request *r, const char *what, int *limit, const char **after, struct err *err) {
    const char *text = query_get(&r->query, "cursor"), *bound[5];
    struct cursor_seal seal;
    struct cursor c;
    int64_t n;
    *after = NULL;
    if (query_int(&r->query, "limit", LIMIT_DEFAULT, &n, err) != ERR_OK)
        return err->code;
    if (n < 1 || n > PAGE_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "limit", "limit is 1 to %d", PAGE_MAX);
    *limit = (int)n;
    if (!seal_of(r, what, bound, &seal))
        return err_set(err, ERR_UNAVAILABLE, "%s", "");
    if (text == NULL || text[0] == '\0')
        return ERR_OK;
    if (cursor_decode(text, &seal, clock_wall_us(), r->arena, &c, err) != ERR_OK)
        return err->code;
    *after = arena_strdup(r->arena, c.id.s);
    return ERR_OK;
}

void api_put_next(struct request *r, const char *what, bool more, const char *last) {
    const char *bound[5];
    struct cursor_seal seal;
    struct cursor c = {.placed = true,
                       .expires_us = clock_wall_us() + r->in->settings.cursor_seconds * INT64_C(1000000)};
    if (!more || !uuid_parse(last, &c.id) || !seal_of(r, what, bound, &seal))
        jb_kraw(&r->answer.body, "next", NULL);
    else
        jb_kstr(&r->answer.body, "next", cursor_encode(&c, &seal, r->arena));
}

void api_put_time(struct jbuf *b, const char *name, int64_t us) {
    char text[RFC3339_SIZE];
    jb_kstr(b, name, us != 0 ? rfc3339_us(us, text) : NULL);
}
