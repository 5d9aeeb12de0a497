/* The body of a Bulk (RFC 7644 section 3.7, rules B1, B4, B5): from JSON to operations, in an order in which
 * they can be done. Pure functions. */
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

/* An operation refers to the resource of another one. */
struct bulk_link {
    size_t to;    /* index of the other */
    bool hard;    /* must come after it: the same resource, or named in the path, or a member of a room */
    bool needed;  /* by a bulkId: the other resource must exist when this operation is done */
    bool dropped; /* ignored for the order, because it closes a circle */
};

struct bulk_op {
    /* as the client sent it */
    const char *method;  /* in capitals */
    const char *bulk_id; /* NULL = none */
    const char *version; /* NULL = none */
    const char *given_path;
    json_t *data; /* borrowed from the body; NULL = none */

    /* what parsing and planning have found */
    const char *path;   /* raw, with the prefix of the service; references are replaced */
    struct route route; /* of that path */
    struct uuid id;     /* of the resource; for a POST a new one; "" if the path has none */
    struct bulk_link *links;
    size_t nlinks, settled;          /* settled: the first links, which need not be waited for any more */
    enum err_code code;              /* not ERR_OK: the operation is refused */
    const char *detail, *error_path; /* as in struct err; NULL = none */
};

struct bulk_request {
    struct bulk_op *ops;
    size_t n;
    size_t *order;      /* indexes of ops, in the order in which they are done */
    int fail_on_errors; /* 0 = never */
    bool dry;           /* it is only tried: ids that are made say so */
};

/* Notes that the operation cannot be done. The first reason counts. */
void bulk_refuse(struct bulk_op *op, enum err_code code, const char *detail);
/* Reads the envelope and the members of each operation. ERR_INVALID_SYNTAX, ERR_INVALID_VALUE: it is no
 * BulkRequest, and nothing is done. ERR_TOO_LARGE: too many operations (rule B6). An error in one operation
 * is noted there. */
enum err_code bulk_parse(json_t *body, bool strict, struct arena *a, struct bulk_request *out,
                         struct err *err);
/* Finds routes (in the table), ids, references and order, and replaces the references in the body. base: the
 * URL that resources stand under; prefix: its path. Notes operations that cannot be done. */
void bulk_plan(struct bulk_request *b, const struct route_table *table, const char *base, const char *prefix,
               struct arena *a);

#endif
