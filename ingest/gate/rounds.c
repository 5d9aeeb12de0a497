#include "ingest/gate/gate_impl.h"
#include "ingest/gate/idempotency.h"
#include "ingest/gate/lists.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handle.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "sql/ask/query.h"
#include "sql/ask/read.h"

#include <assert.h>
#include <string.h>

/* ---- requests with an Idempotency-Key: the key is claimed first, the answer is stored before it is sent
 * ---- */

typedef enum err_code (*idempotency_fn)(struct db *db, struct idempotency *const *list, size_t n,
                                        struct err *err);

/* Asks for all requests of the hand and empties it. Gives those that no stand-in has answered meanwhile. */
static size_t ask_durably(struct gate_thread *t, struct hand *h, idempotency_fn fn, struct request **asked,
                          enum err_code *code) {
    struct idempotency *list[GATE_BATCH];
    struct err err = {0};
    size_t n = h->n;
    for (size_t i = 0; i < n; i++)
        list[i] = &h->r[i]->repeat->claim;
    *code = ERR_DB_LOST;
    gate_block(t);
    for (int i = 0; i < 2 && (*code == ERR_DB_LOST || *code == ERR_DB_RETRY); i++)
        *code = fn(t->durable_db, list, n, &err);
    gate_unblock(t);
    n = h->n;
    memcpy(asked, h->r, n * sizeof *asked);
    h->n = 0;
    return n;
}

static void claim_keys(struct gate_thread *t) {
    struct request *asked[GATE_BATCH];
    enum err_code code;
    size_t n = t->hand[HAND_REPEATS].n > 0
                   ? ask_durably(t, &t->hand[HAND_REPEATS], idempotency_claim, asked, &code)
                   : 0;
    for (size_t i = 0; i < n; i++) {
        struct request *r = asked[i];
        if (idempotency_on_claimed(r, code))
            gate_start(t, r);
        else
            request_finish(r);
    }
}

static void keep_answers(struct gate_thread *t) {
    struct request *asked[GATE_BATCH];
    enum err_code code;
    size_t n = t->hand[HAND_ANSWERS].n > 0
                   ? ask_durably(t, &t->hand[HAND_ANSWERS], idempotency_store, asked, &code)
                   : 0;
    for (size_t i = 0; i < n; i++) {
        idempotency_on_kept(asked[i], code);
        request_finish(asked[i]);
    }
}

/* ---- the deadline ---- */

static void on_claimed(struct gate_thread *t, struct request *r, enum err_code code,
                       const struct claim *claim) {
    if (code == ERR_OK && claim->result == CLAIM_LOST) {
        metric_add(stats.deadline_lost, 1);
        r->command->reply = claim->outcome;
        gate_step(t, r, handle_reply(r));
        return;
    }
    if (code == ERR_OK) {
        metric_add(stats.deadline_won, 1);
        answer_error(r, ERR_DEADLINE, NULL);
    } else {
        metric_add(stats.deadline_unknown, 1);
        answer_unknown(r);
    }
    request_finish(r);
}

/* PostgreSQL decides the race between deadline and worker: whoever claims the txn first wins. */
static void cancel(struct gate_thread *t) {
    struct request *asked[GATE_BATCH];
    size_t n = t->hand[HAND_CANCELS].n;
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        asked[i] = t->hand[HAND_CANCELS].r[i];
        t->claims[i] = (struct claim){.workspace = asked[i]->verdict.workspace.s, .txn = asked[i]->txn.s};
    }
    gate_block(t);
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = command_log_cancel_many(t->durable_db, t->claims, n, &err);
    gate_unblock(t);
    for (size_t i = 0, k = 0; i < n; i++) {
        if (k < t->hand[HAND_CANCELS].n && t->hand[HAND_CANCELS].r[k] == asked[i]) {
            k++;
            on_claimed(t, asked[i], code, &t->claims[i]);
        } else if (code == ERR_OK) {
            reply_clear(&t->claims[i].outcome); /* answered meanwhile */
        }
    }
    t->hand[HAND_CANCELS].n = 0;
}

/* ---- the units of Bulks ---- */

static void admit_bulks(struct gate_thread *t) {
    struct hand *h = &t->hand[HAND_BULKS];
    if (h->n == 0)
        return;
    admission_collect_units(&t->admission, h->r, h->n);
    gate_block(t);
    admission_ask(&t->admission, t->db);
    gate_unblock(t);
    h->n = admission_judge_units(&t->admission, h->r, h->n);
    for (size_t i = 0; i < h->n; i++)
        gate_step(t, h->r[i], h->r[i]->handler->on_units(h->r[i]));
    h->n = 0;
}

