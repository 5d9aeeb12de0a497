#include "sql/command_log.h"

#include <stdio.h>
#include <string.h>

static enum err_code decode_outcome(const char *text, struct reply *outcome, struct err *err) {
    return reply_decode(text, strlen(text), outcome, err);
}

enum err_code command_log_cancel(struct db *db, const char *workspace, const char *txn,
                                 enum claim_result *result, struct reply *outcome, struct err *err) {
    const char *params[] = {workspace, txn};
    struct db_result *r;
    if (db_run(db, "SELECT won, outcome FROM command_cancel($1::uuid, $2::uuid)", 2, params, &r, err) !=
        ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    *result = db_bool(r, 0, 0) ? CLAIM_WON : CLAIM_LOST;
    if (*result == CLAIM_LOST)
        code = decode_outcome(db_text(r, 0, 1), outcome, err);
    db_results_free(&r, 1);
    return code;
}

enum err_code command_log_find(struct db *db, const char *workspace, const char *txn, bool *found,
                               bool *cancelled, struct reply *outcome, struct err *err) {
    const char *params[] = {workspace, txn};
    struct db_result *r;
    if (db_run(db, "SELECT known, outcome FROM command_outcome($1::uuid, $2::uuid)", 2, params, &r, err) !=
        ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    *found = db_bool(r, 0, 0);
    *cancelled = *found && db_is_null(r, 0, 1);
    if (*found && !*cancelled)
        code = decode_outcome(db_text(r, 0, 1), outcome, err);
    db_results_free(&r, 1);
    return code;
}

enum err_code command_log_prune(struct db *db, long hours, int64_t *gone, struct err *err) {
    char age[32];
    snprintf(age, sizeof age, "%ld hours", hours);
    const char *params[] = {age};
    struct db_result *r;
    if (db_run(db, "SELECT command_prune(now() - $1::interval, 5000)", 1, params, &r, err) != ERR_OK)
        return err->code;
    *gone = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
