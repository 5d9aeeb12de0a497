/* Refuses what no request may contain but the HTTP library accepts: request smuggling, encoded separators,
 * doubtful framing (RFC 9112 sections 3.2, 6.1 and 6.3, RFC 3986 section 2). Pure functions. */
#ifndef USHER_INGEST_HTTP_GUARD_H
#define USHER_INGEST_HTTP_GUARD_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

#define GUARD_HEADERS_MAX 100
#define GUARD_HEADER_BYTES_MAX 16384
#define GUARD_TARGET_MAX 16384

enum guard_kind { GUARD_HEADER, GUARD_TRAILER };

struct guard_header {
    enum guard_kind kind;
    const char *name;
    size_t name_len;
    const char *value; /* "" = none */
    size_t value_len;
};

struct guard_request {
    const char *method;
    const char *version; /* "HTTP/1.1" */
    bool whole;          /* the pieces below are all that came (layout.h) */
    const char *target;  /* as it stood in the request line; NULL if there was none */
    const struct guard_header *headers;
    size_t nheaders;
};

/* What the guard has found. The texts are borrowed from the request. */
struct guard_facts {
    const char *path; /* begins with '/'; for an absolute-form target the part after the authority */
    size_t path_len;
    const char *query; /* after the '?'; NULL = none */
    /* of an absolute-form target: "http" or "https", and its host, which counts instead of the Host header
     * (RFC 9112 section 3.2.2); NULL = none */
    const char *scheme, *authority;
    size_t authority_len;
    const char *host, *authorization, *content_type, *user_agent, *traceparent; /* NULL if absent */
    bool chunked;
    /* Content-Encoding, if the body is coded, with gzip for example; usher reads no such body. NULL = not */
    const char *coding;
    bool has_length;
    unsigned long long length; /* Content-Length; ULLONG_MAX if it is larger */
    bool expects;              /* Expect: the client waits for 100 before it sends the body */
};

/* host may be NULL for HTTP/1.0 alone. ERR_BAD_REQUEST, ERR_URI_TOO_LONG, ERR_HEADERS_TOO_LARGE,
 * ERR_HTTP_VERSION: the connection must be closed after the answer, because nobody knows
 * where the next request begins. */
enum err_code guard_check(const struct guard_request *r, struct guard_facts *facts, struct err *err);
/* W3C trace context, version 00 to fe: two hex digits, 32, 16, 2, ids not all zero. */
bool guard_traceparent(const char *s);

#endif
