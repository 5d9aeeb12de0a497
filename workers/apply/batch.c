#include "workers/apply/batch.h"

#include "schemas/stream/record_event.h"
#include "workers/apply/checks.h"
#include "workers/apply/event.h"
#include "workers/apply/verbs.h"

#include <assert.h>
#include <string.h>

/* One transaction over some deliveries of a batch. */
struct run {
    const struct apply *apply;
    struct batch *batch;
    struct unit *unit;
    int64_t now_us;
};

/* ---- one delivery ---- */

/* The outcome of what can never be stored, by which it is known when it is delivered again. */
static const char cannot_be_stored[] = "The command cannot be stored";

static bool is_poison(const struct reply *r) {
    return r->code == ERR_INTERNAL && strcmp(r->detail, cannot_be_stored) == 0;
}

static void delivery_poison(struct delivery *delivery, const struct err *why) {
    delivery->decode_err = *why;
    delivery->poison = true;
}

/* A command whose txn is known: the stored outcome is the answer. What it emits, its records or a dead
 * letter, goes out again only from the place in the log that was applied: the first attempt may have died
 * between PostgreSQL's commit and Kafka's. A copy elsewhere in the log emits nothing. */
static enum err_code delivery_repeat(const struct run *run, struct delivery *delivery,
                                     const struct unit_claim *claim, struct err *err) {
    bool origin = claim->origin_partition == delivery->partition && claim->origin_offset == delivery->offset;
    if (claim->cancelled || claim->outcome == NULL)
        return ERR_OK; /* an ingest cancelled it and has answered */
    if (reply_decode(claim->outcome, strlen(claim->outcome), &delivery->reply, err) != ERR_OK)
        return err->code;
    reply_clear(&delivery->reply); /* a document would be an old one */
    delivery->reply_due = true;
    if (origin && is_poison(&delivery->reply))
        delivery_poison(delivery,
                        &(struct err){.code = ERR_DB_DATA, .detail = "It could not be stored before"});
    if (!origin || claim->records == NULL)
        return ERR_OK;
    return record_list_decode(claim->records, run->batch->arena, &delivery->records, &delivery->traceparent,
                              err);
}

/* The outcome and the records, as they are stored under the txn. */
static void delivery_claim(const struct run *run, struct unit_workspace *w, struct delivery *delivery) {
    struct arena *a = unit_arena(run->unit);
    struct jbuf outcome = {0}, records = {0};
    struct reply stored = delivery->reply;
    stored.doc = NULL; /* the document stands in its table */
    reply_encode(&stored, &outcome);
    if (delivery->records.n > 0)
        record_list_encode(delivery->records.rows, delivery->records.n, delivery->traceparent, &records);
    unit_claim_set(run->unit, w, delivery->command.txn.s, command_type_text(delivery->command.type),
                   delivery->partition, delivery->offset, arena_strdup(a, outcome.p),
                   records.n > 0 ? arena_strdup(a, records.p) : NULL);
    jb_free(&outcome);
    jb_free(&records);
}

static struct decision decision_of(const struct run *run, struct delivery *delivery) {
    const struct command *c = &delivery->command;
    struct unit_workspace *w = unit_want_workspace(run->unit, c->workspace.s);
    struct decision d = {
        .unit = run->unit, .workspace = w, .command = c, .reply = &delivery->reply, .now_us = run->now_us};
    d.bounds = &run->apply->bounds;
    d.records = (struct record_context){.workspace = w->id,
                                        .txn = c->txn.s,
                                        .actor = &c->actor,
                                        .reason = c->reason,
                                        .traceparent = c->traceparent,
                                        .time_us = run->now_us,
                                        .membership_seq = &w->membership_seq,
                                        .audit_seq = &w->audit_seq,
                                        .events_seq = &w->events_seq,
                                        .events_issuer = run->apply->events_issuer,
                                        .events_txn = c->async.txn[0] != '\0' ? c->async.txn : c->txn.s,
                                        .arena = run->batch->arena,
                                        .out = &delivery->records};
    /* A workspace that is only being made has no settings yet, and no events. */
    if (w->settings.events == NULL || !events_mode_parse(w->settings.events, &d.records.events_mode))
        d.records.events_mode = EVENTS_OFF;
    return d;
}

static void delivery_decide(struct decision *d) {
    enum err_code code = check_command(d);
    if (code == ERR_OK)
        code = verb_of(d->command->type)->apply(d);
    assert(code == d->err.code);
}

static void delivery_conclude(const struct run *run, struct delivery *delivery, struct decision *d) {
    if (d->err.code != ERR_OK)
        decision_refuse(d);
    event_outcome(d);
    delivery->reply_due = true;
    delivery_claim(run, d->workspace, delivery);
}

static void delivery_begin(struct delivery *delivery) {
    delivery->traceparent = delivery->command.traceparent;
    delivery->reply =
        (struct reply){.txn = delivery->command.txn, .code = ERR_OK, .id = delivery->command.id};
}

static enum err_code delivery_apply(const struct run *run, struct delivery *delivery, struct err *err) {
    struct decision d = decision_of(run, delivery);
    const struct unit_claim *known = unit_claim(run->unit, d.workspace, delivery->command.txn.s);
    if (known == NULL)
        return unit_error(run->unit, err);
    if (known->known)
        return delivery_repeat(run, delivery, known, err);
    delivery_begin(delivery);
    delivery_decide(&d);
    if (unit_error(run->unit, err) != ERR_OK)
        return err->code;
    delivery_conclude(run, delivery, &d);
    return unit_error(run->unit, err);
}

