/* Users and rooms of the Management API: the forms in which they come and go. What is done with them is what
 * SCIM does (read.h, write.h). */
#ifndef USHER_INGEST_API_RESOURCES_H
#define USHER_INGEST_API_RESOURCES_H

#include "ingest/request/request.h"

/* The body of a write as SCIM has it: a resource, or a PatchOp of a merge patch. Lives as long as the
 * request. */
enum err_code api_write_body(struct request *r, const json_t **body, struct err *err);

/* GET /users, /rooms: as list_prepare and list_answer. `filter` is SCIM's; userName, externalId, email,
 * displayName and active are looked for as they are, all of them at once. */
enum err_code api_list_prepare(struct request *r, struct err *err);
void api_list_answer(struct request *r);

/* Appends the resource to the answer. */
void api_put_resource(struct request *r, const struct resource_row *row);
char *api_location(const struct request *r, const char *id);

#endif
