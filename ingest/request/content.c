#include "ingest/request/content.h"

#include "ingest/request/answer.h"
#include "schemas/resource/body.h"
#include "schemas/types/discovery.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 32

const struct content_limits content_document = {.depth = DEPTH_MAX};
/* In a Bulk a resource stands three levels deeper. */
const struct content_limits content_bulk = {
    .bytes = BULK_MAX_BYTES, /* rule B6 */
    .depth = DEPTH_MAX + 3,
    .too_large = "The Bulk is larger than maxPayloadSize",
};
/* A request for an access token. */
const struct content_limits content_form = {.bytes = 16384};

/* Parameters such as charset are ignored (rule T2). */
static bool is_type(const char *type, const char *known) {
    size_t n = strlen(known);
    if (type == NULL || strncasecmp(type, known, n) != 0)
        return false;
    char next = type[n + strspn(type + n, " \t")];
    return next == '\0' || next == ';';
}

/* A value that the request keeps; in the arena, which drops it at the latest. */
struct kept {
    json_t *json;
    struct kept *next;
};

static void drop_value(void *arg) {
    struct kept *k = arg;
    json_decref(k->json);
    k->json = NULL;
}

void content_keep(struct request *r, json_t *json) {
    if (json == NULL)
        return;
    struct kept *k = arena_alloc(r->arena, sizeof *k);
    *k = (struct kept){json, r->kept};
    r->kept = k;
    arena_defer(r->arena, drop_value, k);
}

void content_drop(struct request *r) {
    for (struct kept *k = r->kept; k != NULL; k = k->next)
        drop_value(k);
    r->kept = NULL;
}

/* By the path alone: a body that is too large is refused before the method is looked at. */
static const struct content_limits *limits_of(const struct request *r) {
    const struct route_row *place = r->route.place;
    return place != NULL && place->handler->content != NULL ? place->handler->content : &content_document;
}

size_t content_limit(const struct request *r) {
    size_t most = r->in->settings.max_body_bytes, own = limits_of(r)->bytes;
    return own != 0 && own < most ? own : most;
}

enum err_code content_too_large(const struct request *r, unsigned long long sent, struct err *err) {
    const char *named = limits_of(r)->too_large;
    size_t limit = content_limit(r);
    char has[48] = "";
    if (sent > 0 && sent < ULLONG_MAX)
        snprintf(has, sizeof has, "; it has %llu bytes", sent);
    return named != NULL ? err_set(err, ERR_TOO_LARGE, "%s (%zu bytes)%s", named, limit, has)
                         : err_set(err, ERR_TOO_LARGE, "The body is larger than %zu bytes%s", limit, has);
}

/* GET and DELETE have no use for a body. */
enum err_code content_check_coding(const struct request *r, struct err *err) {
    if (r->head.content_coding == NULL || r->route.method == HTTP_GET || r->route.method == HTTP_DELETE)
        return ERR_OK;
    return err_set(err, ERR_MEDIA_TYPE,
                   "The body has Content-Encoding: %.60s; usher reads bodies without a coding only",
                   r->head.content_coding);
}

enum err_code content_parse(struct request *r, json_t **body, struct err *err) {
    const struct content_limits *l = limits_of(r);
    struct body_limits limits = {content_limit(r), l->depth, r->in->settings.max_body_values};
    const char *other = r->route.method == HTTP_PATCH ? r->form->accepts_patch : r->form->accepts;
    if (r->form->profiled && r->verdict.strictness == STRICTNESS_INTEROP) { /* clause IO10 */
        if (!is_type(r->head.content_type, other))
            return err_set(err, ERR_MEDIA_TYPE, "The body must be %s; this workspace is strict", other);
    } else if (!is_type(r->head.content_type, PLAIN_JSON) &&
               (other == NULL || !is_type(r->head.content_type, other)))
        return err_set(err, ERR_MEDIA_TYPE, "The body must be %s%s" PLAIN_JSON, other != NULL ? other : "",
                       other != NULL ? " or " : "");
    if (r->body.n == 0)
        return err_set(err, ERR_INVALID_SYNTAX, "The request has no body");
    if (body_parse(r->body.p, r->body.n, &limits, body, err) != ERR_OK)
        return err->code;
    content_keep(r, *body);
    return ERR_OK;
}
