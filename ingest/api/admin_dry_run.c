/* What a key in dry-run mode has tried so far: what a whole cycle of an identity provider would have done.
 * The archive knows; it is asked on the list threads. */
#include "ingest/api/admin.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "sql/ask/audit.h"
#include "sql/ask/dry_run.h"
#include "sql/ask/query.h"

#include <string.h>

struct dry_run_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace, *key;
    int64_t since_us;
    struct dry_run_seen seen;
};

static enum err_code ask_dry_run(struct question *q, struct db *db, struct err *err) {
    struct dry_run_question *d = (struct dry_run_question *)q;
    enum err_code code = audit_begin(db, d->workspace, err);
    if (code == ERR_OK)
        code = dry_run_look(db, d->workspace, d->key, d->since_us, d->arena, &d->seen, err);
    audit_end(db);
    return code;
}

static enum step dry_run_begin(struct request *r) {
    if (!admin_id(r, "Key"))
        return STEP_ANSWERED;
    struct db_query *q = api_query(r, QUERY_KEYS);
    q->p[0] = r->resource_id.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

static enum step look(struct request *r, const char *since) {
    struct dry_run_question *q = arena_alloc(r->arena, sizeof *q);
    q->question = (struct question){.ask = ask_dry_run, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    q->key = r->resource_id.s;
    q->since_us = db_cell_int(since);
    r->question = &q->question;
    return STEP_ASK;
}

static int64_t count_of(const struct dry_run_seen *s, const char *action) {
    for (size_t i = 0; i < s->ncounts; i++)
        if (strcmp(s->counts[i].action, action) == 0)
            return s->counts[i].n;
    return 0;
}

/* What would be used if all of it were done from the state as it is. */
static void put_seats(struct jbuf *b, const struct dry_run_seen *s) {
    jb_kraw(b, "seats", "{");
    jb_kint(b, "used", s->seats_used);
    jb_kint(b, "needed", s->seats_used + count_of(s, "seat.taken") - count_of(s, "seat.freed"));
    if (s->seats_limit >= 0)
        jb_kint(b, "limit", s->seats_limit);
    else
        jb_kraw(b, "limit", "null");
    jb_raw(b, "}");
}

static void put_counts(struct jbuf *b, const struct dry_run_seen *s) {
    jb_kraw(b, "counts", "{");
    for (size_t i = 0; i < s->ncounts; i++)
        if (strcmp(s->counts[i].action, "error") != 0)
            jb_kint(b, s->counts[i].action, s->counts[i].n);
    jb_raw(b, "}");
}

static void put_refusals(struct jbuf *b, const struct dry_run_seen *s) {
    jb_kraw(b, "refusals", "[");
    for (size_t i = 0; i < s->nrefusals; i++) {
        const struct dry_run_refusal *x = &s->refusals[i];
        jb_sep(b);
        jb_raw(b, "{");
        jb_kint(b, "status", x->status);
        jb_kstr(b, "code", x->code);
        jb_kstr(b, "detail", x->detail);
        jb_kint(b, "count", x->n);
        api_put_time(b, "last", x->last_us);
        jb_kstr(b, "example", x->example);
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
}

static enum step show(struct request *r, const char *since) {
    static const struct dry_run_seen nothing = {0};
    const struct dry_run_question *q = (const struct dry_run_question *)r->question;
    const struct dry_run_seen *s = q != NULL ? &q->seen : &nothing;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kbool(b, "dryRun", since != NULL);
    api_put_time(b, "since", db_cell_int(since));
    if (q != NULL) {
        jb_kint(b, "requests", s->requests);
        jb_kint(b, "refused", s->refused);
        api_put_time(b, "first", s->first_us);
        api_put_time(b, "last", s->last_us);
        put_counts(b, s);
        put_seats(b, s);
        put_refusals(b, s);
        jb_kbool(b, "more", s->requests >= DRY_RUN_RECORDS);
    }
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

static enum step dry_run_on_rows(struct request *r) {
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Key", r->resource_id.s);
    const char *since = r->db_query->rows[0][COL_KEY_DRY_SINCE];
    return since == NULL || r->question != NULL ? show(r, since) : look(r, since);
}

const struct handler admin_key_dry_run = {.begin = dry_run_begin, .on_rows = dry_run_on_rows};
