/* Writes: from a body to a command, from the worker's reply to an answer. */
#ifndef USHER_INGEST_SCIM_WRITE_H
#define USHER_INGEST_SCIM_WRITE_H

#include "ingest/request/request.h"

/* POST, PUT, PATCH and DELETE of a resource. */
extern const struct handler scim_write;

/* ---- for other handlers that write resources ---- */

/* From the request to the command: the id in the path, the body, and what can be refused early. */
enum step write_begin(struct request *r);
/* Validates a whole write and fills its command. body: as SCIM has it; NULL for a DELETE. Anything but ERR_OK
 * is the answer. */
enum err_code write_prepare(struct request *r, const json_t *body, struct err *err);
/* Of a write: it was seen whether the resource is there, or it is shown as it is now. */
enum step write_on_read(struct request *r, enum err_code code);

/* ---- outcome.c ---- */

/* 201 for what was made, 200 for what was changed. */
int write_success(const struct request *r);
/* The resource without what only a read knows: a user's rooms, a room's members. */
void write_show_document(struct request *r, const char *doc);
/* After the read that follows a command; read_ok false: the read failed. */
void write_show(struct request *r, bool read_ok);
/* Is it answered with 204? ops/DESIGN.md, "Decided points": rooms answer a PATCH so. The client may prefer
 * the one or the other (rule Q2), but who asks for attributes gets them (rule P3). */
bool write_is_quiet(const struct request *r);
enum step scim_write_on_reply(struct request *r);
enum step scim_write_on_read(struct request *r, enum err_code code);

#endif
