/* The writing half of archive.h: sets of rows as arrays, one a column. */
#include "ops/runtime/mem.h"
#include "sql/ask/archive.h"

#include <stdlib.h>

#define COLUMNS 28
#define STEPS 12

/* A set under way. */
struct set {
    struct jbuf column[COLUMNS], binary;
    int at;
};

static void set_begin(struct set *s) {
    for (int i = 0; i < COLUMNS; i++)
        pg_array_begin(&s->column[i]);
}

/* The cells of a row, one column after the other. */
static void cell_word(struct set *s, const char *v) {
    pg_array_word(&s->column[s->at++], v);
}
static void cell_text(struct set *s, const char *v) {
    pg_array_text(&s->column[s->at++], v);
}
static void cell_int(struct set *s, int64_t v) {
    pg_array_int(&s->column[s->at++], v);
}
/* 0 is NULL. */
static void cell_some(struct set *s, int64_t v) {
    if (v != 0)
        cell_int(s, v);
    else
        cell_word(s, NULL);
}

/* values: of the last parameter, in binary form; NULL: there is none. */
static void set_send(struct db *db, struct set *s, enum statement statement, const struct pg_bytes *values,
                     size_t n, size_t *sent) {
    const char *params[COLUMNS + 1];
    for (int i = 0; i < COLUMNS; i++) {
        pg_array_end(&s->column[i]);
        params[i] = s->column[i].p;
    }
    if (values != NULL) {
        pg_array_bytes(&s->binary, values, n);
        params[statement_texts[statement].nparams - 1] = s->binary.p;
        db_queue_bytes(db, statement, params, s->binary.n);
    } else {
        db_queue(db, statement, params);
    }
    (*sent)++;
    for (int i = 0; i < COLUMNS; i++)
        jb_free(&s->column[i]);
    jb_free(&s->binary);
}

static void put_leaf(struct set *s, const struct archive_leaf *l) {
    s->at = 0;
    cell_word(s, l->workspace);
    cell_int(s, l->tree);
    cell_int(s, l->n);
    cell_int(s, l->at_us);
    cell_text(s, l->event);
    cell_some(s, l->epoch);
    cell_int(s, l->seq);
    cell_word(s, l->txn);
    cell_text(s, l->actor_kind);
    cell_word(s, l->actor_id);
    cell_text(s, l->actor_name);
    cell_text(s, l->action);
    cell_text(s, l->outcome);
    cell_text(s, l->reason);
    cell_text(s, l->target_type);
    cell_word(s, l->target_id);
    cell_text(s, l->target_name);
    cell_word(s, l->subject_id);
    cell_text(s, l->subject_name);
    cell_text(s, l->method);
    cell_text(s, l->path);
    cell_some(s, l->status);
    cell_text(s, l->error);
    cell_text(s, l->detail);
    cell_text(s, l->source);
    cell_text(s, l->user_agent);
    cell_word(s, l->rate_limited ? "t" : "f");
    if (l->status != 0)
        cell_int(s, l->duration_us);
    else
        cell_word(s, NULL);
}

static void send_leaves(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    if (b->nleaves == 0)
        return;
    struct pg_bytes *values = xcalloc(b->nleaves, sizeof *values);
    set_begin(&s);
    for (size_t i = 0; i < b->nleaves; i++) {
        put_leaf(&s, &b->leaves[i]);
        values[i] = b->leaves[i].bytes;
    }
    set_send(db, &s, SQL_ARCHIVE_LEAVES, values, b->nleaves, sent);
    free(values);
}

static void send_runs(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    if (b->nruns == 0)
        return;
    struct pg_bytes *values = xcalloc(b->nruns, sizeof *values);
    set_begin(&s);
    for (size_t i = 0; i < b->nruns; i++) {
        s.at = 0;
        cell_word(&s, b->runs[i].workspace);
        cell_int(&s, b->runs[i].tree);
        cell_int(&s, b->runs[i].n);
        values[i] = b->runs[i].hashes;
    }
    set_send(db, &s, SQL_ARCHIVE_HASHES, values, b->nruns, sent);
    free(values);
}

