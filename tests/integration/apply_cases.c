/* The cases of tests/cases/apply on PostgreSQL: what tests/workers/apply/test_cases.c runs in memory must
 * come out the same. Fills and empties the tables of the database that it is given, which must be one made
 * for it and migrated.
 *
 *   apply_cases URI FILE...     URI: of a superuser, who works as usher_worker where a worker would
 *
 * Run in the root of the repository. Prints what differs, and "N cases, N failed". */
#include "schemas/stream/record.h"
#include "schemas/types/schema_load.h"
#include "sql/db.h"
#include "tests/support/apply_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY_FILE "tests/integration/apply_empty.sql"
#define LOAD_FILE "tests/integration/apply_load.sql"
#define DUMP_FILE "tests/integration/apply_dump.sql"

#define OPTIONS "synchronous_commit=off" /* nothing of it must survive */

struct tables {
    struct db *db; /* the superuser's, past row-level security */
    char *empty, *load, *dump;
};

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "apply_cases: %s: %s\n", what, why);
    exit(2);
}

static char *read_file(const char *path) {
    char *text = NULL;
    size_t n = 0;
    FILE *f = fopen(path, "r");
    if (f == NULL || getdelim(&text, &n, '\0', f) < 0)
        die(path, "cannot be read");
    fclose(f);
    return text;
}

/* ---- workspaces: settings have columns of other names ---- */

static json_t *columns_of(const json_t *row) {
    json_t *columns = json_pack(
        "{s:O, s:O, s:O, s:O, s:O, s:O, s:s, s:s, s:i, s:i, s:i}", "seats_used",
        json_object_get(row, "seatsUsed"), "membership_seq", json_object_get(row, "membershipSeq"),
        "audit_seq", json_object_get(row, "auditSeq"), "events_seq", json_object_get(row, "eventsSeq"),
        "users_total", json_object_get(row, "usersTotal"), "rooms_total", json_object_get(row, "roomsTotal"),
        "created", "now", "modified", "now", "generation", 0, "changes", 0, "epoch", STREAM_EPOCH_FIRST);
    for (size_t i = 0; i < workspace_setting_count; i++)
        json_object_set(columns, workspace_setting_table[i].column,
                        json_object_get(json_object_get(row, "settings"), workspace_setting_table[i].name));
    return columns;
}

static json_t *row_of(const json_t *columns) {
    json_t *settings = json_object();
    for (size_t i = 0; i < workspace_setting_count; i++)
        json_object_set(settings, workspace_setting_table[i].name,
                        json_object_get(columns, workspace_setting_table[i].column));
    return json_pack(
        "{s:o, s:O, s:O, s:O, s:O, s:O, s:O}", "settings", settings, "seatsUsed",
        json_object_get(columns, "seats_used"), "membershipSeq", json_object_get(columns, "membership_seq"),
        "auditSeq", json_object_get(columns, "audit_seq"), "eventsSeq",
        json_object_get(columns, "events_seq"), "usersTotal", json_object_get(columns, "users_total"),
        "roomsTotal", json_object_get(columns, "rooms_total"));
}

/* ---- filling and dumping ---- */

static void fill(void *at, const json_t *tables) {
    struct tables *t = at;
    struct err err;
    const char *key;
    json_t *row, *copy = json_copy((json_t *)tables), *workspaces = json_object();
    json_object_foreach(json_object_get(tables, "workspaces"), key, row) {
        json_t *columns = columns_of(row);
        json_object_set_new(columns, "workspace_id", json_string(key));
        json_object_set_new(workspaces, key, columns);
    }
    json_object_set_new(copy, "workspaces", workspaces);
    char *text = json_dumps(copy, JSON_COMPACT);
    const char *params[] = {text};
    if (db_run_text(t->db, t->empty, 0, NULL, NULL, &err) != ERR_OK ||
        db_run_text(t->db, t->load, 1, params, NULL, &err) != ERR_OK)
        die(LOAD_FILE, err_text(&err));
    free(text);
    json_decref(copy);
}

static json_t *dump(void *at) {
    struct tables *t = at;
    struct err err;
    struct db_result *r;
    const char *key;
    json_t *row;
    void *next;
    if (db_run_text(t->db, t->dump, 0, NULL, &r, &err) != ERR_OK)
        die(DUMP_FILE, err_text(&err));
    json_t *tables = json_loads(db_text(r, 0, 0), 0, NULL),
           *workspaces = json_object_get(tables, "workspaces");
    json_object_foreach_safe(workspaces, next, key, row) {
        json_object_set_new(workspaces, key, row_of(row));
    }
    db_results_free(&r, 1);
    return tables;
}

int main(int argc, char **argv) {
    struct err err;
    size_t ncases = 0, failed = 0, slices = 0;
    if (argc < 3)
        die("usage", "apply_cases URI FILE...");
    if (schema_load_folder("tests/cases/schemas/good", &err) != ERR_OK)
        die("schemas", err_text(&err));
    struct tables t = {db_new(argv[1], "apply-cases", OPTIONS), read_file(EMPTY_FILE), read_file(LOAD_FILE),
                       read_file(DUMP_FILE)};
    struct db *worker = db_new(argv[1], "apply-cases-worker", "role=usher_worker -c " OPTIONS);
    struct case_place place = {
        .name = "on PostgreSQL", .store = unit_postgres(worker), .fill = fill, .dump = dump, .at = &t};
    for (int i = 2; i < argc; i++)
        failed += apply_case_file(argv[i], &place, false, &ncases);
    place.store.slice_rows = 2; /* once more, in slices: tests/workers/apply/test_slices.c */
    for (int i = 2; i < argc; i++)
        failed += apply_case_file_sliced(argv[i], &place, &slices);
    printf("%zu cases, %zu failed\n", ncases, failed);
    db_free(worker);
    db_free(t.db);
    free(t.empty);
    free(t.load);
    free(t.dump);
    return failed == 0 ? 0 : 1;
}
