/* From queries to statements, and from their rows to answers. */
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/ask/membership_sql.h"
#include "sql/ask/read_impl.h"
#include "sql/ask/read_sql.h"
#include "sql/filter/lookup.h"
#include "sql/pg_array.h"

#include <stdlib.h>
#include <string.h>

static void add_step(struct read_plan *p, enum read_step_kind kind, size_t query) {
    if (p->n == p->cap) {
        p->cap = p->cap > 0 ? p->cap * 2 : 16;
        p->steps = xrealloc(p->steps, p->cap * sizeof *p->steps);
    }
    p->steps[p->n++] = (struct read_step){kind, query};
}

void read_plan_other(struct read_plan *p, enum statement s, const char *const *params) {
    db_queue(p->db, s, params);
    add_step(p, READ_STEP_OTHER, 0);
}

char *read_escaped_base(const char *base) {
    struct jbuf b = {0};
    jb_str(&b, base);
    char *text = jb_take(&b);
    size_t n = strlen(text);
    memmove(text, text + 1, n - 2); /* without the quotes */
    text[n - 2] = '\0';
    return text;
}

const char *read_name_of(const struct read_query *q) {
    bool first_page = q->count > 0 && q->start_index == 1 && !q->sorted && !q->backward;
    if (q->id != NULL || q->nparts != 1 || !first_page || q->parts->filter == NULL)
        return NULL;
    return lookup_user_name(q->parts->rt, q->parts->filter);
}

/* By what it is found, and what is shown of it. */
static const char *sought(const struct read_query *q) {
    return q->id != NULL ? q->id : read_name_of(q);
}

static enum refs_wanted shown(const struct read_query *q) {
    return q->id != NULL ? q->refs : q->parts->refs;
}

/* Gets, or look-ups by name, that one statement can answer together. */
static bool same_group(const struct read_query *a, const struct read_query *b) {
    if ((a->id != NULL) != (b->id != NULL) || sought(a) == NULL || sought(b) == NULL)
        return false;
    return (a->id == NULL || a->rt == b->rt) && shown(a) == shown(b) &&
           strcmp(a->workspace, b->workspace) == 0 && strcmp(a->base, b->base) == 0;
}

/* What they are found by, as an array. Marks them as planned. */
static char *take_group(const struct read_plan *p, size_t first, bool *planned) {
    struct read_query *const *q = p->queries;
    struct jbuf all = {0};
    pg_array_begin(&all);
    for (size_t i = first; i < p->nqueries; i++) {
        if (planned[i] || !same_group(q[first], q[i]))
            continue;
        planned[i] = true;
        pg_array_text(&all, sought(q[i]));
    }
    pg_array_end(&all);
    return jb_take(&all);
}

static void plan_group(struct read_plan *p, size_t first, bool *planned, enum statement s, const char *type,
                       enum read_step_kind kind) {
    const struct read_query *q = p->queries[first];
    char *base = read_escaped_base(q->base), *all = take_group(p, first, planned);
    const char *params[] = {q->workspace, base, all, type};
    db_queue(p->db, s, params);
    add_step(p, kind, first);
    free(base);
    free(all);
}

void read_plan_gets(struct read_plan *p, size_t first, bool *planned) {
    const struct read_query *q = p->queries[first];
    plan_group(p, first, planned, read_sql_get(q->rt, q->refs), q->rt->name, READ_STEP_GET);
}

void read_plan_names(struct read_plan *p, size_t first, bool *planned) {
    plan_group(p, first, planned, read_sql_named(p->queries[first]->parts->refs), NULL, READ_STEP_NAMED);
}

