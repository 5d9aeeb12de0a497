#include "workers/apply/batch.h"

#include "schemas/stream/record_event.h"
#include "workers/apply/bulk_trial.h"
#include "workers/apply/checks.h"
#include "workers/apply/event.h"
#include "workers/apply/trial.h"
#include "workers/apply/verbs.h"

#include <assert.h>
#include <string.h>

/* One transaction over some deliveries of a batch. */
struct run {
    const struct apply *apply;
    struct batch *batch;
    struct unit *unit;
    struct rows *rows;
    int64_t now_us;
    bool committing; /* the commit was asked for: where its answer is lost, nobody knows */
    bool alone;      /* one delivery, which asked for that */
    bool goes_away;  /* the delivery at hand must be alone */
    size_t records;  /* of the deliveries so far */
};

/* Beyond so many records a transaction takes no further command. With what one command may change at once
 * besides (UNIT_SLICE_ROWS, three records each) they stay below 5,000. */
#define RECORDS_ENOUGH 2600

/* ---- one delivery ---- */

/* The outcome of what can never be stored, by which it is known when it is delivered again. */
static const char cannot_be_stored[] = "The command cannot be stored";

static void delivery_poison(struct delivery *delivery, const struct err *why) {
    delivery->decode_err = *why;
    delivery->poison = true;
}

/* Records that a version before has stored with the command, and that may not have been emitted: they go out
 * from where it stood when it was applied, once. */
static enum err_code delivery_inherit(const struct run *run, struct unit_workspace *w,
                                      struct delivery *delivery, const struct unit_claim *claim,
                                      struct err *err) {
    if (claim->records == NULL || claim->origin_partition != delivery->partition ||
        claim->origin_offset != delivery->offset ||
        delivery->offset < run->apply->places[delivery->partition].from_offset)
        return ERR_OK;
    unit_claim_emits(run->unit, w, delivery->command.txn.s);
    return record_list_decode(claim->records, run->batch->arena, &delivery->records, &delivery->traceparent,
                              err);
}

/* A command whose txn is known: the stored outcome is the answer. What it put on the streams is in the
 * outbox, or has gone out. */
static enum err_code delivery_repeat(const struct run *run, struct unit_workspace *w,
                                     struct delivery *delivery, const struct unit_claim *claim,
                                     struct err *err) {
    delivery->repeated = true;
    if (claim->cancelled || claim->outcome == NULL)
        return ERR_OK; /* an ingest cancelled it and has answered */
    if (reply_decode(claim->outcome, strlen(claim->outcome), &delivery->reply, err) != ERR_OK)
        return err->code;
    bool tried = delivery->reply.dry != NULL; /* else a document would be an old one */
    char *dry = tried ? arena_strdup(run->batch->arena, delivery->reply.dry) : NULL;
    char *doc =
        tried && delivery->reply.doc != NULL ? arena_strdup(run->batch->arena, delivery->reply.doc) : NULL;
    reply_clear(&delivery->reply);
    delivery->reply.dry = dry;
    delivery->reply.doc = doc;
    delivery->reply_due = true;
    return delivery_inherit(run, w, delivery, claim, err);
}

/* Whoever accepted the command without waiting is told its outcome by an event, and may ask for that. */
static const struct record *event_of_outcome(const struct delivery *delivery) {
    for (size_t i = 0; i < delivery->records.n; i++)
        if (strcmp(delivery->records.rows[i].ce_type, EVENT_ASYNC) == 0)
            return &delivery->records.rows[i];
    return NULL;
}

static void delivery_claim(const struct run *run, struct unit_workspace *w, struct delivery *delivery) {
    struct arena *a = unit_arena(run->unit);
    struct jbuf outcome = {0}, event = {0};
    struct reply stored = delivery->reply;
    const struct record *told = event_of_outcome(delivery);
    if (stored.dry == NULL)
        stored.doc = NULL; /* the document stands in its table */
    reply_encode(&stored, &outcome);
    if (told != NULL)
        record_list_encode(told, 1, delivery->traceparent, &event);
    unit_claim_set(run->unit, w, delivery->command.txn.s, command_type_text(delivery->command.type),
                   arena_strdup(a, outcome.p), told != NULL ? arena_strdup(a, event.p) : NULL);
    jb_free(&outcome);
    jb_free(&event);
}

