#include "ingest/scim/discovery.h"

#include "ingest/request/answer.h"
#include "schemas/types/discovery.h"

#include <stdlib.h>
#include <string.h>

/* securityEvents is shown if the setting says so, or if the client asks for it by name: strict clients older
 * than RFC 9967 refuse the document because of a member that they do not know. */
static bool shows_events(const struct request *r) {
    const char *names = query_get(&r->query, "attributes");
    return r->in->settings.announce_events || (names != NULL && strcasestr(names, "securityEvents") != NULL);
}

/* Frees the text. NULL: there is no such document. */
static enum step answer_document(struct request *r, char *text) {
    if (text == NULL)
        answer_error(r, ERR_NOT_FOUND, NULL);
    else
        answer_json(r, 200, text);
    free(text);
    return STEP_ANSWERED;
}

/* Refuses a filter: if it were ignored, the answer would look filtered (RFC 7644 section 4). */
static enum step answer_unfiltered(struct request *r, char *text) {
    if (query_get(&r->query, "filter") == NULL)
        return answer_document(r, text);
    free(text);
    answer_error(r, ERR_FORBIDDEN, "Discovery documents cannot be filtered");
    return STEP_ANSWERED;
}

static struct discovery discovery_of(const struct request *r) {
    return (struct discovery){
        .base = r->base,
        .cursor_seconds = r->in->settings.cursor_seconds,
        .events = shows_events(r),
        .interop = r->verdict.strictness == STRICTNESS_INTEROP,
        .passwords = r->verdict.passwords,
    };
}

static enum step config_begin(struct request *r) {
    const struct discovery d = discovery_of(r);
    return answer_document(r, discovery_config(&d));
}

static enum step types_begin(struct request *r) {
    return answer_unfiltered(r, discovery_resource_types(r->base));
}

static enum step type_begin(struct request *r) {
    return answer_unfiltered(r, discovery_resource_type(r->base, r->route.segment));
}

static enum step schemas_begin(struct request *r) {
    const struct discovery d = discovery_of(r);
    return answer_unfiltered(r, discovery_schemas(&d));
}

static enum step schema_begin(struct request *r) {
    const struct discovery d = discovery_of(r);
    return answer_unfiltered(r, discovery_schema(&d, r->route.segment));
}

const struct handler discovery_config_get = {.begin = config_begin};
const struct handler discovery_types_get = {.begin = types_begin};
const struct handler discovery_type_get = {.begin = type_begin};
const struct handler discovery_schemas_get = {.begin = schemas_begin};
const struct handler discovery_schema_get = {.begin = schema_begin};
