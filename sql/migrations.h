/* The numbered migrations of sql/migrations, embedded at build time in rising order
 * (ops/build/embed_sql.py). A row with number 0 follows the last one. */
#ifndef USHER_SQL_MIGRATIONS_H
#define USHER_SQL_MIGRATIONS_H

#include <stddef.h>

struct migration {
    int number;       /* 1 for 0001_tables.sql */
    const char *name; /* the file's name without ".sql": "0001_tables" */
    const char *sql;  /* the whole file */
};

extern const struct migration migrations[];
extern const size_t nmigrations; /* without the end row */

#endif
