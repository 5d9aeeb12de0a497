/* A new epoch of all workspaces' numbers (schemas/README.md, "A new epoch"): usherctl restore and usherctl
 * rooms rebuild. What the topics know is read first; then one transaction of PostgreSQL decides where each
 * workspace counts on (new_epochs); then the streams are told, workspace by workspace, through the outbox.
 * While new_epochs has a row, no worker starts a partition. So it may be killed anywhere, and goes on when it
 * is run again. */
#ifndef USHER_CTL_EPOCH_H
#define USHER_CTL_EPOCH_H

#include "ops/ctl/ctl.h"

enum { EPOCH_MEMBERSHIP, EPOCH_EVENTS, EPOCH_AUDIT, EPOCH_NUMBERED };

/* A workspace, and the highest numbers that the topics show of it. */
struct epoch_seen {
    char workspace[37];
    int64_t seq[EPOCH_NUMBERED];
    struct epoch_seen *next_in_bucket, *next;
};

#define EPOCH_BUCKETS 4096

/* A partition, of the topics and of the outbox. */
struct epoch_part {
    int64_t last, mark; /* as PostgreSQL has them */
    char *positions;    /* JSON text: where the topics went on behind the mark */
    int64_t row;        /* the highest row of the outbox that the topics show; 0: none */
    struct jbuf ends;   /* JSON text: where the topics end */
    char shorter[200];  /* "": none; else a topic that ends before such a position, in words */
};

struct epoch_ends {
    int partitions;
    struct epoch_part *parts;
    struct epoch_seen *buckets[EPOCH_BUCKETS], *first;
    int64_t epoch;     /* the highest that the topics show */
    int64_t records;   /* read */
    struct jbuf ended; /* JSON text, elements of an array: keys and owners that were revoked, keys rotated */
};

/* A zeroed new one, or the one that is there. */
struct epoch_seen *epoch_seen_of(struct epoch_ends *e, const char *workspace);
void epoch_ends_free(struct epoch_ends *e);
/* Reads the topics from behind the marks to their ends: numbers, epochs, rows. parts has last, mark and
 * positions. ERR_KAFKA. */
enum err_code epoch_read_ends(struct ctl *c, struct epoch_ends *e, struct err *err);

/* Tells the streams of every workspace in new_epochs; *told: how many. ERR_DB_FENCED: a worker has taken a
 * partition meanwhile. */
enum err_code epoch_tell(struct ctl *c, int partitions, int64_t *told, struct err *err);

#endif
