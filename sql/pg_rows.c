#include "sql/pg_rows.h"

#include "ops/runtime/id.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

enum { TYPE_TEXT, TYPE_UUID, TYPE_BIGINT, TYPE_INTEGER, TYPE_SMALLINT, TYPE_BOOLEAN, TYPE_BYTEA, TYPES };
static const struct {
    const char *name;
    uint32_t number; /* in pg_type; it never changes */
    size_t size;     /* of a number */
} types[TYPES] = {
    [TYPE_TEXT] = {"text[]", 25, 0},         [TYPE_UUID] = {"uuid[]", 2950, 0},
    [TYPE_BIGINT] = {"bigint[]", 20, 8},     [TYPE_INTEGER] = {"integer[]", 23, 4},
    [TYPE_SMALLINT] = {"smallint[]", 21, 2}, [TYPE_BOOLEAN] = {"boolean[]", 16, 0},
    [TYPE_BYTEA] = {"bytea[]", 17, 0},
};

/* What stands before the elements: dimensions, whether there are NULLs, the elements' type, how many, the
 * first index; each in four bytes, the most significant first. */
#define HEAD_WORDS 5
/* A value that does not fit is longer than any of its type, which PostgreSQL refuses as one of a wrong form.
 */
#define NO_UUID_SIZE 17
#define NO_NUMBER_SIZE 9

static void put_word(struct jbuf *b, uint32_t v) {
    v = htonl(v);
    jb_mem(b, (const char *)&v, sizeof v);
}

static unsigned char type_of(const char *name, size_t n) {
    unsigned char t = 0;
    while (t < TYPES && (strlen(types[t].name) != n || memcmp(types[t].name, name, n) != 0))
        t++;
    assert(t < TYPES);
    return t;
}

static void begin(struct pg_rows *r) {
    static const char head[HEAD_WORDS * 4];
    const char *p = statement_texts[r->statement].types;
    for (size_t n; (n = strcspn(p, ",")) > 2 && memcmp(p + n - 2, "[]", 2) == 0; p += n + (p[n] == ',')) {
        assert(r->ncolumns < PG_ROWS_COLUMNS);
        r->types[r->ncolumns] = type_of(p, n);
        jb_mem(&r->column[r->ncolumns++], head, sizeof head);
    }
    r->at = r->ncolumns;
}

void pg_rows_next(struct pg_rows *r) {
    if (r->n == 0)
        begin(r);
    assert(r->at == r->ncolumns); /* the row before has all its cells */
    r->at = 0;
    r->n++;
}

static int next_column(struct pg_rows *r) {
    assert(r->at < r->ncolumns);
    return r->at++;
}

static void put(struct jbuf *b, const void *p, size_t n) {
    put_word(b, (uint32_t)n);
    jb_mem(b, p, n);
}

void pg_cell_null(struct pg_rows *r) {
    put_word(&r->column[next_column(r)], UINT32_MAX);
}

void pg_cell_text(struct pg_rows *r, const char *s) {
    if (s == NULL) {
        pg_cell_null(r);
        return;
    }
    int c = next_column(r);
    if (r->types[c] == TYPE_UUID) {
        unsigned char bytes[NO_UUID_SIZE] = {0};
        struct uuid_bytes id;
        bool good = uuid_pack(s, &id);
        memcpy(bytes, id.b, good ? sizeof id.b : 0);
        put(&r->column[c], bytes, good ? sizeof id.b : sizeof bytes);
        return;
    }
    assert(r->types[c] == TYPE_TEXT);
    put(&r->column[c], s, strlen(s));
}

void pg_cell_int(struct pg_rows *r, int64_t v) {
    int c = next_column(r);
    size_t size = types[r->types[c]].size;
    unsigned char bytes[NO_NUMBER_SIZE] = {0};
    assert(size > 0);
    if (size < 8 && (v >> (8 * size - 1) != 0 && v >> (8 * size - 1) != -1))
        size = sizeof bytes;
    for (size_t i = 0; size <= 8 && i < size; i++)
        bytes[i] = (unsigned char)((uint64_t)v >> (8 * (size - 1 - i)));
    put(&r->column[c], bytes, size);
}

void pg_cell_bool(struct pg_rows *r, bool v) {
    int c = next_column(r);
    const unsigned char byte = v;
    assert(r->types[c] == TYPE_BOOLEAN);
    put(&r->column[c], &byte, 1);
}

void pg_cell_bytes(struct pg_rows *r, const void *p, size_t n) {
    int c = next_column(r);
    assert(r->types[c] == TYPE_BYTEA);
    put(&r->column[c], p, n);
}

/* Fills in the heads. */
static void end(struct pg_rows *r) {
    for (int c = 0; c < r->ncolumns; c++) {
        const uint32_t head[HEAD_WORDS] = {htonl(1), htonl(1), htonl(types[r->types[c]].number),
                                           htonl((uint32_t)r->n), htonl(1)};
        memcpy(r->column[c].p, head, sizeof head);
    }
}

bool pg_rows_queue(struct pg_rows *r, struct db *db, const char *const *more) {
    const char *params[DB_BINARY_PARAMS];
    int sizes[DB_BINARY_PARAMS], n = statement_texts[r->statement].nparams;
    bool any = r->n > 0;
    if (any) {
        assert(r->at == r->ncolumns && n <= DB_BINARY_PARAMS && (more != NULL || n == r->ncolumns));
        end(r);
        for (int i = 0; i < n; i++) {
            bool is_array = i < r->ncolumns;
            params[i] = is_array ? r->column[i].p : more[i - r->ncolumns];
            sizes[i] = is_array ? (int)r->column[i].n : -1;
        }
        db_queue_binary(db, r->statement, params, sizes);
    }
    pg_rows_free(r);
    return any;
}

void pg_rows_free(struct pg_rows *r) {
    for (int c = 0; c < r->ncolumns; c++)
        jb_free(&r->column[c]);
    *r = (struct pg_rows){.statement = r->statement};
}
