/* What a key in dry-run mode has tried since then: what a whole cycle of an identity provider would have
 * done. From the archive. */
#ifndef USHER_SQL_ASK_DRY_RUN_H
#define USHER_SQL_ASK_DRY_RUN_H

#include "ops/runtime/arena.h"
#include "sql/db.h"

struct dry_run_count {
    const char *action;
    int64_t n;
};

struct dry_run_refusal {
    int status;
    const char *code, *detail, *example; /* example: method and path of one of them */
    int64_t n, last_us;
};

/* The newest records that are looked at, of changes and of requests each (sql/statements/dry_run.sql). */
#define DRY_RUN_RECORDS 50000
#define DRY_RUN_REFUSALS 50
struct dry_run_seen {
    struct dry_run_count *counts; /* in the order of their names */
    size_t ncounts;
    int64_t requests, refused;       /* those that would change something */
    int64_t first_us, last_us;       /* 0: there was none */
    int64_t seats_used, seats_limit; /* as they are; limit -1: none */
    struct dry_run_refusal refusals[DRY_RUN_REFUSALS];
    size_t nrefusals;
};

/* Three statements in a transaction that sees the workspace (audit_begin). Texts live in the arena. */
enum err_code dry_run_look(struct db *db, const char *workspace, const char *key, int64_t since_us,
                           struct arena *a, struct dry_run_seen *out, struct err *err);

#endif
