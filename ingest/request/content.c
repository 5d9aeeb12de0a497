#include "ingest/request/content.h"

#include "ingest/request/answer.h"
#include "schemas/resource/body.h"
#include "schemas/types/discovery.h"

#include <string.h>
#include <strings.h>

#define BODY_DEPTH_MAX 32
#define BODY_ELEMENTS_MAX 600000 /* a room of 100,000 members with all their sub-attributes */
/* A resource stands three levels deep in a Bulk; as trees several Bulks are in memory at the same time. */
#define BULK_DEPTH_MAX (BODY_DEPTH_MAX + 3)
#define BULK_ELEMENTS_MAX 200000

#define FORM_BYTES_MAX 16384 /* of a request for an access token */

/* Parameters (charset) are not judged (rule T2). */
static bool is_type(const char *type, const char *known) {
    size_t n = strlen(known);
    if (type == NULL || strncasecmp(type, known, n) != 0)
        return false;
    char next = type[n + strspn(type + n, " \t")];
    return next == '\0' || next == ';';
}

static void decref(void *json) {
    json_decref(json);
}

void content_keep(struct request *r, json_t *json) {
    if (json != NULL)
        arena_defer(r->arena, decref, json);
}

static bool is_bulk(const struct request *r) {
    return r->route.kind == ROUTE_BULK;
}

size_t content_limit(const struct request *r) {
    size_t max = r->in->settings.max_body_bytes;
    if (r->route.kind == ROUTE_TOKEN)
        return FORM_BYTES_MAX;
    return is_bulk(r) && max > BULK_MAX_BYTES ? BULK_MAX_BYTES : max;
}

enum err_code content_too_large(const struct request *r, struct err *err) {
    return err_set(err, ERR_TOO_LARGE,
                   is_bulk(r) ? "The Bulk is larger than maxPayloadSize (%zu bytes)"
                              : "The body is larger than %zu bytes",
                   content_limit(r));
}

enum err_code content_parse(struct request *r, json_t **body, struct err *err) {
    struct body_limits limits = {content_limit(r), is_bulk(r) ? BULK_DEPTH_MAX : BODY_DEPTH_MAX,
                                 is_bulk(r) ? BULK_ELEMENTS_MAX : BODY_ELEMENTS_MAX};
    const char *other = r->route.method == HTTP_PATCH ? r->form->accepts_patch : r->form->accepts;
    if (!is_type(r->content_type, PLAIN_JSON) && (other == NULL || !is_type(r->content_type, other)))
        return err_set(err, ERR_MEDIA_TYPE, "The body must be %s%s" PLAIN_JSON, other != NULL ? other : "",
                       other != NULL ? " or " : "");
    if (r->body.n == 0)
        return err_set(err, ERR_INVALID_SYNTAX, "The request has no body");
    if (body_parse(r->body.p, r->body.n, &limits, body, err) != ERR_OK)
        return err->code;
    content_keep(r, *body);
    return ERR_OK;
}
