#include "sql/migrate.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/log.h"
#include "sql/migrations.h"

static const char ledger_sql[] = "SELECT pg_advisory_lock(7000, 0);"
                                 "CREATE SCHEMA IF NOT EXISTS usher;"
                                 "CREATE TABLE IF NOT EXISTS usher.migrations (number int NOT NULL, name "
                                 "text NOT NULL, at timestamptz NOT NULL DEFAULT now())";

enum err_code migrate_state(struct db *db, int *applied, int *known, struct err *err) {
    *applied = 0;
    *known = nmigrations ? migrations[nmigrations - 1].number : 0;
    struct db_result *r;
    if (db_run(db, "SELECT to_regclass('usher.migrations') IS NOT NULL", 0, NULL, &r, err) != ERR_OK)
        return err->code;
    bool there = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    if (!there)
        return ERR_OK;
    if (db_run(db, "SELECT coalesce(max(number), 0) FROM usher.migrations", 0, NULL, &r, err) != ERR_OK)
        return err->code;
    *applied = (int)db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

static enum err_code apply(struct db *db, const struct migration *m, struct err *err) {
    struct jbuf script = {0};
    jb_printf(&script,
              "BEGIN; SET LOCAL statement_timeout = 0; %s; INSERT INTO usher.migrations (number, name) "
              "VALUES (%d, '%s'); COMMIT",
              m->sql, m->number, m->name);
    enum err_code code = db_script(db, script.p, err);
    jb_free(&script);
    if (code == ERR_OK)
        log_event(LOG_INFO, "migrated", "number=%d name=%s", m->number, m->name);
    return code;
}

enum err_code migrate_run(struct db *db, int *applied, struct err *err) {
    *applied = 0;
    if (db_script(db, ledger_sql, err) != ERR_OK)
        return err->code;
    int have, known;
    enum err_code code = migrate_state(db, &have, &known, err);
    for (size_t i = 0; code == ERR_OK && i < nmigrations; i++) {
        if (migrations[i].number <= have)
            continue;
        code = apply(db, &migrations[i], err);
        if (code == ERR_OK)
            (*applied)++;
    }
    struct err ignored;
    (void)db_script(db, "SELECT pg_advisory_unlock(7000, 0)", &ignored);
    return code;
}
