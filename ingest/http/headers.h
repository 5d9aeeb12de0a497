/* Reads request line and headers into r->head. */
#ifndef USHER_INGEST_HTTP_HEADERS_H
#define USHER_INGEST_HTTP_HEADERS_H

#include "ingest/http/guard.h"
#include "ingest/request/request.h"

#include <microhttpd.h>

/* A request line as the library has it, in its own memory. */
struct request_line {
    const char *method, *version;
    const char *target; /* before the library has decoded it; NULL = none */
    size_t target_len;
};

/* Reads all headers and lets the guard check them; facts: what it has found. Anything but ERR_OK is the
 * answer. The texts stay until the request ends. peer: the address of the connection; "" = not known. */
enum err_code headers_read(struct request *r, struct MHD_Connection *connection, const char *peer,
                           const struct request_line *line, struct guard_facts *facts, struct err *err);

/* "Basic <base64>" -> the base64 (borrowed), NULL for anything else. Bearer tokens: request/bearer.h. */
const char *headers_basic(const char *authorization);

#endif
