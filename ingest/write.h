/* Writes: from a body to a command, from the worker's reply to an answer. */
#ifndef USHER_INGEST_WRITE_H
#define USHER_INGEST_WRITE_H

#include "ingest/request.h"

/* Validates the whole request and fills the command. Anything but ERR_OK is the answer. */
enum err_code write_prepare(struct request *r, struct err *err);

/* r->reply was filled by a decoder: from now on its memory goes with the request. */
void write_keep_reply(struct request *r);
/* Makes the answer from r->reply. False: it shows a resource that must be read first (r->read is ready). */
bool write_outcome(struct request *r);
/* After that read; read_ok false: the read failed. */
void write_shown(struct request *r, bool read_ok);
/* Nobody can say now whether it was applied. */
void write_unknown(struct request *r);

/* Refused for want of a seat; before that is said, a duplicate is looked for, which is the truer refusal
 * (rule C2): reads, then answers. */
bool write_seek_duplicate(struct request *r, const struct err *why);
void write_no_seat(struct request *r, enum err_code read);

#endif
