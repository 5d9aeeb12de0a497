#include "ingest/scim/discovery.h"

#include "ingest/request/answer.h"
#include "schemas/types/discovery.h"

#include <stdlib.h>
#include <string.h>

/* Shown where the operator says so, or to who asks for it by name: strict clients of before RFC 9967 refuse
 * the whole document for a member that they don't know. */
static bool shows_events(const struct request *r) {
    const char *names = query_get(&r->query, "attributes");
    return r->in->settings.announce_events || (names != NULL && strcasestr(names, "securityEvents") != NULL);
}

static char *document(const struct request *r) {
    switch (r->route.kind) {
    case ROUTE_CONFIG:
        return discovery_config(r->base, r->in->settings.cursor_seconds, shows_events(r));
    case ROUTE_TYPES:
        return discovery_resource_types(r->base);
    case ROUTE_TYPE:
        return discovery_resource_type(r->base, r->route.segment);
    case ROUTE_SCHEMAS:
        return discovery_schemas(r->base);
    case ROUTE_SCHEMA:
        return discovery_schema(r->base, r->route.segment);
    default:
        return NULL;
    }
}

void discovery_answer(struct request *r) {
    /* A filter that would be ignored must not look as if it had been applied (RFC 7644 section 4). */
    if (r->route.kind != ROUTE_CONFIG && query_get(&r->query, "filter") != NULL) {
        answer_error(r, ERR_FORBIDDEN, "Discovery documents cannot be filtered");
        return;
    }
    char *text = document(r);
    if (text == NULL)
        answer_error(r, ERR_NOT_FOUND, NULL);
    else
        answer_json(r, 200, text);
    free(text);
}
