#include "sql/ask/command_log.h"

#include "sql/ask/client.h"
#include "sql/ask/idempotency.h"
#include "sql/pg_array.h"

#include <stdio.h>
#include <string.h>

static enum err_code decode_outcome(const char *text, struct reply *outcome, struct err *err) {
    return reply_decode(text, strlen(text), outcome, err);
}

enum err_code command_log_cancel(struct db *db, const char *workspace, const char *txn,
                                 enum claim_result *result, struct reply *outcome, struct err *err) {
    const char *params[] = {workspace, txn};
    struct db_result *r;
    if (db_run(db, SQL_COMMAND_LOG_CANCEL, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    *result = db_bool(r, 0, 0) ? CLAIM_WON : CLAIM_LOST;
    if (*result == CLAIM_LOST)
        code = decode_outcome(db_text(r, 0, 1), outcome, err);
    db_results_free(&r, 1);
    return code;
}

/* All were asked for; each must have its row. */
static enum err_code read_claims(const struct db_result *r, struct claim *claims, size_t n, struct err *err) {
    if (db_rows(r) != n)
        return err_set(err, ERR_DB_BUG, "%zu claims for %zu commands", db_rows(r), n);
    for (size_t i = 0; i < n; i++) {
        int64_t at = db_int(r, i, 0);
        if (at < 1 || (size_t)at > n)
            return err_set(err, ERR_DB_BUG, "a claim that nobody asked for");
        struct claim *c = &claims[at - 1];
        c->result = db_bool(r, i, 1) ? CLAIM_WON : CLAIM_LOST;
        if (c->result == CLAIM_LOST && decode_outcome(db_text(r, i, 2), &c->outcome, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

enum err_code command_log_cancel_many(struct db *db, struct claim *claims, size_t n, struct err *err) {
    struct jbuf workspaces = {0}, txns = {0};
    struct db_result *r = NULL;
    pg_array_begin(&workspaces);
    pg_array_begin(&txns);
    for (size_t i = 0; i < n; i++) {
        pg_array_word(&workspaces, claims[i].workspace);
        pg_array_word(&txns, claims[i].txn);
    }
    pg_array_end(&workspaces);
    pg_array_end(&txns);
    const char *params[] = {workspaces.p, txns.p};
    enum err_code code = db_run(db, SQL_COMMAND_LOG_CANCEL_MANY, params, &r, err);
    if (code == ERR_OK)
        code = read_claims(r, claims, n, err);
    for (size_t i = 0; code != ERR_OK && i < n; i++)
        reply_clear(&claims[i].outcome);
    db_results_free(&r, 1);
    jb_free(&workspaces);
    jb_free(&txns);
    return code;
}

enum err_code command_log_find(struct db *db, const char *workspace, const char *txn, bool *found,
                               bool *cancelled, struct reply *outcome, struct err *err) {
    const char *params[] = {workspace, txn};
    struct db_result *r;
    if (db_run(db, SQL_COMMAND_LOG_FIND, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    *found = db_bool(r, 0, 0);
    *cancelled = *found && db_is_null(r, 0, 1);
    if (*found && !*cancelled)
        code = decode_outcome(db_text(r, 0, 1), outcome, err);
    db_results_free(&r, 1);
    return code;
}

enum err_code command_log_outcomes(struct db *db, const char *workspace, const struct uuid *txns, size_t n,
                                   void (*fn)(size_t i, bool known, const char *records, void *ctx),
                                   void *ctx, struct err *err) {
    struct jbuf list = {0};
    struct db_result *r = NULL;
    pg_array_begin(&list);
    for (size_t i = 0; i < n; i++)
        pg_array_word(&list, txns[i].s);
    pg_array_end(&list);
    const char *params[] = {workspace, list.p};
    enum err_code code = db_run(db, SQL_COMMAND_LOG_OUTCOMES, params, &r, err);
    jb_free(&list);
    if (code == ERR_OK && db_rows(r) != n)
        code = err_set(err, ERR_DB_BUG, "%zu outcomes of %zu commands", db_rows(r), n);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        fn(i, db_bool(r, i, 0), db_is_null(r, i, 1) ? NULL : db_text(r, i, 1), ctx);
    db_results_free(&r, 1);
    return code;
}

enum err_code command_log_prune(struct db *db, long hours, int64_t *gone, struct err *err) {
    char age[32];
    snprintf(age, sizeof age, "%ld hours", hours);
    const char *params[] = {age};
    struct db_result *r[2];
    db_queue(db, SQL_COMMAND_LOG_PRUNE, params);
    db_queue(db, SQL_COMMAND_LOG_PRUNE_BULKS, params);
    if (db_flush(db, r, 2, NULL, err) != ERR_OK)
        return err->code;
    *gone = db_int(r[0], 0, 0);
    db_results_free(r, 2);
    return idempotency_prune(db, err) == ERR_OK ? client_prune(db, err) : err->code;
}
