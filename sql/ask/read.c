#include "sql/ask/read.h"

#include "ops/runtime/mem.h"
#include "sql/ask/membership_sql.h"
#include "sql/ask/read_impl.h"
#include "sql/ask/read_sql.h"
#include "sql/filter/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool read_is_page(const struct read_query *q) {
    if (membership_sql_is_for(q)) /* their number, where it is not known yet, must be counted */
        return q->id == NULL && membership_sql_walks(q) && q->start_index <= READ_DEEP && q->known_total >= 0;
    for (size_t i = 0; i < q->nparts; i++)
        if (q->parts[i].rt->kind == RESOURCE_ROOM && q->parts[i].refs != REFS_NONE)
            return false; /* its rooms may be large */
    return q->id == NULL && read_sql_walks(q) && q->start_index <= READ_DEEP;
}

bool read_is_long(const struct read_query *q) {
    if (q->id != NULL)
        return false;
    if (membership_sql_is_for(q))
        return !membership_sql_finds_one(q);
    for (size_t i = 0; i < q->nparts; i++)
        if (q->parts[i].filter == NULL || !lookup_finds(q->parts[i].filter))
            return true;
    return false;
}

/* ---- one try: what goes out together is one transaction (db_flush), and needs no statement for that ---- */

/* brief: there are look-ups among the queries that could take long, and must not. */
static void plan_context(struct read_plan *p, const char *workspace, bool brief) {
    char ms[16];
    const char *params[] = {workspace, ms};
    snprintf(ms, sizeof ms, "%d", READ_SHORT_MS);
    read_plan_other(p, brief ? SQL_CONNECTION_SEE_WORKSPACE_BRIEFLY : SQL_CONNECTION_SEE_WORKSPACE, params);
}

static void plan_query(struct read_plan *p, size_t i, bool *planned) {
    const struct read_query *q = p->queries[i];
    if (q->id != NULL) {
        read_plan_gets(p, i, planned);
        return;
    }
    if (read_name_of(q) != NULL) {
        read_plan_names(p, i, planned);
        return;
    }
    planned[i] = true;
    if (q->count > 0 || q->total < 0)
        read_plan_list(p, i, q->count == 0);
    if (q->count > 0 && q->total < 0 && read_sql_total_is_cheap(q))
        read_plan_list(p, i, true);
}

static enum err_code run_pages(struct read_plan *p, bool brief, size_t *slow, struct err *err) {
    bool *planned = xcalloc(p->nqueries, sizeof *planned);
    for (size_t w = 0; w < p->nqueries; w++) { /* workspace by workspace */
        if (planned[w])
            continue;
        const char *context = p->queries[w]->workspace;
        plan_context(p, context, brief);
        for (size_t i = w; i < p->nqueries; i++)
            if (!planned[i] && strcmp(p->queries[i]->workspace, context) == 0)
                plan_query(p, i, planned);
    }
    free(planned);
    return read_plan_run(p, slow, err);
}

/* A second trip, for the look-ups that have found more than the page shows. */
static enum err_code run_totals(struct read_plan *p, size_t *slow, struct err *err) {
    bool any = false;
    for (size_t i = 0; i < p->nqueries; i++) {
        const struct read_query *q = p->queries[i];
        if (q->id != NULL || q->code != ERR_OK || q->total >= 0 || q->is_large)
            continue;
        any = true;
        plan_context(p, q->workspace, true);
        read_plan_list(p, i, true);
    }
    return any ? read_plan_run(p, slow, err) : ERR_OK;
}

/* Does a look-up show more than a short read may, or is there a row with too many groups or members? */
static bool shows_too_much(const struct read_query *q, int wanted) {
    if (wanted > READ_SHORT_ROWS && q->more)
        return true;
    for (size_t row = 0; row < q->nrows; row++)
        if (read_row_lacks_refs(q, row))
            return true;
    return false;
}

/* *wanted: by query, how many rows it wants; meanwhile the query itself wants no more than a short read
 * shows. */
static enum err_code run_short(struct read_plan *p, const int *wanted, bool brief, size_t *slow,
                               struct err *err) {
    enum err_code code = run_pages(p, brief, slow, err);
    for (size_t i = 0; code == ERR_OK && i < p->nqueries; i++)
        p->queries[i]->is_large = p->queries[i]->code == ERR_OK && shows_too_much(p->queries[i], wanted[i]);
    return code == ERR_OK ? run_totals(p, slow, err) : code;
}

static enum err_code short_reads(struct db *db, struct read_query *const *queries, size_t n, size_t *slow,
                                 struct err *err) {
    struct read_plan p = {.db = db, .queries = queries, .nqueries = n};
    int *wanted = xcalloc(n, sizeof *wanted);
    bool brief = false;
    for (size_t i = 0; i < n; i++) {
        struct read_query *q = queries[i];
        read_query_reset(q);
        wanted[i] = q->count;
        q->count = q->count > READ_SHORT_ROWS ? READ_SHORT_ROWS : q->count;
        brief = brief || (q->id == NULL && read_name_of(q) == NULL);
    }
    enum err_code code = run_short(&p, wanted, brief, slow, err);
    for (size_t i = 0; i < n; i++)
        queries[i]->count = wanted[i];
    free(wanted);
    return code;
}

/* ---- all of them ---- */

/* A statement took too long. The look-up that it belongs to, and all others of its workspace, are for whoever
 * has time; where it belongs to none of them, all look-ups are. Gives how many queries are left. */
static size_t put_aside(struct read_query **left, size_t n, size_t slow) {
    const char *workspace = slow < n && left[slow]->id == NULL ? left[slow]->workspace : NULL;
    size_t on = 0;
    if (workspace != NULL)
        left[slow]->is_slow = true;
    for (size_t i = 0; i < n; i++) {
        if (left[i]->id == NULL && (workspace == NULL || strcmp(left[i]->workspace, workspace) == 0))
            left[i]->is_large = true;
        else
            left[on++] = left[i];
    }
    return on;
}

enum err_code read_batch(struct db *db, struct read_query *const *queries, size_t n, struct err *err) {
    enum err_code code = ERR_OK;
    struct read_query **left = xcalloc(n + 1, sizeof *left);
    memcpy(left, queries, n * sizeof *left);
    for (size_t before = 0; n > 0 && n != before;) {
        size_t slow = n;
        code = short_reads(db, left, n, &slow, err);
        before = n;
        if (code == ERR_DB_SLOW)
            n = put_aside(left, n, slow);
    }
    free(left);
    return n > 0 ? code : ERR_OK;
}
