/* The rows of a statement. */
#include "ops/runtime/mem.h"
#include "sql/db_impl.h"

#include <stdlib.h>
#include <string.h>

void db_results_free(struct db_result **results, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (results[i] != NULL) {
            PQclear(results[i]->pg);
            free(results[i]);
        }
        results[i] = NULL;
    }
}

size_t db_rows(const struct db_result *r) {
    return (size_t)PQntuples(r->pg);
}

const char *db_text(const struct db_result *r, size_t row, int col) {
    return PQgetvalue(r->pg, (int)row, col);
}

bool db_is_null(const struct db_result *r, size_t row, int col) {
    return PQgetisnull(r->pg, (int)row, col);
}

int64_t db_int(const struct db_result *r, size_t row, int col) {
    return strtoll(PQgetvalue(r->pg, (int)row, col), NULL, 10);
}

bool db_bool(const struct db_result *r, size_t row, int col) {
    return PQgetvalue(r->pg, (int)row, col)[0] == 't';
}

char *db_bytes(const struct db_result *r, size_t row, int col, size_t *n) {
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(r->pg, (int)row, col), n);
    char *copy = xmalloc(*n + 1);
    if (bytes == NULL)
        abort();
    memcpy(copy, bytes, *n);
    PQfreemem(bytes);
    return copy;
}

size_t db_affected(const struct db_result *r) {
    return (size_t)strtoull(PQcmdTuples(r->pg), NULL, 10);
}
