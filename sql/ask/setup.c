#include "sql/ask/setup.h"

const char *const setup_step_names[SETUP_STEPS] = {
    "reached", "tested", "userCreated", "userChanged", "userDeactivated", "roomCreated", "memberAdded"};

static const char *text_of(const struct db_result *r, size_t row, int col, struct arena *a) {
    return db_is_null(r, row, col) ? NULL : arena_strdup(a, db_text(r, row, col));
}

static enum err_code look_steps(struct db *db, const char *const *params, struct setup_seen *out,
                                struct err *err) {
    struct db_result *r = NULL;
    if (db_run(db, SQL_SETUP_STEPS, params, &r, err) != ERR_OK)
        return err->code;
    for (int i = 0; i < SETUP_STEPS; i++)
        out->at_us[i] = db_is_null(r, 0, i) ? 0 : db_int(r, 0, i);
    out->requests = db_int(r, 0, SETUP_STEPS);
    out->refused = db_int(r, 0, SETUP_STEPS + 1);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code setup_look(struct db *db, const char *workspace, const char *key, struct arena *a,
                         struct setup_seen *out, struct err *err) {
    const char *params[] = {workspace, key};
    struct db_result *r = NULL;
    *out = (struct setup_seen){0};
    if (look_steps(db, params, out, err) != ERR_OK ||
        db_run(db, SQL_SETUP_REFUSALS, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r) && i < SETUP_REFUSALS; i++)
        out->refusals[out->nrefusals++] = (struct setup_refusal){.at_us = db_int(r, i, 0),
                                                                 .txn = text_of(r, i, 1, a),
                                                                 .method = text_of(r, i, 2, a),
                                                                 .path = text_of(r, i, 3, a),
                                                                 .status = (int)db_int(r, i, 4),
                                                                 .code = text_of(r, i, 5, a),
                                                                 .detail = text_of(r, i, 6, a)};
    db_results_free(&r, 1);
    return ERR_OK;
}
