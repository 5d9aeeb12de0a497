/* All errors of usher: one table, one struct. A function that can refuse returns an enum err_code (ERR_OK is
 * 0) and fills the caller's struct err with a sentence for the client and, where it is known, the attribute
 * path. */
#ifndef USHER_RUNTIME_ERR_H
#define USHER_RUNTIME_ERR_H

#include <stddef.h>

/* What to do about an error. */
enum err_class {
    ERR_CLASS_OK,
    ERR_CLASS_RETRY,  /* the same call may succeed later; nothing happened */
    ERR_CLASS_REJECT, /* the caller's fault or a business refusal; retrying the same is useless */
    ERR_CLASS_FATAL,  /* our fault or a broken environment */
};

/* X(symbol, class, HTTP status, scimType or NULL, default text); scimTypes: RFC 7644 section 3.12, table 9.
 */
#define ERR_TABLE(X)                                                                                         \
    X(OK, OK, 200, NULL, "ok")                                                                               \
    X(INVALID_SYNTAX, REJECT, 400, "invalidSyntax", "The request body is malformed")                         \
    X(INVALID_VALUE, REJECT, 400, "invalidValue", "A value is missing or not allowed")                       \
    X(INVALID_FILTER, REJECT, 400, "invalidFilter", "The filter is malformed or not supported")              \
    X(INVALID_PATH, REJECT, 400, "invalidPath", "The path is malformed or unknown")                          \
    X(INVALID_VERS, REJECT, 400, "invalidVers", "The protocol version is not supported")                     \
    X(NO_TARGET, REJECT, 400, "noTarget", "The path matches nothing to act on")                              \
    X(MUTABILITY, REJECT, 400, "mutability", "The attribute cannot be changed")                              \
    X(TOO_MANY, REJECT, 400, "tooMany", "The query yields too many results")                                 \
    X(INVALID_CURSOR, REJECT, 400, "invalidCursor", "The cursor is not valid for this query")                \
    X(EXPIRED_CURSOR, REJECT, 400, "expiredCursor", "The cursor has expired")                                \
    X(INVALID_COUNT, REJECT, 400, "invalidCount", "The count is out of range or has changed")                \
    X(BAD_REQUEST, REJECT, 400, NULL, "The request is malformed")                                            \
    X(UNAUTHORIZED, REJECT, 401, NULL, "A valid bearer token is required")                                   \
    X(FORBIDDEN, REJECT, 403, NULL, "Not allowed")                                                           \
    X(INSUFFICIENT_SCOPE, REJECT, 403, NULL, "The key lacks the needed scope")                               \
    X(SEATS, REJECT, 403, NULL, "No seat is left")                                                           \
    X(GUARD, REJECT, 403, NULL, "Too many removals within a short time")                                     \
    X(NOT_FOUND, REJECT, 404, NULL, "Resource not found")                                                    \
    X(METHOD, REJECT, 405, NULL, "Method not allowed")                                                       \
    X(UNIQUENESS, REJECT, 409, "uniqueness", "The value is already in use")                                  \
    X(CONFLICT, REJECT, 409, NULL, "Conflict with the current state")                                        \
    X(IN_PROGRESS, REJECT, 409, NULL, "The same request is being done now")                                  \
    X(BULK_STOPPED, REJECT, 409, NULL, "Not processed: too many operations before it have failed")           \
    X(GONE, REJECT, 410, NULL, "No longer available")                                                        \
    X(PRECONDITION, REJECT, 412, NULL, "The resource has another version")                                   \
    X(TOO_LARGE, REJECT, 413, NULL, "The request body is too large")                                         \
    X(URI_TOO_LONG, REJECT, 414, NULL, "The request target is too long")                                     \
    X(MEDIA_TYPE, REJECT, 415, NULL, "The media type is not supported")                                      \
    X(KEY_REUSED, REJECT, 422, NULL, "The Idempotency-Key was used with another request")                    \
    X(RATE_LIMITED, REJECT, 429, NULL, "Rate limit exceeded")                                                \
    X(HEADERS_TOO_LARGE, REJECT, 431, NULL, "The request's headers are too large")                           \
    X(INTERNAL, FATAL, 500, NULL, "Internal error")                                                          \
    X(NOT_IMPLEMENTED, REJECT, 501, NULL, "Not implemented")                                                 \
    X(HTTP_VERSION, REJECT, 505, NULL, "The HTTP version is not supported; HTTP/1.1 is")                     \
    X(UNAVAILABLE, RETRY, 503, NULL, "The service is not available now")                                     \
    X(DEADLINE, RETRY, 503, NULL, "Not done in time; nothing was changed")                                   \
    X(OUTCOME_UNKNOWN, RETRY, 503, NULL, "Not done in time; the outcome is not known")                       \
    X(LOST, RETRY, 503, NULL,                                                                                \
      "The request was lost before it was applied; nothing was changed, send it again")                      \
    X(DB_RETRY, RETRY, 503, NULL, "The database asks to try again")                                          \
    X(DB_LOST, RETRY, 503, NULL, "The database cannot be reached")                                           \
    X(DB_FENCED, RETRY, 503, NULL, "The partition was taken by another worker")                              \
    X(DB_DATA, REJECT, 500, NULL, "The database refused a value")                                            \
    X(DB_BUG, FATAL, 500, NULL, "The database refused a statement")                                          \
    X(DB_SYSTEM, FATAL, 503, NULL, "The database is not in order")                                           \
    X(DB_SLOW, FATAL, 503, NULL, "The database needs too long for it")                                       \
    X(KAFKA, RETRY, 503, NULL, "The log cannot be reached")                                                  \
    X(RECORD_REFUSED, FATAL, 500, NULL, "The log refuses the record for ever")                               \
    X(DECODE, REJECT, 500, NULL, "The record cannot be decoded")                                             \
    X(USAGE, REJECT, 400, NULL, "Wrong usage")                                                               \
    X(CONFIG, FATAL, 500, NULL, "Wrong configuration")

/* An error cannot be ignored by mistake: the type itself is marked, so the compiler warns about every call
 * that drops an enum err_code, static functions included. A prototype needs no mark of its own for that.
 * Where the code changes nothing, because the struct err says it already, the call has `(void)` in front.
 *
 * USHER_MUST_CHECK in front of a prototype marks what the type cannot: a function that returns a bool and has
 * filled its result only if that is true. */
#ifdef __clang__
#define USHER_MUST_CHECK __attribute__((warn_unused_result))
#else
#define USHER_MUST_CHECK [[nodiscard]]
#endif

enum USHER_MUST_CHECK err_code {
#define ERR_ENUM(sym, class, http, scim, text) ERR_##sym,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

struct err {
    enum err_code code;
    char detail[512]; /* a sentence for the caller; empty = the table's text */
    char path[160];   /* the attribute or parameter it is about; may be empty */
};

/* Sets code and detail (printf-like, cut at the field's size) and returns code, so that a caller can `return
 * err_set(...)`. err may be NULL. */
enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum err_code err_set_path(struct err *err, enum err_code code, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void err_clear(struct err *err);

enum err_class err_class(enum err_code code);
int err_http_status(enum err_code code);
const char *err_scim_type(enum err_code code); /* NULL where the RFC has none */
const char *err_name(enum err_code code);      /* the symbol, for logs: "INVALID_VALUE" */
const char *err_text(const struct err *err);   /* detail, or the table's text; never NULL */
/* The code with this name (see err_name); ERR_INTERNAL for an unknown one. Stored outcomes carry names. */
enum err_code err_from_name(const char *name);

#endif
