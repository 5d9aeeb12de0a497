/* What the archive writes and reads: places in usher.audit, heads of trees, leaves, nodes, sums, signed
 * heads. One transaction adds a batch: archive_begin locks the places and loads the heads, archive_store
 * writes and commits. Between them nobody else adds to the same partitions. */
#ifndef USHER_SQL_ASK_ARCHIVE_H
#define USHER_SQL_ASK_ARCHIVE_H

#include "schemas/proof/tree.h"
#include "sql/db.h"
#include "sql/pg_array.h"

#define ARCHIVE_CHANGES 1
#define ARCHIVE_REQUESTS 2
#define ARCHIVE_SPANS 3    /* of sums: minute, hour, day */
#define ARCHIVE_BUCKETS 20 /* of a histogram: less than 2^(i+7) us; the last has all others */

struct archive_place {
    int32_t partition;
    int64_t next;
    int64_t recheck; /* records before this offset may be there already */
};
/* Where these go on; a partition that is new begins at `first`. */
enum err_code archive_places(struct db *db, const struct archive_place *first, size_t n,
                             struct archive_place *out, struct err *err);
/* The log holds the place no more, as it has begun anew between first and end. */
enum err_code archive_begin_again(struct db *db, const struct archive_place *was, int64_t first, int64_t end,
                                  struct err *err);

struct archive_tree {
    char workspace[37];
    int tree;
    int32_t partition;
    int64_t first_seq, epoch, seq;
    struct tree_range range;
    bool stopped;
    const char *stops, *refuses; /* why from now on; NULL: as it was */
};

struct archive_begun {
    struct archive_place *places; /* in the order of their partitions */
    size_t nplaces;
    struct archive_tree *trees;
    size_t ntrees;
    char **known; /* events that are there already, of those that were asked about */
    size_t nknown;
};
/* Begins the transaction. txns: of requests that may be there already; usually there are none. */
enum err_code archive_begin(struct db *db, const int32_t *partitions, size_t npartitions,
                            const char *const *workspaces, size_t nworkspaces, const char *const *txns,
                            size_t ntxns, struct archive_begun *out, struct err *err);
void archive_begun_free(struct archive_begun *b);
/* In that transaction: false in *there where the leaf's hash is not known. */
enum err_code archive_leaf_hash(struct db *db, const char *workspace, int tree, int64_t n,
                                struct tree_hash *out, bool *there, struct err *err);

/* Texts may be NULL, but for workspace and event. */
struct archive_leaf {
    const char *workspace;
    int tree;
    int64_t n, at_us, epoch, seq; /* epoch 0: none */
    const char *event, *txn;
    const char *actor_kind, *actor_id, *actor_name;
    const char *action, *outcome, *reason;
    const char *target_type, *target_id, *target_name, *subject_id, *subject_name;
    const char *method, *path;
    int status; /* 0: none, as is the duration then */
    const char *error, *detail, *source, *user_agent;
    bool rate_limited;
    int64_t duration_us;
    struct pg_bytes bytes;
};
/* What the leaves of a tree from n on complete, in the order in which they do (tree_append). */
struct archive_run {
    const char *workspace;
    int tree;
    int64_t n;
    struct pg_bytes hashes;
};
struct archive_gap {
    const char *workspace;
    int tree;
    int64_t n, epoch, seq, before_epoch, before_seq;
    const char *why;
};
struct archive_aside {
    const char *workspace;
    int tree;
    int32_t partition;
    int64_t offset;
    const char *event;
    struct pg_bytes bytes;
};
struct archive_sum {
    char workspace[37], key[37];
    int64_t at_us;
    int64_t requests, operations, writes, ok, redirected, refused, limited, failed, superseded;
    int64_t latency[ARCHIVE_BUCKETS];
    int64_t bytes_in, bytes_out, first_us, last_us, write_us; /* write_us 0: none */
};
struct archive_source {
    char workspace[37], key[37];
    const char *source;
    int64_t requests, first_us, last_us;
};

