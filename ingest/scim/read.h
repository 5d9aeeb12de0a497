/* Reads: one resource, lists; and what writes share with them (projection, showing a resource). */
#ifndef USHER_INGEST_SCIM_READ_H
#define USHER_INGEST_SCIM_READ_H

#include "ingest/request/request.h"

/* GET of one resource, of a list, and .search. */
extern const struct handler scim_read, scim_list, scim_search;

/* ---- for other handlers that read ---- */

/* The resource that the path names. */
enum step read_begin(struct request *r);
/* The answer out of r->read, in the request's form. */
enum step read_on_read(struct request *r, enum err_code code);

/* The id in the path becomes r->resource_id; ERR_NOT_FOUND where it is none. */
enum err_code read_target(struct request *r, struct err *err);
/* attributes and excludedAttributes -> r->projection (also on writes: rule C8). */
enum err_code read_projection(struct request *r, struct err *err);
/* r->read asks for the resource r->resource_id as the answer shows it. */
void read_resource(struct request *r);
/* The same, only whether it is there. */
void read_existence(struct request *r);
/* The same for a user of that userName. */
enum err_code read_user_name(struct request *r, const char *user_name, struct err *err);

#endif
