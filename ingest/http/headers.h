/* From the request line and the headers to r->head. */
#ifndef USHER_INGEST_HTTP_HEADERS_H
#define USHER_INGEST_HTTP_HEADERS_H

#include "ingest/http/guard.h"
#include "ingest/request/request.h"

#include <microhttpd.h>

/* Reads all headers and has the guard look at them; facts: what it found. Anything but ERR_OK is the answer.
 * The texts are the connection's and stay where they are until the request ends. peer: the connection's
 * address, "" = not known. */
enum err_code headers_read(struct request *r, struct MHD_Connection *connection, const char *peer,
                           const char *version, struct guard_facts *facts, struct err *err);

/* "Bearer <token>" -> the token (borrowed), NULL for anything else; "Basic <base64>" the same. */
const char *headers_bearer(const char *authorization);
const char *headers_basic(const char *authorization);

#endif
