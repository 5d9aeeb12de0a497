/* Memberships as resources (/GroupMemberships). They are read like other resources; what changes them are the
 * commands of the Management API's members, so that events and audit are the same whichever door was taken.
 */
#ifndef USHER_INGEST_SCIM_MEMBERSHIP_H
#define USHER_INGEST_SCIM_MEMBERSHIP_H

#include "ingest/request/request.h"

/* Is the request about a membership? */
bool membership_is_meant(const struct request *r);
/* The id in the path becomes r->membership, and its room r->resource_id. False: it is none. */
bool membership_target(struct request *r, const char *text);
/* Validates a write and makes its command. Anything but ERR_OK is the answer. */
enum err_code membership_prepare(struct request *r, const json_t *body, struct err *err);
/* Answers with what was written, where no read shows it: a user who is inactive is held, and no member yet.
 */
void membership_show_written(struct request *r, int status);

#endif
