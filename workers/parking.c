#include "workers/parking.h"

#include "ops/runtime/mem.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parked {
    int64_t offset, time_us;
    char *key, *value;
    size_t key_len, value_len;
    struct parked *next;
};

/* One workspace: its slices are under way, or commands of it wait, or both. */
struct lot {
    char workspace[37];
    int32_t partition;
    bool slices;
    bool stepwise;       /* the first of those that wait is decided in steps */
    struct batch *steps; /* that one, once a step was due */
    struct delivery *reply;
    struct parked *first, **last;
    int64_t last_offset;
    struct lot *next;
};

struct parking {
    struct lot *lots, **end;
    size_t slices, steps, waiting, bytes;
    bool full;
};

struct parking *parking_new(void) {
    struct parking *p = xcalloc(1, sizeof *p);
    p->end = &p->lots;
    return p;
}

static struct lot *lot_of(const struct parking *p, const char *workspace) {
    struct lot *l = p->lots;
    while (l != NULL && strcmp(l->workspace, workspace) != 0)
        l = l->next;
    return l;
}

static void append(struct parking *p, struct lot *l) {
    l->next = NULL;
    *p->end = l;
    p->end = &l->next;
}

static struct lot *lot_made(struct parking *p, int32_t partition, const char *workspace) {
    struct lot *l = lot_of(p, workspace);
    if (l != NULL)
        return l;
    l = xcalloc(1, sizeof *l);
    snprintf(l->workspace, sizeof l->workspace, "%s", workspace);
    l->partition = partition;
    l->last = &l->first;
    append(p, l);
    return l;
}

static struct lot *lot_taken_out(struct parking *p, struct lot **at) {
    struct lot *l = *at;
    *at = l->next;
    if (*at == NULL)
        p->end = at;
    return l;
}

static void parked_free(struct parked *x) {
    free(x->key);
    free(x->value);
    free(x);
}

static struct parked *lot_shift(struct parking *p, struct lot *l) {
    struct parked *x = l->first;
    l->first = x->next;
    if (l->first == NULL)
        l->last = &l->first;
    p->waiting--;
    p->bytes -= x->key_len + x->value_len;
    return x;
}

static void lot_end_steps(struct parking *p, struct lot *l) {
    p->steps -= l->stepwise;
    l->stepwise = false;
    batch_free(l->steps);
    l->steps = NULL;
}

static void lot_free(struct parking *p, struct lot *l) {
    lot_end_steps(p, l);
    while (l->first != NULL)
        parked_free(lot_shift(p, l));
    p->slices -= l->slices;
    parking_reply_free(l->reply);
    free(l);
}

void parking_free(struct parking *p) {
    while (p->lots != NULL)
        lot_free(p, lot_taken_out(p, &p->lots));
    free(p);
}

/* ---- slices ---- */

/* What replies.c needs of it. */
static struct delivery *reply_kept(const struct delivery *d) {
    struct delivery *copy = xcalloc(1, sizeof *copy);
    copy->reply = d->reply;
    copy->reply.doc = d->reply.doc != NULL ? xstrdup(d->reply.doc) : NULL;
    copy->reply_due = true;
    copy->command.workspace = d->command.workspace;
    copy->command.txn = d->command.txn;
    copy->command.reply_partition = d->command.reply_partition;
    copy->command.replies_together = d->command.replies_together;
    return copy;
}

void parking_reply_free(struct delivery *reply) {
    if (reply == NULL)
        return;
    free(reply->reply.doc);
    free(reply);
}

void parking_begin(struct parking *p, int32_t partition, const char *workspace,
                   const struct delivery *reply) {
    struct lot *l = lot_made(p, partition, workspace);
    p->slices += !l->slices;
    l->slices = true;
    if (reply != NULL && l->reply == NULL)
        l->reply = reply_kept(reply);
}

static void remove_if_empty(struct parking *p, struct lot **at) {
    if (!(*at)->slices && (*at)->first == NULL)
        lot_free(p, lot_taken_out(p, at));
}

static struct lot **lot_place(struct parking *p, const char *workspace) {
    struct lot **at = &p->lots;
    while (*at != NULL && strcmp((*at)->workspace, workspace) != 0)
        at = &(*at)->next;
    return at;
}

struct delivery *parking_end(struct parking *p, const char *workspace) {
    struct lot **at = lot_place(p, workspace);
    if (*at == NULL)
        return NULL;
    struct delivery *reply = (*at)->reply;
    (*at)->reply = NULL;
    p->slices -= (*at)->slices;
    (*at)->slices = false;
    remove_if_empty(p, at);
    return reply;
}

/* ---- commands that wait ---- */

bool parking_holds(const struct parking *p, const char *workspace) {
    return lot_of(p, workspace) != NULL;
}

