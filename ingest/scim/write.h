/* Writes: from a body to a command, from the worker's reply to an answer. */
#ifndef USHER_INGEST_SCIM_WRITE_H
#define USHER_INGEST_SCIM_WRITE_H

#include "ingest/request/request.h"

/* Validates the whole request and fills the command. Anything but ERR_OK is the answer. */
enum err_code write_prepare(struct request *r, struct err *err);
/* Must it be seen first whether the resource is there? DESIGN section 7: DELETE of an unknown id is 404
 * without a command. What is known at once is said at once, also where an asynchronous answer was asked for
 * (rule Q8). */
bool write_asks_existence(const struct request *r);

/* write_answer.c */

/* r->reply was filled by a decoder: from now on its memory goes with the request. */
void write_keep_reply(struct request *r);
/* Makes the answer from r->reply. False: it shows something that must be read first (r->read or r->db_query
 * is ready, r->job says which). */
bool write_outcome(struct request *r);
/* After that read; read_ok false: the read failed. */
void write_shown(struct request *r, bool read_ok);
/* Nobody can say now whether it was applied. */
void write_unknown(struct request *r);
/* 202: the log has it, so it will be done (rule Q3). */
void write_accepted(struct request *r);
/* The same for all that `next` links, which are then finished. */
void write_all_accepted(struct request *r);

/* Refused for want of a seat; before that is said, a duplicate is looked for, which is the truer refusal
 * (rule C2): reads, then answers. */
bool write_seek_duplicate(struct request *r, const struct err *why);
void write_no_seat(struct request *r, enum err_code read);

#endif
