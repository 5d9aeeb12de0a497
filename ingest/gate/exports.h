/* Exports of the audit, which are sent while they are read: a piece at a time, on threads and connections of
 * their own. So many are open at once as the setting `exports` says, one of a workspace; further ones are
 * refused. A slow client holds up nothing but its own piece. */
#ifndef USHER_INGEST_GATE_EXPORTS_H
#define USHER_INGEST_GATE_EXPORTS_H

#include "ingest/request/request.h"

struct audit_export;
struct exports;

struct exports *exports_new(struct ingest *in);
/* No export is open any more. NULL is fine. */
void exports_close(struct exports *x);

/* Takes a place for the request's workspace until the request is over. ERR_RATE_LIMITED: there is none. *what
 * is to be filled in; what it borrows must live as long as the request. */
enum err_code exports_open(struct exports *x, struct request *r, struct audit_export **what, struct err *err);
/* The body of its answer. */
struct stream *exports_stream(struct audit_export *what);

#endif