void read_plan_list(struct read_plan *p, size_t query, bool total) {
    struct read_query *q = p->queries[query];
    struct jbuf sql = {0};
    struct sql_params params;
    sql_params_init(&params, q->arena);
    char *base = read_escaped_base(q->base);
    q->code =
        total ? read_sql_total(q, &sql, &params, &q->err) : read_sql_page(q, base, &sql, &params, &q->err);
    if (q->code == ERR_OK) {
        db_queue_text(p->db, sql.p, params.n, params.v);
        add_step(p, total ? READ_STEP_TOTAL : READ_STEP_PAGE, query);
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

static struct read_place place_of(struct read_query *q, const struct db_result *r, size_t row) {
    struct read_place p = {.id = arena_strdup(q->arena, db_text(r, row, READ_ID))};
    if (membership_sql_is_for(q)) /* the room is the key, and the user the id */
        p.id = strchr(p.id, '.') + 1;
    if (!db_is_null(r, row, READ_KEY))
        p.key = arena_strdup(q->arena, db_text(r, row, READ_KEY));
    return p;
}

static int by_sought(const void *a, const void *b) {
    const struct read_query *x = *(struct read_query *const *)a, *y = *(struct read_query *const *)b;
    return strcmp(sought(x), sought(y));
}

/* The one row of a get, or of a look-up by name. */
static void take_one(struct read_query *q, const struct db_result *r, size_t row) {
    if (q->nrows > 0)
        return;
    q->rows = arena_alloc(q->arena, sizeof *q->rows);
    copy_row(q, r, row);
    if (q->id != NULL)
        return;
    q->types = arena_alloc(q->arena, sizeof(struct resource_type *));
    q->types[0] = q->parts->rt;
    q->first = q->last = (struct read_place){.id = q->rows[0].id};
    q->total = 1;
}

/* Several may ask for the same one. */
static void take_row(struct read_query **group, size_t n, const char *key, const struct db_result *r,
                     size_t row) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(sought(group[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && strcmp(sought(group[low]), key) == 0; low++)
        take_one(group[low], r, row);
}

static void take_group_rows(struct read_query *const *q, size_t n, size_t first, int column,
                            const struct db_result *r) {
    struct read_query **group = xmalloc(n * sizeof *group);
    size_t ngroup = 0;
    for (size_t i = first; i < n; i++)
        if (same_group(q[first], q[i]))
            group[ngroup++] = q[i];
    for (size_t i = 0; i < ngroup; i++)
        group[i]->total = group[i]->id == NULL ? 0 : group[i]->total;
    qsort(group, ngroup, sizeof *group, by_sought);
    for (size_t row = 0; row < db_rows(r); row++)
        take_row(group, ngroup, db_text(r, row, column), r, row);
    free(group);
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

static void take(struct read_plan *p, const struct read_step *step, const struct db_result *r) {
    struct read_query *q = p->queries[step->query];
    switch (step->kind) {
    case READ_STEP_GET:
        take_group_rows(p->queries, p->nqueries, step->query, READ_ID, r);
        break;
    case READ_STEP_NAMED:
        take_group_rows(p->queries, p->nqueries, step->query, READ_KEY, r);
        break;
    case READ_STEP_PAGE:
        take_page(q, r);
        break;
    case READ_STEP_TOTAL:
        q->total = db_int(r, 0, 0);
        break;
    case READ_STEP_OTHER:
        break;
    }
}

enum err_code read_plan_run(struct read_plan *p, size_t *slow, struct err *err) {
    struct db_result **results = xcalloc(p->n, sizeof *results);
    size_t failed;
    enum err_code code = db_flush(p->db, results, p->n, &failed, err);
    if (slow != NULL)
        *slow = code == ERR_DB_SLOW && failed < p->n && p->steps[failed].kind != READ_STEP_OTHER
                    ? p->steps[failed].query
                    : p->nqueries;
    for (size_t i = 0; code == ERR_OK && i < p->n; i++)
        take(p, &p->steps[i], results[i]);
    db_results_free(results, p->n);
    free(results);
    free(p->steps);
    p->steps = NULL;
    p->n = p->cap = 0;
    return code;
}

/* ---- queries ---- */

void read_query_reset(struct read_query *q) {
    q->rows = NULL;
    q->nrows = 0;
    q->more = q->is_large = q->is_slow = false;
    q->total = q->start_index == 0 ? q->known_total : -1;
    q->code = ERR_OK;
}

enum refs_wanted read_refs_of(const struct read_query *q, size_t row) {
    if (q->id != NULL)
        return q->refs;
    for (size_t i = 0; i < q->nparts; i++)
        if (q->parts[i].rt == q->types[row])
            return q->parts[i].refs;
    return REFS_NONE;
}

bool read_row_lacks_refs(const struct read_query *q, size_t row) {
    const struct resource_type *rt = q->id != NULL ? q->rt : q->types[row];
    return q->rows[row].refs == NULL && read_refs_of(q, row) != REFS_NONE && resource_type_refs(rt) != NULL;
}