/* ---- one transaction ---- */

/* What cannot be understood is poison, and so is what somebody else is to apply. */
static void delivery_judge(struct delivery *delivery, int partitions) {
    if (!delivery->decoded)
        delivery->poison = true;
    if (delivery->poison ||
        workspace_partition(delivery->command.workspace.s, partitions) == delivery->partition)
        return;
    (void)err_set(&delivery->decode_err, ERR_DECODE, "The workspace does not belong to this partition");
    delivery->poison = true;
}

static bool announce_some(const struct run *run, size_t first, size_t n) {
    bool any = false;
    for (size_t i = first; i < first + n; i++) {
        struct delivery *delivery = &run->batch->deliveries[i];
        const struct command *c = &delivery->command;
        delivery->records.n = 0; /* an attempt before may have left some */
        delivery->reply_due = false;
        delivery_judge(delivery, run->apply->partitions);
        if (delivery->poison)
            continue;
        struct unit_workspace *w = unit_want_workspace(run->unit, c->workspace.s);
        check_announce(run->unit, w, c);
        verb_of(c->type)->announce(run->unit, w, c);
        any = true;
    }
    return any;
}

static enum err_code transact_some(const struct run *run, size_t first, size_t n, struct err *err) {
    if (!announce_some(run, first, n))
        return ERR_OK;
    enum err_code code = unit_begin(run->unit, err);
    for (size_t i = first; code == ERR_OK && i < first + n; i++)
        if (!run->batch->deliveries[i].poison)
            code = delivery_apply(run, &run->batch->deliveries[i], err);
    return code == ERR_OK ? unit_commit(run->unit, err) : code;
}

/* Stores a command that cannot be applied as refused for good. */
static enum err_code transact_refusal(const struct run *run, struct delivery *delivery, const struct err *why,
                                      struct err *err) {
    delivery->records.n = 0;
    struct unit_workspace *w = unit_want_workspace(run->unit, delivery->command.workspace.s);
    unit_want_claim(run->unit, w, delivery->command.txn.s);
    if (unit_begin(run->unit, err) != ERR_OK)
        return err->code;
    struct decision d = decision_of(run, delivery);
    delivery_begin(delivery);
    d.err = *why;
    delivery_conclude(run, delivery, &d);
    return unit_commit(run->unit, err);
}

static struct run run_new(const struct apply *a, struct batch *b) {
    return (struct run){.apply = a, .batch = b, .unit = unit_new(a->store), .now_us = a->now_us()};
}

/* ---- the batch ---- */

/* Again and again while the database asks for it. */
static enum err_code apply_some(const struct apply *a, struct batch *b, size_t first, size_t n,
                                struct err *err) {
    for (int tries = 1;; tries++) {
        struct run run = run_new(a, b);
        enum err_code code = transact_some(&run, first, n, err);
        unit_free(run.unit);
        if (err_class(code) != ERR_CLASS_RETRY || !a->again(a->arg, tries))
            return code;
    }
}

static enum err_code apply_refusal(const struct apply *a, struct batch *b, struct delivery *delivery,
                                   const struct err *why, struct err *err) {
    struct run run = run_new(a, b);
    enum err_code code = transact_refusal(&run, delivery, why, err);
    unit_free(run.unit);
    return code;
}

static enum err_code apply_poison(const struct apply *a, struct batch *b, struct delivery *delivery,
                                  const struct err *why, struct err *err) {
    struct err said = {0};
    (void)err_set(&said, ERR_INTERNAL, "%s", cannot_be_stored);
    enum err_code code = apply_refusal(a, b, delivery, &said, err);
    if (code != ERR_OK)
        return code;
    delivery_poison(delivery, why);
    return ERR_OK;
}

/* Once more, with time that fits its size; then the command is refused, as nothing better can be said of it.
 */
static enum err_code apply_slowly(const struct apply *a, struct batch *b, size_t at, struct err *err) {
    struct err why = {0},
               said = {.code = ERR_TOO_LARGE, .detail = "The change takes longer than the database allows"};
    struct delivery *delivery = &b->deliveries[at];
    enum err_code code = a->patience(a->arg, delivery->value_len, err);
    if (code != ERR_OK)
        return code;
    code = apply_some(a, b, at, 1, err);
    if (a->patience(a->arg, 0, &why) != ERR_OK)
        return why.code; /* what was committed is known when it comes again */
    return code == ERR_DB_SLOW ? apply_refusal(a, b, delivery, &said, err) : code;
}

/* Is the command the cause, now that it is alone? Whatever is not known to be its fault is not. */
static bool at_fault(enum err_code code) {
    return code == ERR_DB_DATA || code == ERR_DECODE;
}

static enum err_code apply_singly(const struct apply *a, struct batch *b, struct err *err) {
    for (size_t i = 0; i < b->n; i++) {
        struct err why = *err;
        enum err_code code = b->n > 1 ? apply_some(a, b, i, 1, &why) : err->code; /* tried alone already */
        if (code == ERR_DB_SLOW)
            code = apply_slowly(a, b, i, &why);
        if (at_fault(code))
            code = apply_poison(a, b, &b->deliveries[i], &why, err);
        else if (code != ERR_OK)
            *err = why;
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err_code apply_batch(const struct apply *a, struct batch *b, struct err *err) {
    enum err_code code = apply_some(a, b, 0, b->n, err);
    return at_fault(code) || code == ERR_DB_SLOW ? apply_singly(a, b, err) : code;
}
