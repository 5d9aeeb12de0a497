#include "sql/ask/read.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/ask/read_sql.h"
#include "sql/filter/lookup.h"
#include "sql/pg_array.h"

#include <stdlib.h>
#include <string.h>

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
        p->cap = p->cap > 0 ? p->cap * 2 : 16;
        p->steps = xrealloc(p->steps, p->cap * sizeof *p->steps);
    }
    p->steps[p->n++] = (struct step){kind, query};
}

static void plan_context(struct plan *p, const char *workspace) {
    const char *params[] = {workspace};
    db_queue(p->db, SQL_CONNECTION_SEE_WORKSPACE, params);
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
    return a->id != NULL && b->id != NULL && a->rt == b->rt && a->refs == b->refs &&
           strcmp(a->workspace, b->workspace) == 0 && strcmp(a->base, b->base) == 0;
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
    const struct resource_type *rt = q[first]->rt;
    const char *params[] = {q[first]->workspace, base, ids.p, rt->name};
    db_queue(p->db, read_sql_get(rt, q[first]->refs), params);
    plan_step(p, STEP_GET, first);
    free(base);
    jb_free(&ids);
}

/* The page (total false) or the number of all. One row more than the page tells whether the total must be
 * asked at all. */
static void plan_list(struct plan *p, struct read_query *q, size_t index, bool total) {
    struct jbuf sql = {0};
    struct sql_params params;
    sql_params_init(&params, q->arena);
    char *base = escaped_base(q->base);
    q->code =
        total ? read_sql_total(q, &sql, &params, &q->err) : read_sql_page(q, base, &sql, &params, &q->err);
    if (q->code == ERR_OK) {
        db_queue_text(p->db, sql.p, params.n, params.v);
        plan_step(p, total ? STEP_TOTAL : STEP_PAGE, index);
    }
    free(base);
    sql_params_free(&params);
    jb_free(&sql);
}

static void copy_row(struct read_query *q, const struct db_result *r, size_t row) {
    struct resource_row *out = &q->rows[q->nrows++];
    out->id = arena_strdup(q->arena, db_text(r, row, READ_ID));
    out->doc = arena_strdup(q->arena, db_text(r, row, READ_DOC));
    out->version = db_int(r, row, READ_VERSION);
    out->created_us = db_int(r, row, READ_CREATED);
    out->modified_us = db_int(r, row, READ_MODIFIED);
    out->managed = db_bool(r, row, READ_MANAGED);
    out->seat = db_bool(r, row, READ_SEAT);
    out->refs = db_is_null(r, row, READ_REFS) ? NULL : arena_strdup(q->arena, db_text(r, row, READ_REFS));
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
        while (hit != NULL && hit > group && strcmp(hit[-1]->id, key->id) == 0)
            hit--;
        /* several may ask for the same one */
        for (; hit != NULL && hit < group + ngroup && strcmp((*hit)->id, key->id) == 0; hit++) {
            if ((*hit)->nrows > 0)
                continue;
            (*hit)->rows = arena_alloc((*hit)->arena, sizeof(struct resource_row));
            copy_row(*hit, r, row);
        }
    }
    free(group);
}

static struct read_place place_of(struct read_query *q, const struct db_result *r, size_t row) {
    struct read_place p = {.id = arena_strdup(q->arena, db_text(r, row, READ_ID))};
    if (!db_is_null(r, row, READ_KEY))
        p.key = arena_strdup(q->arena, db_text(r, row, READ_KEY));
    return p;
}

static void take_page(struct read_query *q, const struct db_result *r) {
    size_t n = db_rows(r), shown = n < (size_t)q->count ? n : (size_t)q->count;
    size_t from = q->backward ? n - shown : 0; /* the one too many comes first then */
    q->more = n > shown;
    q->rows = arena_alloc(q->arena, (shown + 1) * sizeof *q->rows);
    q->types = arena_alloc(q->arena, (shown + 1) * sizeof(struct resource_type *));
    for (size_t row = from; row < from + shown; row++) {
        size_t part = q->nparts > 1 ? (size_t)db_int(r, row, READ_PART) : 0;
        q->types[q->nrows] = q->parts[part].rt;
        copy_row(q, r, row);
    }
    if (shown > 0) {
        q->first = place_of(q, r, from);
        q->last = place_of(q, r, from + shown - 1);
    }
    if (q->start_index == 0) /* the whole list, if it was read from its beginning or its end */
        q->total = q->known_total >= 0 ? q->known_total : !q->more && q->place == NULL ? (int64_t)n : -1;
    else if (!q->more && (n > 0 || q->start_index == 1))
        q->total = q->start_index - 1 + (int64_t)n;
    else
        q->total = -1;
}

static enum err_code run(struct plan *p, struct read_query *const *q, size_t n, struct err *err) {
    db_queue(p->db, SQL_CONNECTION_COMMIT, NULL);
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
    db_queue(p->db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
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
            if (q[i]->id != NULL) {
                plan_gets(p, q, n, i, planned);
            } else {
                planned[i] = true;
                if (q[i]->count > 0 || q[i]->total < 0)
                    plan_list(p, q[i], i, q[i]->count == 0);
                if (q[i]->count > 0 && q[i]->total < 0 && read_sql_total_is_cheap(q[i]))
                    plan_list(p, q[i], i, true);
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
        if (q[i]->id != NULL || q[i]->code != ERR_OK || q[i]->total >= 0)
            continue;
        if (!any)
            plan_begin(p);
        any = true;
        plan_context(p, q[i]->workspace);
        plan_list(p, q[i], i, true);
    }
    return any ? run(p, q, n, err) : ERR_OK;
}

bool read_is_long(const struct read_query *q) {
    if (q->id != NULL)
        return false;
    for (size_t i = 0; i < q->nparts; i++)
        if (q->parts[i].filter == NULL || !lookup_finds(q->parts[i].filter))
            return true;
    return false;
}

enum err_code read_batch(struct db *db, struct read_query *const *queries, size_t n, struct err *err) {
    if (n == 0)
        return ERR_OK;
    for (size_t i = 0; i < n; i++) {
        queries[i]->rows = NULL;
        queries[i]->nrows = 0;
        queries[i]->more = false;
        queries[i]->total = queries[i]->start_index == 0 ? queries[i]->known_total : -1;
        queries[i]->code = ERR_OK;
    }
    struct plan p = {.db = db};
    enum err_code code = run_pages(&p, queries, n, err);
    if (code == ERR_OK)
        code = run_totals(&p, queries, n, err);
    free(p.steps);
    return code;
}
