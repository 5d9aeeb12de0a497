#include "sql/ask/log_gaps.h"

#include "sql/pg_array.h"

#include <inttypes.h>
#include <stdio.h>

/* A time goes through floating point in PostgreSQL. */
#define ROUNDING_US 1000

struct number {
    char s[24];
};

static struct number number(int64_t v) {
    struct number text;
    snprintf(text.s, sizeof text.s, "%" PRId64, v);
    return text;
}

enum err_code log_gaps_note(struct db *db, int32_t partition, int64_t place, int64_t first, struct err *err) {
    struct number p = number(partition), at = number(place), begin = number(first);
    const char *params[] = {p.s, at.s, begin.s};
    return db_run(db, SQL_LOG_GAP_NOTE, params, NULL, err);
}

enum err_code log_gaps_open(struct db *db, struct log_gap *gaps, size_t max, size_t *n, struct err *err) {
    struct db_result *r;
    *n = 0;
    if (db_run(db, SQL_LOG_GAP_OPEN, NULL, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r) && *n < max; i++)
        gaps[(*n)++] = (struct log_gap){(int32_t)db_int(r, i, 0), db_int(r, i, 1)};
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code log_gaps_count(struct db *db, int32_t partition, int64_t lost, struct err *err) {
    struct number p = number(partition), n = number(lost);
    const char *params[] = {p.s, n.s};
    return db_run(db, SQL_LOG_GAP_COUNT, params, NULL, err);
}

enum err_code log_gaps_settle(struct db *db, const struct log_gap *gap, int64_t until_us, long hours,
                              struct err *err) {
    struct number p = number(gap->partition), found = number(gap->found_us + ROUNDING_US),
                  until = number(until_us);
    char age[32];
    snprintf(age, sizeof age, "%ld hours", hours);
    const char *settle[] = {p.s, found.s, until.s}, *forget[] = {age};
    struct db_result *r[2];
    db_queue(db, SQL_LOG_GAP_SETTLE, settle);
    db_queue(db, SQL_LOG_GAP_FORGET, forget);
    if (db_flush(db, r, 2, NULL, err) != ERR_OK)
        return err->code;
    db_results_free(r, 2);
    return ERR_OK;
}

enum err_code log_gaps_cover(struct db *db, int32_t partition, int64_t at_us, bool *lost, struct err *err) {
    struct number p = number(partition), at = number(at_us);
    const char *params[] = {p.s, at.s};
    struct db_result *r;
    if (db_run(db, SQL_LOG_GAP_COVERS, params, &r, err) != ERR_OK)
        return err->code;
    *lost = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code log_gaps_unclaimed(struct db *db, const struct txn_of *txns, size_t n, bool *unclaimed,
                                 struct err *err) {
    struct jbuf workspaces = {0}, list = {0};
    struct db_result *r = NULL;
    pg_array_begin(&workspaces);
    pg_array_begin(&list);
    for (size_t i = 0; i < n; i++) {
        unclaimed[i] = false;
        pg_array_word(&workspaces, txns[i].workspace);
        pg_array_word(&list, txns[i].txn);
    }
    pg_array_end(&workspaces);
    pg_array_end(&list);
    const char *params[] = {workspaces.p, list.p};
    enum err_code code = db_run(db, SQL_LOG_GAP_UNCLAIMED, params, &r, err);
    for (size_t i = 0; code == ERR_OK && i < db_rows(r); i++) {
        int64_t at = db_int(r, i, 0);
        if (at < 1 || (size_t)at > n)
            code = err_set(err, ERR_DB_BUG, "a command that nobody asked for");
        else
            unclaimed[at - 1] = true;
    }
    db_results_free(&r, 1);
    jb_free(&workspaces);
    jb_free(&list);
    return code;
}