static void send_trees(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    if (b->ntrees == 0)
        return;
    set_begin(&s);
    for (size_t i = 0; i < b->ntrees; i++) {
        const struct archive_tree *t = &b->trees[i];
        s.at = 0;
        cell_word(&s, t->workspace);
        cell_int(&s, t->tree);
        cell_int(&s, t->partition);
        cell_int(&s, (int64_t)t->range.size);
        cell_some(&s, t->first_seq);
        cell_some(&s, t->epoch);
        cell_some(&s, t->seq);
        cell_text(&s, t->stops);
        cell_text(&s, t->refuses);
    }
    set_send(db, &s, SQL_ARCHIVE_TREES, NULL, 0, sent);
}

static void send_gaps(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    if (b->ngaps == 0)
        return;
    set_begin(&s);
    for (size_t i = 0; i < b->ngaps; i++) {
        const struct archive_gap *g = &b->gaps[i];
        s.at = 0;
        cell_word(&s, g->workspace);
        cell_int(&s, g->tree);
        cell_int(&s, g->n);
        cell_int(&s, g->epoch);
        cell_int(&s, g->seq);
        cell_int(&s, g->before_epoch);
        cell_int(&s, g->before_seq);
        cell_text(&s, g->why);
    }
    set_send(db, &s, SQL_ARCHIVE_GAPS, NULL, 0, sent);
}

static void send_asides(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    if (b->nasides == 0)
        return;
    struct pg_bytes *values = xcalloc(b->nasides, sizeof *values);
    set_begin(&s);
    for (size_t i = 0; i < b->nasides; i++) {
        const struct archive_aside *a = &b->asides[i];
        s.at = 0;
        cell_word(&s, a->workspace);
        cell_int(&s, a->tree);
        cell_int(&s, a->partition);
        cell_int(&s, a->offset);
        cell_text(&s, a->event);
        values[i] = a->bytes;
    }
    set_send(db, &s, SQL_ARCHIVE_ASIDE, values, b->nasides, sent);
    free(values);
}

static void put_latency(struct set *s, const struct archive_sum *sum) {
    struct jbuf list = {0};
    pg_array_begin(&list);
    for (int i = 0; i < ARCHIVE_BUCKETS; i++)
        pg_array_int(&list, sum->latency[i]);
    pg_array_end(&list);
    cell_text(s, list.p);
    jb_free(&list);
}

static void put_sum(struct set *s, const struct archive_sum *sum) {
    s->at = 0;
    cell_word(s, sum->workspace);
    cell_word(s, sum->key);
    const int64_t counts[] = {sum->at_us,      sum->requests, sum->operations, sum->writes, sum->ok,
                              sum->redirected, sum->refused,  sum->limited,    sum->failed, sum->superseded};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cell_int(s, counts[i]);
    put_latency(s, sum);
    const int64_t more[] = {sum->bytes_in, sum->bytes_out, sum->first_us, sum->last_us, sum->write_us};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        cell_int(s, more[i]);
}

static void send_sums(struct db *db, const struct archive_batch *b, size_t *sent) {
    static const enum statement statements[ARCHIVE_SPANS] = {
        SQL_ARCHIVE_ACTIVITY_MINUTE, SQL_ARCHIVE_ACTIVITY_HOUR, SQL_ARCHIVE_ACTIVITY_DAY};
    for (int span = 0; span < ARCHIVE_SPANS; span++) {
        struct set s = {0};
        if (b->nsums[span] == 0)
            continue;
        set_begin(&s);
        for (size_t i = 0; i < b->nsums[span]; i++)
            put_sum(&s, &b->sums[span][i]);
        set_send(db, &s, statements[span], NULL, 0, sent);
    }
}

static void send_sources(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    if (b->nsources == 0)
        return;
    set_begin(&s);
    for (size_t i = 0; i < b->nsources; i++) {
        const struct archive_source *source = &b->sources[i];
        s.at = 0;
        cell_word(&s, source->workspace);
        cell_word(&s, source->key);
        cell_text(&s, source->source);
        cell_int(&s, source->requests);
        cell_int(&s, source->first_us);
        cell_int(&s, source->last_us);
    }
    set_send(db, &s, SQL_ARCHIVE_SOURCES, NULL, 0, sent);
}

static void send_places(struct db *db, const struct archive_batch *b, size_t *sent) {
    struct set s = {0};
    set_begin(&s);
    for (size_t i = 0; i < b->nplaces; i++) {
        s.at = 0;
        cell_int(&s, b->places[i].partition);
        cell_int(&s, b->places[i].next);
    }
    set_send(db, &s, SQL_ARCHIVE_MOVE, NULL, 0, sent);
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
