/* The steps of handlers (handler.h), with what is the same for all of them. */
#ifndef USHER_INGEST_REQUEST_HANDLE_H
#define USHER_INGEST_REQUEST_HANDLE_H

#include "ingest/request/request.h"

/* Answers with the error. */
enum step handle_refuse(struct request *r, const struct err *err);
/* What was asked is there (code: of the round trip): on_rows, or the error. */
enum step handle_rows(struct request *r, enum err_code code);
/* r->reply was decoded: on_reply, or the refusal. Its memory goes with the request from now on. */
enum step handle_reply(struct request *r);
/* The log has the commands of all that r->next links: on_accepted, and each is finished. NULL is fine. */
void handle_accepted(struct request *r);

/* OPTIONS: the methods that there are. */
extern const struct handler options_handler;

#endif
