/* Users and rooms of the Management API: how they come and go. What is done with them is what SCIM does
 * (scim/read.h, scim/write.h). */
#ifndef USHER_INGEST_API_RESOURCES_H
#define USHER_INGEST_API_RESOURCES_H

#include "ingest/request/request.h"

/* The body of a write as SCIM has it: a resource, or a PatchOp made of a merge patch. It lives as long as the
 * request. */
enum err_code api_write_body(struct request *r, const json_t **body, struct err *err);

/* Answers with a page of users or rooms, out of r->read. */
void api_list_answer(struct request *r);

/* Appends the resource to the answer. */
void api_put_resource(struct request *r, const struct resource_row *row);
char *api_location(const struct request *r, const char *id);

#endif
