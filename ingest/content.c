#include "ingest/content.h"

#include "ingest/answer.h"
#include "schemas/body.h"

#include <string.h>
#include <strings.h>

#define BODY_DEPTH_MAX 32
#define BODY_ELEMENTS_MAX 600000 /* a room of 100,000 members with all their sub-attributes */

/* application/scim+json or application/json; parameters (charset) are not judged (rule T2). */
static bool media_type_ok(const char *type) {
    static const char *const known[] = {SCIM_JSON, "application/json"};
    if (type == NULL)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i]);
        if (strncasecmp(type, known[i], n) != 0)
            continue;
        char next = type[n + strspn(type + n, " \t")];
        if (next == '\0' || next == ';')
            return true;
    }
    return false;
}

static void decref(void *json) {
    json_decref(json);
}

void content_keep(struct request *r, json_t *json) {
    if (json != NULL)
        arena_defer(r->arena, decref, json);
}

enum err_code content_parse(struct request *r, json_t **body, struct err *err) {
    struct body_limits limits = {r->in->settings.max_body_bytes, BODY_DEPTH_MAX, BODY_ELEMENTS_MAX};
    if (!media_type_ok(r->content_type))
        return err_set(err, ERR_MEDIA_TYPE, "The body must be " SCIM_JSON " or application/json");
    if (r->body.n == 0)
        return err_set(err, ERR_INVALID_SYNTAX, "The request has no body");
    if (body_parse(r->body.p, r->body.n, &limits, body, err) != ERR_OK)
        return err->code;
    content_keep(r, *body);
    return ERR_OK;
}
