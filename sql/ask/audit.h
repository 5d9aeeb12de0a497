/* What is read of the archive: its trees, records, searches and proofs. Each workspace's own. */
#ifndef USHER_SQL_ASK_AUDIT_H
#define USHER_SQL_ASK_AUDIT_H

#include "ops/runtime/arena.h"
#include "schemas/proof/note.h"
#include "schemas/proof/tlog_proof.h"
#include "sql/db.h"

enum { AUDIT_CHANGES = 1, AUDIT_REQUESTS = 2, AUDIT_TREES = 2 };
const char *audit_tree_name(int tree); /* "changes", "requests" */

/* Begins a transaction that sees this workspace alone, in one state; audit_end ends it. */
enum err_code audit_begin(struct db *db, const char *workspace, struct err *err);
void audit_end(struct db *db);

struct audit_tree {
    int64_t size;        /* leaves */
    int64_t signed_size; /* of the newest head */
    int64_t first_seq;   /* of changes: the seq of leaf 0 */
    int origin;          /* its number: more than 1 after it was refused and somebody let it go on */
    const char *stopped, *refused;
};
/* trees[tree - 1]; a tree that is not there has size 0. */
enum err_code audit_trees(struct db *db, const char *workspace, struct arena *a,
                          struct audit_tree trees[AUDIT_TREES], struct err *err);

struct audit_record {
    int tree;
    int64_t n;
    int64_t at_us; /* 0 where it was not asked for */
    const char *event;
    const char *bytes; /* NUL-terminated */
    size_t nbytes;
};
/* Where a page begins: behind this record. at_us 0: at the beginning. */
struct audit_place {
    int64_t at_us;
    int tree;
    int64_t n;
};
struct audit_records {
    struct audit_record *rows; /* in the arena */
    size_t n;
    bool more;               /* of a page: there may be others behind it … */
    struct audit_place next; /* … that is, behind this; of a search alone */
};

/* What is searched for; NULL and 0: anything. */
struct audit_filter {
    int tree;
    bool timed; /* from and to count: [from, to) */
    int64_t from_us, to_us;
    const char *key, *actor, *target, *subject, *txn; /* ids; key: the actor of a request or of a change */
    const char *action, *method, *path, *source;
    int status, status_to; /* [status, status_to) */
    bool rate_limited;
};
/* Reads one member of a filter, as queries and flags have them: kind, from, to, key, actor, action, target,
 * subject, txn, status ("403" or "4xx"), method, path (a '*' at its end: all that begin so), source, limited.
 * The actions seat.taken and seat.freed find users' records with that seat too.
 * What it keeps is borrowed of value or lives in the arena. ERR_NOT_FOUND: there is no such member. */
enum err_code audit_filter_set(struct audit_filter *f, const char *name, const char *value, struct arena *a,
                               struct err *err);
extern const char *const audit_filter_names[];
/* Does it leave out records, but for those of other times or of the other tree? */
bool audit_filter_picks(const struct audit_filter *f);

/* The newest first. A page may have fewer records than the limit, or none, and more behind it: a search that
 * no index serves looks at so many days in a page as it can in a second. */
enum err_code audit_search(struct db *db, const char *workspace, const struct audit_filter *f,
                           const struct audit_place *after, int limit, struct arena *a,
                           struct audit_records *out, struct err *err);
/* Records of f->tree from n on, up to, not including, `end`, in the order of the tree. */
enum err_code audit_walk(struct db *db, const char *workspace, const struct audit_filter *f, int64_t n,
                         int64_t end, int limit, struct arena *a, struct audit_records *out, struct err *err);

/* The rows of a result as records, for what stands beside this. timed: the time is a column. */
void audit_take(const struct db_result *r, bool timed, struct arena *a, struct audit_records *out);

enum err_code audit_by_txn(struct db *db, const char *workspace, const char *txn, struct arena *a,
                           struct audit_records *out, struct err *err);
/* By ce_id: WORKSPACE/audit/SEQ, or INSTANCE/N. */
enum err_code audit_by_event(struct db *db, const char *workspace, const char *event, struct arena *a,
                             struct audit_records *out, struct err *err);

/* An operator lets a tree go on that has stopped or was refused. *done false: it has neither. For who may
 * change all (usherctl). */
enum err_code audit_resume(struct db *db, const char *workspace, int tree, const char *why, bool *done,
                           struct err *err);

/* The newest head that has so many leaves; *note NULL: there is none. */
enum err_code audit_checkpoint(struct db *db, const char *workspace, int tree, int64_t leaves,
                               struct arena *a, const char **note, int64_t *size, struct err *err);
/* The newest head of each tree, and the keys that sign or have signed. */
#define AUDIT_KEYS_MAX 16
struct audit_head {
    const char *note; /* NULL: there is none */
    int64_t size, at_us;
};
struct audit_heads {
    struct audit_head heads[AUDIT_TREES];
    unsigned char keys[AUDIT_KEYS_MAX][ED25519_PUBLIC_SIZE];
    size_t nkeys;
};
enum err_code audit_heads(struct db *db, const char *workspace, struct arena *a, struct audit_heads *out,
                          struct err *err);
/* Appends a proof file of the record. ERR_NOT_FOUND: no head has it yet, or nodes are missing. */
enum err_code audit_prove(struct db *db, const char *workspace, const struct audit_record *record,
                          struct jbuf *out, struct err *err);

#endif
