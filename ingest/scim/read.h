/* Reads: one resource, lists; and what writes share with them (projection, showing a resource). */
#ifndef USHER_INGEST_SCIM_READ_H
#define USHER_INGEST_SCIM_READ_H

#include "ingest/request/request.h"

/* Turns a GET into r->read. Anything but ERR_OK is the answer. */
enum err_code read_prepare(struct request *r, struct err *err);
/* After the batch: the answer, also where the connection failed (code). */
void read_answer(struct request *r, enum err_code code);

/* attributes and excludedAttributes -> r->projection (also on writes: rule C8). */
enum err_code read_projection(struct request *r, struct err *err);
/* r->read asks for the resource r->resource_id as the answer shows it. */
void read_resource(struct request *r);
/* The same, only whether it is there. */
void read_existence(struct request *r);
/* The same for a user of that userName. */
enum err_code read_user_name(struct request *r, const char *user_name, struct err *err);
enum err_code read_not_found(const struct request *r, struct err *err);

#endif
