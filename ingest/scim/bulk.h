/* Bulks under way (RFC 7644 section 3.7, rules B1 to B7). A thread of its own reads them, makes a request of
 * each operation, publishes all their commands at once, and, when all are answered and on record, makes the
 * answer. So a thousand operations hold up no gate thread, and only a few Bulks are in memory as trees at the
 * same time. */
#ifndef USHER_INGEST_SCIM_BULK_H
#define USHER_INGEST_SCIM_BULK_H

#include "ingest/request/request.h"
#include "ingest/scim/bulk_request.h"

struct bulks *bulks_new(struct ingest *in);
void bulks_close(struct bulks *b); /* none is under way any more */
/* Answers those that have waited too long to be read. */
void bulks_tick(struct bulks *b, int64_t now_us);

/* /Bulk */
extern const struct handler scim_bulk;

/* ---- for other handlers that do many writes at once ---- */

/* What a kind of Bulk reads and writes; the rest is the same for all. */
struct bulk_kind {
    /* From the body to operations. Anything but ERR_OK is the answer. */
    enum err_code (*parse)(struct request *r, json_t *body, struct bulk_request *out, struct err *err);
    /* Routes, ids and order of the operations, once their units are granted. */
    void (*plan)(struct request *r, struct bulk_request *b);
    /* All operations are answered and on record. */
    void (*answer)(struct request *r);
};

/* The first step of such a handler; kind: static. */
enum step bulk_begin(struct request *r, const struct bulk_kind *kind);
/* Its on_units. */
enum step bulk_on_units(struct request *r);

/* Operation i, in the order of the request. */
struct request *bulk_operation(const struct request *r, size_t i);

/* The request is answered, or given up: another one may be worked on. Does nothing for what is no Bulk. */
void bulk_leave(struct request *r);

#endif