struct archive_batch {
    struct archive_leaf *leaves;
    struct archive_run *runs;
    struct archive_gap *gaps;
    struct archive_aside *asides;
    struct archive_sum *sums[ARCHIVE_SPANS];
    struct archive_source *sources;
    size_t nleaves, nruns, ngaps, nasides, nsums[ARCHIVE_SPANS], nsources;
    const struct archive_tree *trees; /* those that have changed, or are new */
    size_t ntrees;
    const struct archive_place *places; /* next: where they go on */
    size_t nplaces;
};
/* Writes it and commits. After an error nothing of it is there, unless the connection was lost at the end. */
enum err_code archive_store(struct db *db, const struct archive_batch *b, struct err *err);

/* The table for records of that time. */
enum err_code archive_day(struct db *db, int64_t at_us, struct err *err);
/* Forgets what has had its time, `most` rows at a time; *gone: tables and rows. */
enum err_code archive_keep(struct db *db, int most, int64_t *gone, struct err *err);
enum err_code archive_faults(struct db *db, const int32_t *partitions, size_t n, int64_t *stopped,
                             int64_t *refused, struct err *err);

/* ---- trees that go on ---- */

#define ARCHIVE_RESUMED_MAX 100
/* A tree that has stopped, and somebody accepts that numbers are missing behind seq. */
struct archive_resumed {
    char workspace[37];
    int tree;
    int32_t partition;
    char *why; /* to be freed */
    int64_t seq;
};
/* Of these partitions, up to ARCHIVE_RESUMED_MAX. */
enum err_code archive_resumed(struct db *db, const int32_t *partitions, size_t n,
                              struct archive_resumed out[ARCHIVE_RESUMED_MAX], size_t *nout, struct err *err);

struct archive_set_aside {
    int64_t offset, at_us; /* at: when it was put aside */
    char *event, *bytes;   /* to be freed */
    size_t nbytes;
};
#define ARCHIVE_ASIDES_MAX 500
/* What was put aside of it behind an offset, in its order, in a transaction of its own. *more: there is more.
 */
enum err_code archive_asides(struct db *db, const struct archive_resumed *r, int64_t after,
                             struct archive_set_aside out[ARCHIVE_ASIDES_MAX], size_t *n, bool *more,
                             struct err *err);
/* In the transaction of archive_begin: these are not aside any more; goes_on: nor has the tree stopped. */
enum err_code archive_take_asides(struct db *db, const struct archive_resumed *r, const int64_t *offsets,
                                  size_t n, bool goes_on, struct err *err);

/* ---- signed heads ---- */

struct archive_unsigned {
    char workspace[37];
    int tree;
    int32_t partition;
    int64_t size;
    int origin; /* its number: 1, or more after somebody has let a refused tree go on */
};
/* Up to `most` trees of these partitions that have grown since they were signed, `seconds` ago or longer. */
enum err_code archive_unsigned(struct db *db, const int32_t *partitions, size_t n, int seconds, size_t most,
                               struct archive_unsigned *out, size_t *nout, struct err *err);
/* The subtrees that a tree of this size is made of. *whole: all of them are there. */
enum err_code archive_peaks(struct db *db, const char *workspace, int tree, int64_t size,
                            struct tree_range *out, bool *whole, struct err *err);
struct archive_signed {
    const char *workspace;
    int tree;
    int64_t size;
    int origin;
    const char *note;
    struct tree_hash root;
};
enum err_code archive_sign(struct db *db, const struct archive_signed *heads, size_t n, struct err *err);
/* Nothing of this tree is signed any more. */
enum err_code archive_refuse(struct db *db, const char *workspace, int tree, const char *why,
                             struct err *err);
enum err_code archive_register_key(struct db *db, const unsigned char key[32], struct err *err);

#endif
