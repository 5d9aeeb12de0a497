/* Memberships as resources. The id of one is its room's and its user's, with a dot between: it needs no row
 * and no index of its own, it is the same each time the user comes into the room, and nobody has to ask what
 * it stands for. It can be guessed by whoever knows both ids; what may be seen of it is decided by the
 * workspace of the credential, as for every id. */
#ifndef USHER_SCHEMAS_RESOURCE_MEMBERSHIP_H
#define USHER_SCHEMAS_RESOURCE_MEMBERSHIP_H

#include "ops/runtime/id.h"

#include <jansson.h>

#define MEMBERSHIP_ID_SIZE 74

struct membership_id {
    struct uuid room, user;
};

/* False: the text is no such id. Letters may be of any case. */
USHER_MUST_CHECK bool membership_id_parse(const char *text, struct membership_id *out);
char *membership_id_text(const struct membership_id *id, char out[MEMBERSHIP_ID_SIZE]);

/* The ids that a document (resource_normalise) names. ERR_INVALID_VALUE: one of them is no id, or the member
 * is no user. */
enum err_code membership_of_document(const json_t *doc, struct membership_id *out, struct err *err);
/* transmit, as a document says it: true, false, or null where it says nothing. Borrowed, or a constant. */
json_t *membership_transmit(const json_t *doc);
/* The same of the normalised operations of a PATCH. ERR_MUTABILITY: they change something else. */
enum err_code membership_patched_transmit(const json_t *ops, json_t **out, struct err *err);
/* What is shown of a membership of which no more than this is known: {"schemas","group","member",…}; a new
 * reference. transmit: true, false or null. */
json_t *membership_document(const char *urn, const struct membership_id *id, const json_t *transmit);

#endif
