/* What the parts of `usherctl audit verify` share: the tree that is being looked at, and what was found. */
#ifndef USHER_CTL_AUDIT_VERIFY_H
#define USHER_CTL_AUDIT_VERIFY_H

#include "ops/ctl/ctl_audit.h"

#include <jansson.h>

#define VERIFY_PAGE 512 /* leaves at a time */

/* Columns of SQL_AUDIT_VERIFY_LEAVES. */
enum { LEAF_N, LEAF_BYTES, LEAF_EVENT, LEAF_EPOCH, LEAF_SEQ, LEAF_AT = 23 };

struct gap {
    int64_t n, epoch, seq;
};

struct verify {
    struct ctl *c;
    struct ctl_workspace w;
    struct ctl_audit_keys keys;
    struct checkpoint older; /* of --checkpoint; size 0 and no origin: none */
    char *older_note;
    struct jbuf faults; /* lines, or JSON texts */
    size_t nfaults;

    /* the tree under way */
    int tree;
    int64_t size, signed_size;
    int origin;    /* its number */
    int64_t ended; /* heads of origins that were ended, which do not hold */
    struct tree_range range;
    int64_t page;                /* the first leaf of the page */
    struct tree_hash *nodes[64]; /* stored ones of this page, by level */
    bool *there[64];             /* which of them there are */
    int64_t hashed, by_hash,
        heads;         /* leaves that were hashed, that have no bytes any more; heads that hold */
    int64_t gone_last; /* the last leaf whose bytes are gone, not yet known to be allowed; -1 */
    int64_t gone_first;
    int64_t epoch, seq; /* of the last change */
    int64_t first_epoch, first_seq;
    struct gap *gaps;
    size_t ngaps;
    bool older_met;
};

/* Notes a fault of the tree under way; beyond the first hundred they are counted alone. */
void verify_fault(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The record of that row of SQL_AUDIT_VERIFY_LEAVES: its hash goes to *leaf, and its columns and its number
 * must be those of its bytes. */
void verify_record(struct verify *v, const struct db_result *r, size_t row, struct tree_hash *leaf);

/* The number of an origin of this tree; 0: it is of another one. */
int verify_origin(const struct verify *v, const char *origin);
/* Opens a note with each public key that is trusted, under the name that the note has. */
enum err_code verify_open(struct verify *v, const char *note, struct checkpoint *out, struct err *err);
/* The signed head of that row of SQL_AUDIT_VERIFY_CHECKPOINTS, which must be of this root. */
void verify_head(struct verify *v, const struct db_result *r, size_t row, const struct tree_hash *root);
/* A new tree: what was found of the one before is forgotten. */
void verify_begin_tree(struct verify *v, int tree, int64_t size);
/* The number of a change must follow that of the one before it. */
void verify_number(struct verify *v, int64_t n, const json_t *record);
/* Adds the tree to the report; root: of all its leaves. */
void verify_show_tree(struct verify *v, const struct tree_hash *root);
/* From afar: v->keys, v->older and the workspace are known. Reads an export, and judges it. */
enum err_code verify_far(struct verify *v, struct err *err);
/* The public keys that the admin API tells. */
enum err_code verify_far_keys(struct verify *v, struct err *err);

/* The head of --checkpoint, if it is of the leaves that v->range has now. */
void verify_older(struct verify *v, const struct tree_hash *root);

#endif
