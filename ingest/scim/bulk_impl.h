/* Inside of a Bulk: what bulk.c (queue and steps), bulk_publish.c (from body to commands) and bulk_answer.c
 * share. */
#ifndef USHER_INGEST_SCIM_BULK_IMPL_H
#define USHER_INGEST_SCIM_BULK_IMPL_H

#include "ingest/request/request.h"
#include "ingest/scim/bulk.h"

#include <stdatomic.h>

/* The next thing to do with it, all by the Bulk thread. */
enum bulk_step {
    BULK_READ,    /* the body */
    BULK_PUBLISH, /* admitted with all units: make operations, send commands */
    BULK_RECORD,  /* all operations are answered: their records */
    BULK_ANSWER,  /* all records are acknowledged */
};

/* One operation. */
struct bulk_part {
    struct request *operation; /* whose owner is the Bulk, and whose `work` is this */
    const struct bulk_op *op;
    bool stopped; /* came after failOnErrors was reached, and was not done */
};

struct bulk {
    const struct bulk_kind *kind;
    enum bulk_step step;
    bool counted; /* among those that are worked on */
    struct bulk_request request;
    struct bulk_part *parts;     /* in the order of the request */
    struct request **operations; /* in the order in which they are done */
    atomic_int waiting;          /* operations that are not answered, or not on record */
    atomic_bool dropped;         /* the record of one of them could not be kept */
};

/* Of the operations: their Bulk waits for them, and their answers are parts of its own. */
extern const struct owner bulk_owner;
extern const struct handler bulk_operation_handler;

/* Reads the body into r->bulk, and how many units it needs into r->operations. Anything but ERR_OK is the
 * answer. */
enum err_code bulk_read(struct request *r, struct err *err);
/* Makes the operations; those that cannot be done are answered, the others are published. scratch: for the
 * bytes. */
void bulk_publish(struct request *r, struct jbuf *scratch);

/* All are answered: which were stopped (rule B3). */
void bulk_judge(struct request *r);
/* The answer of its kind, or 202. */
void bulk_answer(struct request *r);
/* That of SCIM: the BulkResponse. */
void scim_bulk_answer(struct request *r);

#endif
