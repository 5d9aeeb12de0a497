/* The writing half of archive.h. */
#include "sql/ask/archive.h"
#include "sql/pg_rows.h"

#define STEPS 13

/* 0 is NULL. */
static void cell_some(struct pg_rows *r, int64_t v) {
    if (v != 0)
        pg_cell_int(r, v);
    else
        pg_cell_null(r);
}

static void send_rows(struct pg_rows *r, struct db *db, size_t *sent) {
    *sent += pg_rows_queue(r, db, NULL);
}

static void put_actor(struct pg_rows *r, const struct archive_leaf *l) {
    pg_cell_text(r, l->txn);
    pg_cell_text(r, l->actor_kind);
    pg_cell_text(r, l->actor_id);
    pg_cell_text(r, l->actor_name);
}

static void begin_leaf(struct pg_rows *r, const struct archive_leaf *l) {
    pg_rows_next(r);
    pg_cell_text(r, l->workspace);
    pg_cell_int(r, l->n);
    pg_cell_int(r, l->at_us);
    pg_cell_text(r, l->event);
}

static void put_change(struct pg_rows *r, const struct archive_leaf *l) {
    begin_leaf(r, l);
    cell_some(r, l->epoch);
    pg_cell_int(r, l->seq);
    put_actor(r, l);
    pg_cell_text(r, l->action);
    pg_cell_text(r, l->outcome);
    pg_cell_text(r, l->reason);
    pg_cell_text(r, l->target_type);
    pg_cell_text(r, l->target_id);
    pg_cell_text(r, l->target_name);
    pg_cell_text(r, l->subject_id);
    pg_cell_text(r, l->subject_name);
    pg_cell_bytes(r, l->bytes.p, l->bytes.n);
}

static void put_request(struct pg_rows *r, const struct archive_leaf *l) {
    begin_leaf(r, l);
    pg_cell_int(r, l->seq);
    put_actor(r, l);
    pg_cell_text(r, l->target_id);
    pg_cell_text(r, l->subject_id);
    pg_cell_text(r, l->method);
    pg_cell_text(r, l->path);
    cell_some(r, l->status);
    pg_cell_text(r, l->error);
    pg_cell_text(r, l->detail);
    pg_cell_text(r, l->source);
    pg_cell_text(r, l->user_agent);
    pg_cell_bool(r, l->rate_limited);
    if (l->status != 0)
        pg_cell_int(r, l->duration_us);
    else
        pg_cell_null(r);
    pg_cell_bytes(r, l->bytes.p, l->bytes.n);
}

static void send_leaves(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows changes = {.statement = SQL_ARCHIVE_CHANGES},
                   requests = {.statement = SQL_ARCHIVE_REQUESTS};
    for (size_t i = 0; i < b->nleaves; i++) {
        if (b->leaves[i].tree == ARCHIVE_CHANGES)
            put_change(&changes, &b->leaves[i]);
        else
            put_request(&requests, &b->leaves[i]);
    }
    send_rows(&changes, db, sent);
    send_rows(&requests, db, sent);
}

static void send_runs(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows r = {.statement = SQL_ARCHIVE_HASHES};
    for (size_t i = 0; i < b->nruns; i++) {
        pg_rows_next(&r);
        pg_cell_text(&r, b->runs[i].workspace);
        pg_cell_int(&r, b->runs[i].tree);
        pg_cell_int(&r, b->runs[i].n);
        pg_cell_bytes(&r, b->runs[i].hashes.p, b->runs[i].hashes.n);
    }
    send_rows(&r, db, sent);
}

static void send_trees(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows r = {.statement = SQL_ARCHIVE_TREES};
    for (size_t i = 0; i < b->ntrees; i++) {
        const struct archive_tree *t = &b->trees[i];
        pg_rows_next(&r);
        pg_cell_text(&r, t->workspace);
        pg_cell_int(&r, t->tree);
        pg_cell_int(&r, t->partition);
        pg_cell_int(&r, (int64_t)t->range.size);
        cell_some(&r, t->first_seq);
        cell_some(&r, t->epoch);
        cell_some(&r, t->seq);
        pg_cell_text(&r, t->stops);
        pg_cell_text(&r, t->refuses);
    }
    send_rows(&r, db, sent);
}

