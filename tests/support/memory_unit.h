/* A unit of work on tables in memory, for tests of what workers decide: the backend of sql/unit that needs no
 * PostgreSQL. It lives here, because nothing of the product uses it; what it keeps, and what it refuses to
 * keep, must be what PostgreSQL does, which tests/integration/apply_cases.c compares.
 *
 * The tables are one JSON object of objects, a row under its key:
 *
 *     {"workspaces": {"<workspace>": {"settings": {…}, "seatsUsed": 1, …}},
 *      "users": {"<workspace>/<id>": {"name": "ana@example.com", "doc": {…}, …}},
 *      "members": {"<workspace>/<room>/<user>": {"transmit": true, "held": false}}, …}
 *
 * A member that is absent is NULL in the table. Moments are microseconds since 1970. */
#ifndef USHER_TESTS_SUPPORT_MEMORY_UNIT_H
#define USHER_TESTS_SUPPORT_MEMORY_UNIT_H

#include "sql/unit/unit.h"

struct memory {
    json_t *tables; /* what is committed */
    json_t *open;   /* what the transaction under way sees; NULL: there is none */
    /* Nothing that was announced is loaded: all must be fetched when it is asked for. */
    bool lazy;
};

/* Every table that there is; others are made empty. Steals tables. */
void memory_init(struct memory *m, json_t *tables);
void memory_clear(struct memory *m);
struct unit_store unit_memory(struct memory *m);

/* The texts of a table's keys: "a/b/c". */
json_t *memory_row(const json_t *tables, const char *table, const char *key);

#endif
