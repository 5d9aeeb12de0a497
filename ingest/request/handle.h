/* Runs the steps of handlers (handler.h), and does what is the same for all handlers. */
#ifndef USHER_INGEST_REQUEST_HANDLE_H
#define USHER_INGEST_REQUEST_HANDLE_H

#include "ingest/request/request.h"

/* Answers with the error and says STEP_ANSWERED. */
enum step handle_refuse(struct request *r, const struct err *err);
/* The database has answered; code is the result of the round trip. Calls on_rows, or answers with the error.
 */
enum step handle_rows(struct request *r, enum err_code code);
/* r->command->reply was decoded. Calls on_reply, or answers with the refusal. The request takes over the
 * memory of the reply. */
enum step handle_reply(struct request *r);
/* The log has the commands of r and of all requests behind it in the list r->next. Calls on_accepted of each
 * and finishes it. NULL is fine. */
void handle_accepted(struct request *r);

/* Answers OPTIONS with the methods of the path. */
extern const struct handler options_handler;

#endif
