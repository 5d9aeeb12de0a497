#include "sql/migrate.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/version.h"
#include "sql/functions.h"
#include "sql/migrations.h"

#include <stdio.h>
#include <unistd.h>

#define TRIES 40
#define TRY_AGAIN_MS 150
#define FUNCTIONS_SINCE 5 /* the migration that made the table which knows what functions there are */
/* Programs that know this migration go on by the schema and the functions of this version: those of 0.3.0. To
 * be raised with what takes away something that older programs use (what `finish` takes away says so itself).
 */
#define SERVES_FROM "4"

static enum err_code ask(struct db *db, enum statement s, const char *const *params, int *out,
                         struct err *err) {
    struct db_result *r;
    if (db_run(db, s, params, &r, err) != ERR_OK)
        return err->code;
    *out = (int)db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code migrate_state(struct db *db, struct schema_state *state, struct err *err) {
    const char *params[] = {functions_hash, usher_version};
    int there = 0, functions = 0, finished = 0;
    *state = (struct schema_state){.known = nmigrations > 0 ? migrations[nmigrations - 1].number : 0};
    enum err_code code = ask(db, SQL_MIGRATE_LEDGER_IS_THERE, NULL, &there, err);
    if (code == ERR_OK && there)
        code = ask(db, SQL_MIGRATE_AT, NULL, &state->applied, err);
    if (code == ERR_OK && state->applied >= FUNCTIONS_SINCE)
        code = ask(db, SQL_MIGRATE_FUNCTIONS_ARE, params, &functions, err);
    if (code == ERR_OK && state->applied > state->known) /* so it has that column */
        code = ask(db, SQL_MIGRATE_SERVES_FROM, NULL, &state->serves_from, err);
    if (code == ERR_OK)
        code = ask(db, SQL_MIGRATE_FINISHED, NULL, &finished, err);
    state->functions = functions != 0;
    state->finished = finished != 0;
    return code;
}

bool schema_is_current(const struct schema_state *state) {
    return state->applied == state->known && state->functions;
}

enum err_code schema_check(struct db *db, struct err *err) {
    struct schema_state state;
    struct err why = {0};
    enum err_code code = migrate_state(db, &state, &why);
    if (code != ERR_OK) /* an old schema does not let us see its number */
        return err_set(err, code, "the schema's number cannot be seen: %s", err_text(&why));
    if (state.applied < state.known)
        return err_set(err, ERR_DB_SYSTEM,
                       "the schema has number %d, this program needs %d: usherctl migrate", state.applied,
                       state.known);
    if (state.applied > state.known && state.serves_from > state.known)
        return err_set(
            err, ERR_DB_SYSTEM,
            "the schema has number %d, and serves programs from %d on; this one knows %d: it is too old",
            state.applied, state.serves_from, state.known);
    if (state.applied == state.known && !state.functions)
        return err_set(err, ERR_DB_SYSTEM, "the functions are those of an older version: usherctl migrate");
    return ERR_OK;
}

/* A script that is one transaction. Programs at work may hold its locks, or have it ended as the victim of a
 * deadlock: then nothing has happened, and it is tried again. */
static enum err_code run_script(struct db *db, const char *script, struct err *err) {
    char quoted[600];
    enum err_code code = db_script(db, script, err);
    for (int i = 1; code == ERR_DB_RETRY && i < TRIES; i++) {
        log_event(LOG_WARN, "migrate-waits", "tried=%d error=%s", i,
                  log_quote(err_text(err), quoted, sizeof quoted));
        usleep((useconds_t)(TRY_AGAIN_MS * 1000 * (1 + i % 3)));
        code = db_script(db, script, err);
    }
    return code;
}

static enum err_code run_step(struct db *db, const struct migration *m, struct err *err) {
    struct jbuf script = {0};
    char number[16];
    snprintf(number, sizeof number, "%d", m->number);
    SQL_FILL(&script, sql_part_migrate_step, {"text", m->sql}, {"number", number}, {"name", m->name});
    enum err_code code = run_script(db, script.p, err);
    jb_free(&script);
    if (code == ERR_OK)
        log_event(LOG_INFO, "migrated", "number=%d name=%s", m->number, m->name);
    return code;
}

static enum err_code run_functions(struct db *db, struct err *err) {
    struct jbuf script = {0};
    SQL_FILL(&script, sql_part_migrate_functions, {"text", functions_text}, {"hash", functions_hash},
             {"version", usher_version}, {"serves_from", SERVES_FROM});
    enum err_code code = run_script(db, script.p, err);
    jb_free(&script);
    if (code == ERR_OK)
        log_event(LOG_INFO, "functions-applied", "hash=%s", functions_hash);
    return code;
}

enum err_code migrate_run(struct db *db, bool finish, int *applied, struct err *err) {
    struct schema_state state;
    struct err ignored;
    *applied = 0;
    if (db_script(db, sql_part_migrate_ledger, err) != ERR_OK)
        return err->code;
    enum err_code code = migrate_state(db, &state, err);
    for (size_t i = 0; code == ERR_OK && i < nmigrations; i++) {
        if (migrations[i].number <= state.applied)
            continue;
        code = run_step(db, &migrations[i], err);
        if (code == ERR_OK)
            (*applied)++;
    }
    if (code == ERR_OK && state.applied <= state.known && !state.functions)
        code = run_functions(db, err);
    if (code == ERR_OK && (finish || state.applied == 0) && state.applied <= state.known)
        code = db_script(db, sql_part_migrate_finish, err);
    (void)db_script(db, sql_part_migrate_unlock, &ignored);
    return code;
}