/* ---- short reads: all of the batch in one round trip ---- */

/* What may take long goes to the threads that have time for it. */
static void give_lists_away(struct gate_thread *t) {
    struct hand *h = &t->hand[HAND_READS];
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        if (read_is_long(h->r[i]->read) || lists_takes(t->in->lists, h->r[i]))
            lists_push(t->in->lists, h->r[i]);
        else
            h->r[n++] = h->r[i];
    }
    h->n = n;
}

static void run_reads(struct gate_thread *t) {
    struct hand *h = &t->hand[HAND_READS];
    struct read_query *queries[GATE_BATCH];
    struct err err = {0};
    if (h->n == 0)
        return;
    for (size_t i = 0; i < h->n; i++)
        queries[i] = h->r[i]->read;
    size_t n = h->n;
    int64_t begin = clock_mono_us();
    gate_block(t);
    enum err_code code = read_batch(t->db, queries, n, &err);
    if (code == ERR_DB_LOST || code == ERR_DB_RETRY)
        code = read_batch(t->db, queries, n, &err);
    gate_unblock(t);
    metric_observe_us(stats.gate_read, clock_mono_us() - begin);
    for (size_t i = 0; i < h->n; i++) {
        struct request *r = h->r[i];
        if (code == ERR_OK && r->read->is_large) {
            lists_push(t->in->lists, r);
            continue;
        }
        enum step step = r->handler->on_read(r, code);
        assert(step != STEP_READ); /* or it would get into the hand that is being emptied */
        gate_step(t, r, step);
    }
    h->n = 0;
}

/* ---- queries of handlers: all of the batch in one round trip ---- */

static void run_queries(struct gate_thread *t) {
    struct db_query *queries[GATE_BATCH];
    struct request *asked[GATE_BATCH];
    struct hand *h = &t->hand[HAND_QUERIES];
    struct err err = {0};
    size_t n = h->n;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        queries[i] = h->r[i]->db_query;
    gate_block(t);
    enum err_code code = db_query_batch(t->db, queries, n, &err);
    if (code == ERR_DB_LOST || code == ERR_DB_RETRY)
        code = db_query_batch(t->db, queries, n, &err);
    gate_unblock(t);
    n = h->n; /* the others were answered meanwhile */
    memcpy(asked, h->r, n * sizeof *asked);
    h->n = 0;
    for (size_t i = 0; i < n; i++)
        gate_step(t, asked[i], handle_rows(asked[i], code));
}

/* ---- questions: one round trip each, because they are rare ---- */

static void ask_last(struct gate_thread *t) {
    struct hand *h = &t->hand[HAND_QUESTIONS];
    size_t n = h->n;
    struct request *r = h->r[n - 1];
    struct question *q = r->question;
    struct err err = {0};
    enum err_code code = ERR_DB_LOST;
    gate_block(t);
    for (int i = 0; i < 2 && (code == ERR_DB_LOST || code == ERR_DB_RETRY); i++)
        code = q->ask(q, q->durable ? t->durable_db : t->db, &err);
    gate_unblock(t);
    if (h->n < n && (h->n == 0 || h->r[h->n - 1] != r))
        return; /* answered meanwhile */
    h->n--;
    gate_step(t, r, handle_rows(r, code));
}

/* ---- who is it ---- */

/* The client is admitted before its body is read. */
static void let_read_or_refuse(struct request *r) {
    if (request_take_room(r, r->body_length)) {
        request_read_on(r);
        return;
    }
    answer_error(r, ERR_UNAVAILABLE, BODIES_FULL);
    request_finish(r);
}

static void admit(struct gate_thread *t) {
    struct hand *h = &t->hand[HAND_FRESH];
    h->n = admission_collect(&t->admission, h->r, h->n);
    if (h->n == 0)
        return;
    gate_block(t);
    admission_ask(&t->admission, t->db);
    gate_unblock(t);
    h->n = admission_judge(&t->admission, h->r, h->n);
    for (size_t i = 0; i < h->n; i++) {
        if (h->r[i]->body_waits)
            let_read_or_refuse(h->r[i]);
        else
            gate_start(t, h->r[i]);
    }
    h->n = 0;
}

/* ---- all of them ---- */

void gate_ask(struct gate_thread *t) {
    admit(t);
    claim_keys(t);
    admit_bulks(t);
    cancel(t);
    give_lists_away(t);
    run_reads(t);
    while (t->hand[HAND_QUERIES].n > 0)
        run_queries(t);
    while (t->hand[HAND_QUESTIONS].n > 0)
        ask_last(t);
    keep_answers(t);
}
