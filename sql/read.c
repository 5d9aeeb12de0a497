#include "sql/read.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/filter_sql.h"
#include "sql/pg_array.h"

#include <stdlib.h>
#include <string.h>

/* Columns of a row, in this order; refs comes last. r is the users or rooms row, $2 the base URL as the
 * inside of a JSON string. */
#define ROW_COLUMNS                                                                                          \
    "r.id, r.doc, r.version, (extract(epoch FROM r.created) * 1000000)::bigint, "                            \
    "(extract(epoch FROM r.modified) * 1000000)::bigint, "

/* LATERAL with OFFSET 0, here and in unit_load.c: row by row through an index, in this order, whatever the
 * statistics say. A plan made while a table is new and thought empty would stay, and read the whole of it. */
#define BY_KEY(table, alias, id)                                                                             \
    " CROSS JOIN LATERAL (SELECT * FROM " table " z WHERE z.workspace_id = m.workspace_id AND z.id = m." id  \
    " OFFSET 0) " alias " "

#define USER_REFS                                                                                            \
    "coalesce((SELECT '[' || string_agg('{\"value\":\"' || m.room_id || '\",\"$ref\":\"' || $2 || "          \
    "'/Groups/' || m.room_id || '\",\"display\":' || "                                                       \
    "to_json(g.display_name) || ',\"type\":\"direct\"}', ',' ORDER BY m.room_id) || ']' FROM members "       \
    "m" BY_KEY(                                                                                              \
        "rooms", "g",                                                                                        \
        "room_id") "WHERE m.workspace_id = r.workspace_id AND m.user_id = r.id AND NOT m.held), '[]')"

#define ROOM_REFS                                                                                            \
    "coalesce((SELECT '[' || string_agg('{\"value\":\"' || m.user_id || '\",\"$ref\":\"' || $2 || "          \
    "'/Users/' || m.user_id || '\",\"display\":' || "                                                        \
    "to_json(coalesce(u.display_name, u.user_name)) || ',\"type\":\"User\"}', ',' ORDER BY m.user_id) || "   \
    "']' FROM members m" BY_KEY(                                                                             \
        "users", "u",                                                                                        \
        "user_id") "WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held), '[]')"

#define NO_REFS "NULL::text || $2" /* names $2, so that all forms take the same parameters */

static const char *const columns[2][2] = {{ROW_COLUMNS NO_REFS, ROW_COLUMNS USER_REFS},
                                          {ROW_COLUMNS NO_REFS, ROW_COLUMNS ROOM_REFS}};
static const char *const tables[2] = {"users", "rooms"};

#define GET_SQL(refs, table)                                                                                 \
    "SELECT " ROW_COLUMNS refs " FROM unnest($3::uuid[]) AS a (id) CROSS JOIN LATERAL "                      \
    "(SELECT * FROM " table " z WHERE z.workspace_id = $1::uuid AND z.id = a.id OFFSET 0) r"
static const char *const get_sql[2][2] = {{GET_SQL(NO_REFS, "users"), GET_SQL(USER_REFS, "users")},
                                          {GET_SQL(NO_REFS, "rooms"), GET_SQL(ROOM_REFS, "rooms")}};

static const char context_sql[] = "SELECT set_config('usher.workspace', '{' || $1 || '}', true)";

enum step_kind { STEP_OTHER, STEP_GET, STEP_PAGE, STEP_TOTAL };

struct step { /* one statement of the pipeline */
    enum step_kind kind;
    size_t query; /* STEP_PAGE, STEP_TOTAL: its query; STEP_GET: the first of its group */
};

struct plan {
    struct db *db;
    struct step *steps;
    size_t n, cap;
};

static void plan_step(struct plan *p, enum step_kind kind, size_t query) {
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->steps = xrealloc(p->steps, p->cap * sizeof *p->steps);
    }
    p->steps[p->n++] = (struct step){kind, query};
}

static void plan_context(struct plan *p, const char *workspace) {
    const char *params[] = {workspace};
    db_send(p->db, context_sql, 1, params);
    plan_step(p, STEP_OTHER, 0);
}