/* What is no command has no txn: it is known by its place in the log. */
static struct uuid place_of(const struct delivery *delivery) {
    return uuid_of_place(delivery->time_us / 1000, delivery->partition, delivery->offset);
}

static enum err_code delivery_set_aside(const struct run *run, struct delivery *delivery, struct err *err) {
    struct unit_workspace *nobody = unit_want_workspace(run->unit, UUID_NIL);
    struct uuid place = place_of(delivery);
    const struct unit_claim *known = unit_claim(run->unit, nobody, place.s);
    if (known == NULL)
        return unit_error(run->unit, err);
    delivery->repeated = known->known;
    if (!known->known)
        unit_claim_set(run->unit, nobody, place.s, "deadletter", NULL, NULL);
    return ERR_OK;
}

static struct decision decision_of(const struct run *run, struct delivery *delivery) {
    const struct command *c = &delivery->command;
    struct unit_workspace *w = unit_want_workspace(run->unit, c->workspace.s);
    struct decision d = {.unit = run->unit,
                         .workspace = w,
                         .command = c,
                         .reply = &delivery->reply,
                         .now_us = run->now_us,
                         .command_partition = delivery->partition,
                         .command_offset = delivery->offset,
                         .alone = run->alone || run->batch->stepwise,
                         .crowd = run->batch->stepwise ? &run->batch->crowd : NULL};
    d.bounds = &run->apply->bounds;
    d.records = (struct record_context){.workspace = w->id,
                                        .txn = c->txn.s,
                                        .actor = &c->actor,
                                        .reason = c->reason,
                                        .traceparent = c->traceparent,
                                        .time_us = run->now_us,
                                        .epoch = w->epoch,
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

static void delivery_conclude(const struct run *run, struct delivery *delivery, struct decision *d) {
    if (d->err.code != ERR_OK)
        decision_refuse(d);
    event_outcome(d);
    delivery->reply_due = true;
    delivery->sliced = d->sliced;
    delivery->reply_waits = d->reply_waits;
    delivery_claim(run, d->workspace, delivery);
}

static void delivery_begin(struct delivery *delivery) {
    delivery->traceparent = delivery->command.traceparent;
    delivery->reply =
        (struct reply){.txn = delivery->command.txn, .code = ERR_OK, .id = delivery->command.id};
}

/* Does a command of the workspace stand before this one that is to be decided in steps? */
static bool stands_behind_steps(const struct run *run, const struct delivery *delivery) {
    for (const struct delivery *x = run->batch->deliveries; run->batch->has_steps && x < delivery; x++)
        if (x->steps && uuid_eq(&x->command.workspace, &delivery->command.workspace))
            return true;
    return false;
}

/* While a large command of a workspace is decided in steps, or its slices are under way, the workspace's
 * other commands wait. One that is known can be answered; the large one itself is, when all of it is done. */
static bool delivery_must_wait(const struct run *run, const struct unit_workspace *w,
                               const struct unit_claim *known, const struct delivery *delivery) {
    if (known->known)
        return strcmp(w->sliced, delivery->command.txn.s) == 0;
    return w->sliced[0] != '\0' || stands_behind_steps(run, delivery);
}

/* A command that is only tried is decided like any other, alone, and what it would have come to is noted.
 * Then its transaction is given up, as if it had to be alone, and the next one stores the outcome and nothing
 * else. */
static enum err_code delivery_try(struct run *run, struct delivery *delivery, struct decision *d,
                                  struct err *err) {
    run->goes_away = true;
    if (!d->alone)
        return ERR_OK;
    int64_t seats = d->workspace->seats_used;
    if (d->command->type == COMMAND_BULK_TRY)
        (void)bulk_trial_decide(d);
    else
        (void)verb_decide(d, &delivery->fault);
    if (unit_error(run->unit, err) != ERR_OK)
        return err->code;
    if (d->wants_steps) {
        run->goes_away = false;
        delivery->waits = delivery->steps = run->batch->has_steps = true;
        return ERR_OK;
    }
    delivery->tried = trial_text(d, seats, run->batch->arena);
    trial_show(d);
    delivery->tried_reply = delivery->reply;
    return ERR_OK;
}

static void put_trial_on_record(struct decision *d, const char *tried) {
    json_t *told = row_alive(d->workspace->state) ? json_loads(tried, 0, NULL) : NULL;
    const json_t *operations = json_object_get(told, "operations");
    if (operations != NULL)
        bulk_trial_audit(d, operations);
    else if (told != NULL) /* no workspace has no stream */
        trial_record(&d->records, d->command, told);
    json_decref(told);
}

static enum err_code delivery_conclude_trial(const struct run *run, struct delivery *delivery,
                                             struct decision *d, struct err *err) {
    delivery->reply = delivery->tried_reply;
    delivery->reply.dry = delivery->tried;
    put_trial_on_record(d, delivery->tried);
    delivery->reply_due = true;
    delivery_claim(run, d->workspace, delivery);
    return unit_error(run->unit, err);
}

static enum err_code delivery_apply(struct run *run, struct delivery *delivery, struct err *err) {
    struct decision d = decision_of(run, delivery);
    const struct unit_claim *known = unit_claim(run->unit, d.workspace, delivery->command.txn.s);
    if (known == NULL)
        return unit_error(run->unit, err);
    delivery->waits = delivery_must_wait(run, d.workspace, known, delivery);
    if (delivery->waits)
        return ERR_OK;
    if (known->known)
        return delivery_repeat(run, d.workspace, delivery, known, err);
    delivery_begin(delivery);
    if (delivery->command.dry)
        return delivery->tried == NULL ? delivery_try(run, delivery, &d, err)
                                       : delivery_conclude_trial(run, delivery, &d, err);
    (void)verb_decide(&d, &delivery->fault);
    if (unit_error(run->unit, err) != ERR_OK)
        return err->code;
    run->goes_away = d.wants_alone;
    if (d.wants_steps)
        delivery->waits = delivery->steps = run->batch->has_steps = true;
    if (run->goes_away || d.wants_steps)
        return ERR_OK;
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

static void announce(const struct run *run, struct delivery *delivery) {
    const struct command *c = &delivery->command;
    delivery->records.n = 0; /* an attempt before may have left some */
    delivery->reply_due = false;
    delivery->repeated = false;
    delivery->waits = delivery->steps = delivery->sliced = delivery->reply_waits = false;
    delivery_judge(delivery, run->apply->partitions);
    struct unit_workspace *w = unit_want_workspace(run->unit, delivery->poison ? UUID_NIL : c->workspace.s);
    if (delivery->poison) {
        unit_want_claim(run->unit, w, place_of(delivery).s);
        return;
    }
    check_announce(run->unit, w, c);
    /* Of what was tried only the outcome is left to store. */
    if (delivery->fault.code != ERR_OK || delivery->tried != NULL)
        return;
    if (c->type == COMMAND_BULK_TRY)
        bulk_trial_announce(run->unit, w, c);
    else
        verb_of(c->type)->announce(run->unit, w, c);
}

/* ---- the outbox ---- */

static void put_letter(const struct run *run, const struct delivery *delivery) {
    struct row_letter letter = {.offset = delivery->offset,
                                .why = delivery->decode_err.code,
                                .detail = err_text(&delivery->decode_err),
                                .key = delivery->key,
                                .key_len = delivery->key_len,
                                .value = delivery->value,
                                .value_len = delivery->value_len,
                                .time_us = run->now_us};
    rows_add_letter(run->rows, delivery->partition, &letter);
}

/* What a delivery puts on the streams. Of one that was known before that is nothing, or what a version
 * before has left. */
static void put_rows(const struct run *run, const struct delivery *delivery) {
    rows_carry(run->rows, delivery->partition);
    if (delivery->records.n > 0) {
        struct row_source source = {delivery->command.workspace.s, delivery->command.txn.s,
                                    delivery->traceparent, delivery->offset};
        rows_add(run->rows, delivery->partition, &source, delivery->records.rows, delivery->records.n);
    }
    if (delivery->poison && !delivery->repeated)
        put_letter(run, delivery);
}

static enum err_code run_commit(struct run *run, struct err *err) {
    rows_store(run->rows, run->unit);
    run->committing = true;
    if (unit_commit(run->unit, err) != ERR_OK)
        return err->code;
    run->apply->committed(run->apply->arg, rows_take(run->rows));
    return ERR_OK;
}

/* As many deliveries as one transaction may carry; *done: so many, from the first. A delivery that must be
 * alone ends the transaction before it. */
static enum err_code transact_some(struct run *run, size_t first, size_t n, size_t *done, struct err *err) {
    for (size_t i = first; i < first + n; i++)
        announce(run, &run->batch->deliveries[i]);
    enum err_code code = unit_begin(run->unit, err);
    size_t i = first;
    for (; code == ERR_OK && i < first + n && run->records < RECORDS_ENOUGH; i++) {
        struct delivery *delivery = &run->batch->deliveries[i];
        code = delivery->poison ? delivery_set_aside(run, delivery, err) : delivery_apply(run, delivery, err);
        if (code == ERR_OK && run->goes_away)
            break;
        put_rows(run, delivery);
        run->records += delivery->records.n + 1;
    }
    *done = i - first;
    return code == ERR_OK && *done > 0 ? run_commit(run, err) : code;
}

/* Stores a command that cannot be applied as refused for good. poison: its dead letter goes out with it, for
 * this reason; NULL: it has none. */
static enum err_code transact_refusal(struct run *run, struct delivery *delivery, const struct err *why,
                                      const struct err *poison, struct err *err) {
    delivery->records.n = 0;
    struct unit_workspace *w = unit_want_workspace(run->unit, delivery->command.workspace.s);
    unit_want_claim(run->unit, w, delivery->command.txn.s);
    if (unit_begin(run->unit, err) != ERR_OK)
        return err->code;
    struct decision d = decision_of(run, delivery);
    delivery_begin(delivery);
    d.err = *why;
    delivery_conclude(run, delivery, &d);
    if (poison != NULL)
        delivery_poison(delivery, poison);
    put_rows(run, delivery);
    return run_commit(run, err);
}

static struct run run_new(const struct apply *a, struct batch *b) {
    return (struct run){.apply = a,
                        .batch = b,
                        .unit = unit_new(a->store),
                        .rows = rows_new(a->places),
                        .now_us = a->now_us()};
}

static void run_free(struct run *run) {
    unit_free(run->unit);
    rows_free(run->rows);
}

/* ---- the batch ---- */

/* One transaction, again and again while the database asks for it. Not where the answer to a commit was lost:
 * which rows there are is to be asked first. */
static enum err_code apply_part(const struct apply *a, struct batch *b, size_t first, size_t n, bool alone,
                                size_t *done, bool *goes_away, struct err *err) {
    for (int tries = 1;; tries++) {
        struct run run = run_new(a, b);
        run.alone = alone;
        enum err_code code = transact_some(&run, first, n, done, err);
        bool unknown = code == ERR_DB_LOST && run.committing;
        *goes_away = run.goes_away;
        run_free(&run);
        if (err_class(code) != ERR_CLASS_RETRY || code == ERR_DB_FENCED || unknown ||
            !a->again(a->arg, tries))
            return code;
    }
}

/* Transaction by transaction. One that ended before a command which must be alone is followed by that one. */
static enum err_code apply_some(const struct apply *a, struct batch *b, size_t first, size_t n,
                                struct err *err) {
    enum err_code code = ERR_OK;
    bool alone = false;
    while (n > 0 && code == ERR_OK) {
        size_t done = 0;
        code = apply_part(a, b, first, alone ? 1 : n, alone, &done, &alone, err);
        first += done;
        n -= done;
    }
    return code;
}

static enum err_code apply_refusal(const struct apply *a, struct batch *b, struct delivery *delivery,
                                   const struct err *why, const struct err *poison, struct err *err) {
    struct run run = run_new(a, b);
    enum err_code code = transact_refusal(&run, delivery, why, poison, err);
    run_free(&run);
    return code;
}

static enum err_code apply_poison(const struct apply *a, struct batch *b, struct delivery *delivery,
                                  const struct err *why, struct err *err) {
    struct err said = {0};
    (void)err_set(&said, ERR_INTERNAL, "%s", cannot_be_stored);
    return apply_refusal(a, b, delivery, &said, why, err);
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
    return code == ERR_DB_SLOW ? apply_refusal(a, b, delivery, &said, NULL, err) : code;
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