static void send_gaps(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows r = {.statement = SQL_ARCHIVE_GAPS};
    for (size_t i = 0; i < b->ngaps; i++) {
        const struct archive_gap *g = &b->gaps[i];
        pg_rows_next(&r);
        pg_cell_text(&r, g->workspace);
        pg_cell_int(&r, g->tree);
        pg_cell_int(&r, g->n);
        pg_cell_int(&r, g->epoch);
        pg_cell_int(&r, g->seq);
        pg_cell_int(&r, g->before_epoch);
        pg_cell_int(&r, g->before_seq);
        pg_cell_text(&r, g->why);
    }
    send_rows(&r, db, sent);
}

static void send_asides(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows r = {.statement = SQL_ARCHIVE_ASIDE};
    for (size_t i = 0; i < b->nasides; i++) {
        const struct archive_aside *a = &b->asides[i];
        pg_rows_next(&r);
        pg_cell_text(&r, a->workspace);
        pg_cell_int(&r, a->tree);
        pg_cell_int(&r, a->partition);
        pg_cell_int(&r, a->offset);
        pg_cell_text(&r, a->event);
        pg_cell_bytes(&r, a->bytes.p, a->bytes.n);
    }
    send_rows(&r, db, sent);
}

static void put_latency(struct pg_rows *r, const struct archive_sum *sum) {
    struct jbuf list = {0};
    pg_array_begin(&list);
    for (int i = 0; i < ARCHIVE_BUCKETS; i++)
        pg_array_int(&list, sum->latency[i]);
    pg_array_end(&list);
    pg_cell_text(r, list.p);
    jb_free(&list);
}

static void put_sum(struct pg_rows *r, const struct archive_sum *sum) {
    pg_rows_next(r);
    pg_cell_text(r, sum->workspace);
    pg_cell_text(r, sum->key);
    const int64_t counts[] = {sum->at_us,      sum->requests, sum->operations, sum->writes, sum->ok,
                              sum->redirected, sum->refused,  sum->limited,    sum->failed, sum->superseded};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        pg_cell_int(r, counts[i]);
    put_latency(r, sum);
    const int64_t more[] = {sum->bytes_in, sum->bytes_out, sum->first_us, sum->last_us, sum->write_us};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        pg_cell_int(r, more[i]);
}

static void send_sums(struct db *db, const struct archive_batch *b, size_t *sent) {
    static const enum statement statements[ARCHIVE_SPANS] = {
        SQL_ARCHIVE_ACTIVITY_MINUTE, SQL_ARCHIVE_ACTIVITY_HOUR, SQL_ARCHIVE_ACTIVITY_DAY};
    for (int span = 0; span < ARCHIVE_SPANS; span++) {
        struct pg_rows r = {.statement = statements[span]};
        if (b->nsums[span] == 0)
            continue;
        for (size_t i = 0; i < b->nsums[span]; i++)
            put_sum(&r, &b->sums[span][i]);
        send_rows(&r, db, sent);
    }
}

static void send_sources(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows r = {.statement = SQL_ARCHIVE_SOURCES};
    for (size_t i = 0; i < b->nsources; i++) {
        const struct archive_source *source = &b->sources[i];
        pg_rows_next(&r);
        pg_cell_text(&r, source->workspace);
        pg_cell_text(&r, source->key);
        pg_cell_text(&r, source->source);
        pg_cell_int(&r, source->requests);
        pg_cell_int(&r, source->first_us);
        pg_cell_int(&r, source->last_us);
    }
    send_rows(&r, db, sent);
}

static void send_places(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct pg_rows r = {.statement = SQL_ARCHIVE_MOVE};
    for (size_t i = 0; i < b->nplaces; i++) {
        pg_rows_next(&r);
        pg_cell_int(&r, b->places[i].partition);
        pg_cell_int(&r, b->places[i].next);
    }
    send_rows(&r, db, sent);
}

enum err_code archive_store(struct db *db, const struct archive_batch *b, struct err *err) {
    struct db_result *results[STEPS] = {NULL};
    size_t sent = 0;
    send_leaves(db, b, &sent);
    send_runs(db, b, &sent);
    send_trees(db, b, &sent);
    send_gaps(db, b, &sent);
    send_asides(db, b, &sent);
    send_sums(db, b, &sent);
    send_sources(db, b, &sent);
    send_places(db, b, &sent);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    sent++;
    enum err_code code = db_flush(db, results, sent, NULL, err);
    db_results_free(results, sent);
    return code;
}