static char *escaped_base(const char *base) {
    struct jbuf b = {0};
    jb_str(&b, base);
    char *text = jb_take(&b);
    size_t n = strlen(text);
    memmove(text, text + 1, n - 2); /* without the quotes */
    text[n - 2] = '\0';
    return text;
}

/* Gets that one statement can answer together. */
static bool same_group(const struct read_query *a, const struct read_query *b) {
    return a->id && b->id && a->rt == b->rt && a->refs == b->refs && !strcmp(a->workspace, b->workspace) &&
           !strcmp(a->base, b->base);
}

static void plan_gets(struct plan *p, struct read_query *const *q, size_t n, size_t first, bool *planned) {
    struct jbuf ids = {0};
    pg_array_begin(&ids);
    for (size_t i = first; i < n; i++) {
        if (planned[i] || !same_group(q[first], q[i]))
            continue;
        planned[i] = true;
        pg_array_word(&ids, q[i]->id);
    }
    pg_array_end(&ids);
    char *base = escaped_base(q[first]->base);
    const char *params[] = {q[first]->workspace, base, ids.p};
    db_send(p->db, get_sql[q[first]->rt->kind][q[first]->refs], 3, params);
    plan_step(p, STEP_GET, first);
    free(base);
    jb_free(&ids);
}

/* The page (total false) or the number of all matches. One row more than the page tells whether the total
 * must be asked at all. */
static void plan_list(struct plan *p, struct read_query *q, size_t index, bool total) {
    struct jbuf sql = {0};
    struct sql_params params;
    sql_params_init(&params, q->arena);
    params.base = q->base;
    char *base = escaped_base(q->base);
    sql_params_add(&params, q->workspace);
    if (total) {
        jb_printf(&sql, "SELECT count(*) FROM %s r WHERE r.workspace_id = $1::uuid", tables[q->rt->kind]);
    } else {
        sql_params_add(&params, base);
        /* With a filter the rows are found first and sorted then: the order must not tempt into a walk along
         * the key. */
        jb_printf(&sql,
                  q->filter ? "SELECT %s FROM (SELECT * FROM %s r WHERE r.workspace_id = $1::uuid"
                            : "SELECT %s FROM %s r WHERE r.workspace_id = $1::uuid",
                  columns[q->rt->kind][q->refs], tables[q->rt->kind]);
    }
    q->code = ERR_OK;
    if (q->filter) {
        jb_raw(&sql, " AND ");
        q->code = filter_sql(q->rt, q->filter, &sql, &params, &q->err);
    }
    if (q->code == ERR_OK) {
        if (!total) {
            int limit = sql_params_add(&params, arena_printf(q->arena, "%d", q->count + 1));
            int offset =
                sql_params_add(&params, arena_printf(q->arena, "%lld", (long long)(q->start_index - 1)));
            jb_printf(&sql, "%s ORDER BY r.id LIMIT $%d OFFSET $%d", q->filter ? " OFFSET 0) r" : "", limit,
                      offset);
        }
        db_send_text(p->db, sql.p, params.n, params.v);
        plan_step(p, total ? STEP_TOTAL : STEP_PAGE, index);
    }
    free(base);
    sql_params_free(&params);
    jb_free(&sql);
}

static void copy_row(struct read_query *q, const struct db_result *r, size_t row) {
    struct resource_row *out = &q->rows[q->nrows++];
    out->id = arena_strdup(q->arena, db_text(r, row, 0));
    out->doc = arena_strdup(q->arena, db_text(r, row, 1));
    out->version = db_int(r, row, 2);
    out->created_us = db_int(r, row, 3);
    out->modified_us = db_int(r, row, 4);
    out->refs = db_is_null(r, row, 5) ? NULL : arena_strdup(q->arena, db_text(r, row, 5));
}

static int by_id(const void *a, const void *b) {
    const struct read_query *x = *(struct read_query *const *)a, *y = *(struct read_query *const *)b;
    return strcmp(x->id, y->id);
}

