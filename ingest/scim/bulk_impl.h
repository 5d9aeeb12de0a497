/* Shared by bulk.c (queue and steps), bulk_publish.c (from body to commands) and bulk_answer.c. */
#ifndef USHER_INGEST_SCIM_BULK_IMPL_H
#define USHER_INGEST_SCIM_BULK_IMPL_H

#include "ingest/request/request.h"
#include "ingest/scim/bulk.h"

#include <stdatomic.h>

/* The next step of a Bulk. The Bulk thread does all of them. */
enum bulk_step {
    BULK_READ,    /* parse the body */
    BULK_PUBLISH, /* all rate units are granted: make the operations, publish their commands */
    BULK_RECORD,  /* all operations are answered: produce their records */
    BULK_ANSWER,  /* all records are acknowledged: make the answer */
};

/* An operation of a Bulk. */
struct bulk_part {
    struct request *operation; /* its owner is the Bulk, and its `work` is this struct */
    const struct bulk_op *op;
    bool stopped; /* not done, because failOnErrors was reached before it */
};

struct bulk {
    const struct bulk_kind *kind;
    enum bulk_step step;
    bool counted; /* it is one of those that are worked on */
    struct bulk_request request;
    struct bulk_part *parts;     /* in the order of the request */
    struct request **operations; /* in the order in which they are done */
    atomic_int waiting;          /* operations that the current step waits for */
    atomic_bool dropped;         /* the record of one of them could not be kept */
    struct request *whole;       /* of a dry run: waits for what came of all of them; NULL: there is none */
};

/* Owner and handler of the operations. */
extern const struct owner bulk_owner;
extern const struct handler bulk_operation_handler;

/* Parses the body into r->bulk and sets r->operations, the rate units that the Bulk needs. Anything but
 * ERR_OK is the answer. */
enum err_code bulk_read(struct request *r, struct err *err);
/* Makes the operations. Answers those that cannot be done and publishes the others. scratch: a buffer for
 * commands. */
void bulk_publish(struct request *r, struct jbuf *scratch);

/* The operations are made: has them tried. heard: replies can be heard. */
void bulk_try(struct request *r, bool heard, struct jbuf *scratch);
/* Makes the answer of a dry run. False: it is that of the kind. */
bool bulk_trial_answer(struct request *r);
/* One of those that the Bulk waits for is done. The last one puts it into the queue of the thread. */
void bulk_count_down(struct request *r);

/* All operations are answered: finds those that were stopped (rule B3). */
void bulk_judge(struct request *r);
/* Makes the answer: that of the kind, or 202, or an error. */
void bulk_answer(struct request *r);
/* The answer of /Bulk: a BulkResponse. */
void scim_bulk_answer(struct request *r);

#endif
