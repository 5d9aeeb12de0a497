/* Writes: from a body to a command, and from the reply of the worker to an answer. */
#ifndef USHER_INGEST_SCIM_WRITE_H
#define USHER_INGEST_SCIM_WRITE_H

#include "ingest/request/request.h"

/* POST, PUT, PATCH and DELETE of a resource. */
extern const struct handler scim_write;

/* ---- for other handlers that write resources ---- */

/* Makes the command out of path and body. Refuses what can be refused early. */
enum step write_begin(struct request *r);
/* Validates a whole write and fills its command. body: as SCIM has it; NULL for a DELETE. Anything but ERR_OK
 * is the answer. */
enum err_code write_prepare(struct request *r, const json_t *body, struct err *err);
/* After a read of a write: before the command, whether the resource exists; after it, the resource for the
 * answer. */
enum step write_on_read(struct request *r, enum err_code code);

/* ---- outcome.c ---- */

/* 201 for a create, 200 for a change. */
int write_success(const struct request *r);
/* Answers with the document, without groups and members, which only a read knows. */
void write_show_document(struct request *r, const char *doc);
/* After the read that follows a command: answers with the resource. read_ok false: the read failed. */
void write_show(struct request *r, bool read_ok);
/* Is the write answered with 204? A PATCH of a room is (ops/DESIGN.md, "Decided points"), unless the client
 * prefers a representation (rule Q2) or asks for attributes (rule P3). */
bool write_is_quiet(const struct request *r);
enum step scim_write_on_reply(struct request *r);
enum step scim_write_on_read(struct request *r, enum err_code code);

#endif