static void take_gets(struct read_query *const *q, size_t n, size_t first, const struct db_result *r) {
    struct read_query **group = xmalloc(n * sizeof *group);
    size_t ngroup = 0;
    for (size_t i = first; i < n; i++)
        if (same_group(q[first], q[i]))
            group[ngroup++] = q[i];
    qsort(group, ngroup, sizeof *group, by_id);
    for (size_t row = 0; row < db_rows(r); row++) {
        struct read_query probe = {.id = db_text(r, row, 0)}, *key = &probe;
        struct read_query **hit = bsearch(&key, group, ngroup, sizeof *group, by_id);
        while (hit && hit > group && !strcmp(hit[-1]->id, key->id))
            hit--;
        for (; hit && hit < group + ngroup && !strcmp((*hit)->id, key->id);
             hit++) { /* several may ask for the same one */
            if ((*hit)->nrows)
                continue;
            (*hit)->rows = arena_alloc((*hit)->arena, sizeof(struct resource_row));
            copy_row(*hit, r, row);
        }
    }
    free(group);
}

static void take_page(struct read_query *q, const struct db_result *r) {
    size_t n = db_rows(r), shown = n < (size_t)q->count ? n : (size_t)q->count;
    q->rows = arena_alloc(q->arena, (shown + 1) * sizeof *q->rows);
    for (size_t row = 0; row < shown; row++)
        copy_row(q, r, row);
    bool last = n <= (size_t)q->count && (n > 0 || q->start_index == 1);
    q->total = last ? q->start_index - 1 + (int64_t)n : -1;
}

static enum err_code run(struct plan *p, struct read_query *const *q, size_t n, struct err *err) {
    db_send(p->db, "COMMIT", 0, NULL);
    plan_step(p, STEP_OTHER, 0);
    struct db_result **results = xcalloc(p->n, sizeof *results);
    enum err_code code = db_flush(p->db, results, p->n, NULL, err);
    for (size_t i = 0; code == ERR_OK && i < p->n; i++) {
        struct read_query *query = q[p->steps[i].query];
        if (p->steps[i].kind == STEP_GET)
            take_gets(q, n, p->steps[i].query, results[i]);
        else if (p->steps[i].kind == STEP_PAGE)
            take_page(query, results[i]);
        else if (p->steps[i].kind == STEP_TOTAL)
            query->total = db_int(results[i], 0, 0);
    }
    db_results_free(results, p->n);
    free(results);
    return code;
}

static void plan_begin(struct plan *p) {
    p->n = 0;
    db_send(p->db, "BEGIN READ ONLY", 0, NULL);
    plan_step(p, STEP_OTHER, 0);
}

static enum err_code run_pages(struct plan *p, struct read_query *const *q, size_t n, struct err *err) {
    bool *planned = xcalloc(n, sizeof *planned);
    const char *context = NULL;
    plan_begin(p);
    for (size_t w = 0; w < n; w++) { /* workspace by workspace */
        if (planned[w])
            continue;
        context = q[w]->workspace;
        plan_context(p, context);
        for (size_t i = w; i < n; i++) {
            if (planned[i] || strcmp(q[i]->workspace, context) != 0)
                continue;
            if (q[i]->id) {
                plan_gets(p, q, n, i, planned);
            } else {
                planned[i] = true;
                plan_list(p, q[i], i, q[i]->count == 0);
            }
        }
    }
    free(planned);
    return run(p, q, n, err);
}

/* Second trip, for the lists that have more pages than the one shown. */
static enum err_code run_totals(struct plan *p, struct read_query *const *q, size_t n, struct err *err) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (q[i]->id || q[i]->code != ERR_OK || q[i]->total >= 0)
            continue;
        if (!any)
            plan_begin(p);
        any = true;
        plan_context(p, q[i]->workspace);
        plan_list(p, q[i], i, true);
    }
    return any ? run(p, q, n, err) : ERR_OK;
}

enum err_code read_batch(struct db *db, struct read_query *const *queries, size_t n, struct err *err) {
    if (n == 0)
        return ERR_OK;
    for (size_t i = 0; i < n; i++) {
        queries[i]->rows = NULL;
        queries[i]->nrows = 0;
        queries[i]->total = 0;
        queries[i]->code = ERR_OK;
    }
    struct plan p = {.db = db};
    enum err_code code = run_pages(&p, queries, n, err);
    if (code == ERR_OK)
        code = run_totals(&p, queries, n, err);
    free(p.steps);
    return code;
}
