#include "sql/ask/dry_run.h"

#include <inttypes.h>
#include <stdio.h>

static const char *cell(const struct db_result *r, size_t row, int col, struct arena *a) {
    return db_is_null(r, row, col) ? NULL : arena_strdup(a, db_text(r, row, col));
}

static int64_t number(const struct db_result *r, size_t row, int col, int64_t otherwise) {
    return db_is_null(r, row, col) ? otherwise : db_int(r, row, col);
}

static void read_counts(const struct db_result *r, struct arena *a, struct dry_run_seen *out) {
    out->counts = arena_alloc(a, (db_rows(r) + 1) * sizeof *out->counts);
    for (size_t i = 0; i < db_rows(r); i++)
        out->counts[out->ncounts++] = (struct dry_run_count){cell(r, i, 0, a), db_int(r, i, 1)};
}

static void read_totals(const struct db_result *r, struct dry_run_seen *out) {
    out->requests = db_int(r, 0, 0);
    out->refused = db_int(r, 0, 1);
    out->first_us = number(r, 0, 2, 0);
    out->last_us = number(r, 0, 3, 0);
    out->seats_used = number(r, 0, 4, 0);
    out->seats_limit = number(r, 0, 5, -1);
}

static void read_refusals(const struct db_result *r, struct arena *a, struct dry_run_seen *out) {
    for (size_t i = 0; i < db_rows(r) && i < DRY_RUN_REFUSALS; i++)
        out->refusals[out->nrefusals++] = (struct dry_run_refusal){.status = (int)db_int(r, i, 0),
                                                                   .code = cell(r, i, 1, a),
                                                                   .detail = cell(r, i, 2, a),
                                                                   .n = db_int(r, i, 3),
                                                                   .last_us = db_int(r, i, 4),
                                                                   .example = cell(r, i, 5, a)};
}

enum err_code dry_run_look(struct db *db, const char *workspace, const char *key, int64_t since_us,
                           struct arena *a, struct dry_run_seen *out, struct err *err) {
    char since[24];
    const char *params[] = {workspace, key, since};
    struct db_result *r[3] = {NULL, NULL, NULL};
    snprintf(since, sizeof since, "%" PRId64, since_us);
    *out = (struct dry_run_seen){0};
    enum err_code code = db_run(db, SQL_DRY_RUN_COUNTS, params, &r[0], err);
    if (code == ERR_OK)
        code = db_run(db, SQL_DRY_RUN_TOTALS, params, &r[1], err);
    if (code == ERR_OK)
        code = db_run(db, SQL_DRY_RUN_REFUSALS, params, &r[2], err);
    if (code == ERR_OK) {
        read_counts(r[0], a, out);
        read_totals(r[1], out);
        read_refusals(r[2], a, out);
    }
    db_results_free(r, 3);
    return code;
}