static char *copy_of(const char *bytes, size_t n) {
    char *copy = xmalloc(n + 1);
    if (n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

/* In the order of the log: what was taken out and must wait again comes before what has come since. */
static void lot_put(struct lot *l, struct parked *x) {
    struct parked **at = l->first == NULL || l->last_offset < x->offset ? l->last : &l->first;
    while (*at != NULL && (*at)->offset < x->offset)
        at = &(*at)->next;
    x->next = *at;
    *at = x;
    if (x->next == NULL) {
        l->last = &x->next;
        l->last_offset = x->offset;
    }
}

void parking_add(struct parking *p, const struct delivery *d) {
    struct lot *l = lot_made(p, d->partition, d->command.workspace.s);
    struct parked *x = xcalloc(1, sizeof *x);
    *x = (struct parked){.offset = d->offset,
                         .time_us = d->time_us,
                         .key = copy_of(d->key, d->key_len),
                         .value = copy_of(d->value, d->value_len),
                         .key_len = d->key_len,
                         .value_len = d->value_len};
    lot_put(l, x);
    p->waiting++;
    p->bytes += x->key_len + x->value_len;
}

/* It was decoded before. */
static void batch_take_in(struct batch *b, const struct lot *l, const struct parked *x) {
    struct err err = {0};
    rd_kafka_message_t m = {.partition = l->partition,
                            .offset = x->offset,
                            .key = x->key,
                            .key_len = x->key_len,
                            .payload = x->value,
                            .len = x->value_len};
    if (batch_add(b, &m, x->time_us, &err) != ERR_OK)
        abort();
}

struct batch *parking_take(struct parking *p, size_t max) {
    struct batch *b = NULL;
    for (struct lot **at = &p->lots; *at != NULL;) {
        struct lot *l = *at;
        while (!l->slices && !l->stepwise && l->first != NULL && (b == NULL || b->n < max)) {
            struct parked *x = lot_shift(p, l);
            b = b != NULL ? b : batch_new();
            batch_take_in(b, l, x);
            parked_free(x);
        }
        remove_if_empty(p, at);
        at = *at == l ? &l->next : at;
    }
    return b;
}

/* ---- turns ---- */

void parking_step_by_step(struct parking *p, const struct delivery *d) {
    struct lot *l = lot_of(p, d->command.workspace.s);
    assert(l != NULL && l->first != NULL && l->first->offset == d->offset);
    p->steps += !l->stepwise;
    l->stepwise = true;
}

static struct batch *lot_steps(struct lot *l) {
    if (l->steps == NULL) {
        l->steps = batch_new();
        l->steps->stepwise = true;
        batch_take_in(l->steps, l, l->first);
    }
    return l->steps;
}

/* Whose turn it is goes to the end. */
struct parking_turn parking_turn(struct parking *p) {
    struct lot **at = &p->lots;
    while (*at != NULL && !(*at)->slices && !(*at)->stepwise)
        at = &(*at)->next;
    if (*at == NULL)
        return (struct parking_turn){.partition = -1};
    struct lot *l = lot_taken_out(p, at);
    append(p, l);
    return (struct parking_turn){l->workspace, l->partition, l->slices ? NULL : lot_steps(l)};
}

struct batch *parking_decided(struct parking *p, const char *workspace) {
    struct lot **at = lot_place(p, workspace);
    struct lot *l = *at;
    struct batch *b = l->steps;
    l->steps = NULL;
    lot_end_steps(p, l);
    parked_free(lot_shift(p, l));
    remove_if_empty(p, at);
    return b;
}

void parking_not_decided(struct parking *p, const char *workspace) {
    lot_end_steps(p, *lot_place(p, workspace));
}

int64_t parking_first(const struct parking *p, int32_t partition) {
    int64_t first = INT64_MAX;
    for (const struct lot *l = p->lots; l != NULL; l = l->next)
        if (l->partition == partition && l->first != NULL && l->first->offset < first)
            first = l->first->offset;
    return first;
}

void parking_drop(struct parking *p, int32_t partition) {
    for (struct lot **at = &p->lots; *at != NULL;) {
        if ((*at)->partition == partition)
            lot_free(p, lot_taken_out(p, at));
        else
            at = &(*at)->next;
    }
}

size_t parking_slices(const struct parking *p) {
    return p->slices;
}

size_t parking_steps(const struct parking *p) {
    return p->steps;
}

size_t parking_waiting(const struct parking *p) {
    return p->waiting;
}

bool parking_full(struct parking *p) {
    bool over = p->waiting >= PARKING_COMMANDS || p->bytes >= PARKING_BYTES;
    bool under = p->waiting <= PARKING_COMMANDS / 2 && p->bytes <= PARKING_BYTES / 2;
    p->full = over || (p->full && !under);
    return p->full;
}
