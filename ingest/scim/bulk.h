/* Bulks (RFC 7644 section 3.7, rules B1 to B7). A thread of its own parses a Bulk, makes a request of each
 * operation, and publishes all commands at once. When all operations are answered and on record, it makes the
 * answer of the Bulk. So a thousand operations do not block a gate thread, and only a few parsed Bulks are in
 * memory at the same time. */
#ifndef USHER_INGEST_SCIM_BULK_H
#define USHER_INGEST_SCIM_BULK_H

#include "ingest/request/request.h"
#include "ingest/scim/bulk_request.h"

struct bulks *bulks_new(struct ingest *in);
void bulks_close(struct bulks *b); /* no Bulk may be under way */
/* Answers Bulks that have waited until their deadline to be parsed. */
void bulks_tick(struct bulks *b, int64_t now_us);

/* POST /Bulk */
extern const struct handler scim_bulk;

/* ---- for other handlers that do many writes in one request ---- */

/* What differs between kinds of Bulks. */
struct bulk_kind {
    /* Makes operations of the body. Anything but ERR_OK is the answer. */
    enum err_code (*parse)(struct request *r, json_t *body, struct bulk_request *out, struct err *err);
    /* Finds routes, ids and order of the operations, after the rate units were granted. */
    void (*plan)(struct request *r, struct bulk_request *b);
    /* Makes the answer, after all operations are answered and on record. */
    void (*answer)(struct request *r);
};

/* `begin` of such a handler. kind must be constant. */
enum step bulk_begin(struct request *r, const struct bulk_kind *kind);
/* `on_units` of such a handler. */
enum step bulk_on_units(struct request *r);

/* Operation i in the order of the request. */
struct request *bulk_operation(const struct request *r, size_t i);

/* The Bulk is answered or given up, so another one may be worked on. Does nothing for other requests. */
void bulk_leave(struct request *r);

#endif
