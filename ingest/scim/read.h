/* Reads of one resource and of lists, and what writes share with them: the projection, the read for the
 * answer. */
#ifndef USHER_INGEST_SCIM_READ_H
#define USHER_INGEST_SCIM_READ_H

#include "ingest/request/request.h"

/* GET of one resource, GET of a list, POST .search. */
extern const struct handler scim_read, scim_list, scim_search;

/* ---- for other handlers that read ---- */

/* Reads the resource that the path names. */
enum step read_begin(struct request *r);
/* Makes the answer out of r->read, in the form of the request. */
enum step read_on_read(struct request *r, enum err_code code);

/* The id in the path becomes r->resource_id; ERR_NOT_FOUND where it is none. */
enum err_code read_target(struct request *r, struct err *err);
/* Makes r->projection out of attributes and excludedAttributes (also for writes: rule C8). */
enum err_code read_projection(struct request *r, struct err *err);
/* Makes r->read ask for the resource r->resource_id, as the answer shows it. */
void read_resource(struct request *r);
/* Makes r->read ask whether the resource exists. */
void read_existence(struct request *r);
/* Makes r->read ask for the user with that userName. */
enum err_code read_user_name(struct request *r, const char *user_name, struct err *err);

#endif
