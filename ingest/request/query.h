/* Query strings: percent-decoding, parameters, and the masked form for the audit stream. */
#ifndef USHER_INGEST_REQUEST_QUERY_H
#define USHER_INGEST_REQUEST_QUERY_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query_param {
    const char *name, *value; /* decoded */
};

struct query {
    struct query_param *params;
    size_t n;
};

/* Decodes text[0..len) into the arena. plus: '+' is a space (queries, not paths). NULL if an escape is
 * broken, or if the result contains a NUL or is not UTF-8. */
char *query_decode(const char *text, size_t len, bool plus, struct arena *a);
/* text may be NULL. `attributes` and `excludedAttributes` may be given several times: their lists are joined.
 * ERR_INVALID_VALUE for any other parameter that is known and given twice; out is complete then.
 * ERR_BAD_REQUEST for a broken encoding or more than 64 parameters. */
enum err_code query_parse(const char *text, struct arena *a, struct query *out, struct err *err);
/* The parameter of that name, NULL if there is none (rule T7). */
const char *query_get(const struct query *q, const char *name);
/* The name of one that is given twice, also one that nobody knows; NULL = there is none. */
const char *query_repeated(const struct query *q);
/* An integer parameter. Absent or empty: fallback. Too large: +-INT32_MAX. ERR_INVALID_VALUE if it is no
 * integer. */
enum err_code query_int(const struct query *q, const char *name, int64_t fallback, int64_t *out,
                        struct err *err);

/* The query as logs and the audit stream may show it (rule X2). A filter keeps its shape, with "?" in place
 * of every compared value. Parameters of paging and projection stay as they are. Any other parameter becomes
 * "?". NULL for no query. */
char *query_masked(const struct query *q, struct arena *a);

#endif
