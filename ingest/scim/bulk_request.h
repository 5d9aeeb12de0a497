/* A Bulk's body (RFC 7644 section 3.7, rules B1, B4, B5): from JSON to operations in an order in which they
 * can be done. Pure functions. */
#ifndef USHER_INGEST_SCIM_BULK_REQUEST_H
#define USHER_INGEST_SCIM_BULK_REQUEST_H

#include "ingest/request/route.h"
#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/id.h"
#include "schemas/types/discovery.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define BULK_ID_MAX 64

#define MESSAGE_BULK_REQUEST "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
#define MESSAGE_BULK_RESPONSE "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

/* That one operation refers to the resource of another. */
struct bulk_link {
    size_t to;    /* index of the other */
    bool hard;    /* it cannot come before it: same resource, or named in the path, or a room's member */
    bool needed;  /* by a bulkId: the other's resource must be there when this one is done */
    bool dropped; /* closes a circle: the id is known, so the reference is set before its resource is there */
};

struct bulk_op {
    /* as given */
    const char *method;  /* "POST", "PUT", "PATCH", "DELETE" in capitals; others as they came */
    const char *bulk_id; /* NULL = none */
    const char *version; /* NULL = none */
    const char *given_path;
    json_t *data; /* borrowed from the body; NULL = none */

    /* what became of it */
    const char *path;   /* raw, with the service's prefix; references replaced */
    struct route route; /* of that path */
    struct uuid id;     /* of the resource: made here for a POST; "" where the path has none */
    struct bulk_link *links;
    size_t nlinks, settled; /* settled: so many of the first ones are waited for no longer */
    enum err_code code;     /* not ERR_OK: refused, and why */
    const char *detail;
};

struct bulk_request {
    struct bulk_op *ops;
    size_t n;
    size_t *order; /* indexes of ops: what an operation refers to comes before it, otherwise as they came */
    int fail_on_errors; /* 0 = never */
};

/* Notes that the operation cannot be done; the first reason counts. */
void bulk_refuse(struct bulk_op *op, enum err_code code, const char *detail);
/* The envelope and each operation's members. ERR_INVALID_SYNTAX, ERR_INVALID_VALUE: no BulkRequest, nothing
 * of it is done; ERR_TOO_LARGE: too many operations (rule B6). What is wrong with one operation alone is
 * noted in it. */
enum err_code bulk_parse(json_t *body, struct arena *a, struct bulk_request *out, struct err *err);
/* Routes (by the table), ids, references, order. base: URL that resources stand under; prefix: its path.
 * Replaces references in the body's values. Operations that cannot be done are noted. */
void bulk_plan(struct bulk_request *b, const struct route_table *table, const char *base, const char *prefix,
               struct arena *a);

#endif
