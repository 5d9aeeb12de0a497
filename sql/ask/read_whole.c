/* A read of any length: pages, sorted lists, and rooms with all their members. */
#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/ask/read_impl.h"
#include "sql/ask/read_sql.h"

#include <stdlib.h>
#include <string.h>

/* Memberships that one statement looks at. */
#define PIECE "5000"

static bool may_keep(const struct read_query *q, size_t bytes) {
    return q->keep == NULL || q->keep(q->keep_ctx, bytes);
}

static size_t text_size(const char *text) {
    return text != NULL ? strlen(text) : 0;
}

static enum err_code too_many(struct read_query *q) {
    q->code = err_set(&q->err, ERR_TOO_MANY, "The answer would be too large");
    return ERR_OK;
}

/* ---- the rows ---- */

static void plan_rows(struct read_plan *p) {
    const struct read_query *q = p->queries[0];
    bool planned = false;
    const char *params[] = {q->workspace};
    read_plan_other(p, SQL_CONNECTION_BEGIN_SNAPSHOT, NULL);
    read_plan_other(p, SQL_CONNECTION_SEE_WORKSPACE, params);
    if (q->id != NULL)
        read_plan_gets(p, 0, &planned);
    else if (q->count > 0 || q->total < 0)
        read_plan_list(p, 0, q->count == 0);
    if (q->id == NULL && q->count > 0 && q->total < 0 && read_sql_total_is_cheap(q))
        read_plan_list(p, 0, true);
}

/* The number of all, where the page does not tell it. */
static enum err_code read_total(struct read_plan *p, struct err *err) {
    const struct read_query *q = p->queries[0];
    if (q->id != NULL || q->code != ERR_OK || q->total >= 0)
        return ERR_OK;
    read_plan_list(p, 0, true);
    return read_plan_run(p, NULL, err);
}

/* ---- groups and members in pieces ---- */

/* Goes on behind the last one. *done: there are no more. */
static enum err_code read_piece(struct db *db, struct read_query *q, enum statement s,
                                const char *const *params, struct jbuf *refs, char last[64], bool *done,
                                struct err *err) {
    struct db_result *r = NULL;
    enum err_code code = db_run(db, s, params, &r, err);
    if (code != ERR_OK)
        return code;
    const char *text = db_text(r, 0, 0);
    size_t n = strlen(text);
    if (!may_keep(q, n)) {
        code = too_many(q);
    } else if (n > 0) {
        jb_sep(refs);
        jb_mem(refs, text, n);
    }
    *done = db_int(r, 0, 1) < strtoll(PIECE, NULL, 10);
    strncpy(last, db_text(r, 0, 2), 63);
    db_results_free(&r, 1);
    return code;
}

static enum err_code read_refs(struct db *db, struct read_query *q, size_t row, struct err *err) {
    bool named = read_refs_of(q, row) == REFS_NAMED, done = false;
    const struct resource_type *rt = q->id != NULL ? q->rt : q->types[row];
    enum statement s = rt->kind == RESOURCE_USER ? SQL_READ_MORE_GROUPS
                       : named                   ? SQL_READ_MORE_MEMBERS
                                                 : SQL_READ_MORE_MEMBER_IDS;
    char last[64] = UUID_NIL, *base = read_escaped_base(q->base);
    const char *params[] = {q->workspace, base, q->rows[row].id, last, PIECE};
    struct jbuf *refs = &q->pieces[row];
    enum err_code code = ERR_OK;
    jb_raw(refs, "[");
    while (code == ERR_OK && q->code == ERR_OK && !done)
        code = read_piece(db, q, s, params, refs, last, &done, err);
    jb_raw(refs, "]");
    q->rows[row].refs = refs->p;
    free(base);
    return code;
}

static void let_go(void *query) {
    read_let_go(query);
}

void read_let_go(struct read_query *q) {
    for (size_t i = 0; q->pieces != NULL && i < q->nrows; i++) {
        if (q->pieces[i].p != NULL)
            q->rows[i].refs = NULL;
        jb_free(&q->pieces[i]);
    }
}

static enum err_code read_all_refs(struct db *db, struct read_query *q, struct err *err) {
    enum err_code code = ERR_OK;
    for (size_t row = 0; code == ERR_OK && q->code == ERR_OK && row < q->nrows; row++) {
        if (!read_row_lacks_refs(q, row))
            continue;
        if (q->pieces == NULL) {
            q->pieces = arena_alloc(q->arena, q->nrows * sizeof *q->pieces);
            arena_defer(q->arena, let_go, q);
        }
        code = read_refs(db, q, row, err);
    }
    return code;
}

/* ---- all of it ---- */

static void keep_rows(struct read_query *q) {
    size_t bytes = 0;
    for (size_t row = 0; row < q->nrows; row++)
        bytes += text_size(q->rows[row].doc) + text_size(q->rows[row].refs);
    if (bytes > 0 && !may_keep(q, bytes))
        (void)too_many(q);
}

enum err_code read_whole(struct db *db, struct read_query *q, struct err *err) {
    struct read_plan p = {.db = db, .queries = &q, .nqueries = 1};
    read_let_go(q);
    q->pieces = NULL;
    read_query_reset(q);
    plan_rows(&p);
    enum err_code code = read_plan_run(&p, NULL, err);
    if (code == ERR_OK)
        code = read_total(&p, err);
    if (code == ERR_OK && q->code == ERR_OK)
        keep_rows(q);
    if (code == ERR_OK && q->code == ERR_OK)
        code = read_all_refs(db, q, err);
    if (code == ERR_OK)
        code = db_run(db, SQL_CONNECTION_COMMIT, NULL, NULL, err);
    return code;
}
