/* Inside of the gate: what gate.c (queue, threads, what happens when the database hangs), steps.c (one
 * request from step to step) and rounds.c (the round trips) share. */
#ifndef USHER_INGEST_GATE_GATE_IMPL_H
#define USHER_INGEST_GATE_GATE_IMPL_H

#include "ingest/gate/admission.h"
#include "ingest/request/request.h"
#include "sql/ask/command_log.h"

#include <pthread.h>

/* What a gate thread has in hand, by what is to be done with it; in the order in which it is done. */
enum {
    HAND_FRESH,     /* to be admitted */
    HAND_REPEATS,   /* with an Idempotency-Key: to be claimed */
    HAND_BULKS,     /* the units of their operations */
    HAND_CANCELS,   /* their deadline has passed */
    HAND_READS,     /* users, rooms, look-ups */
    HAND_LISTS,     /* lists that may read much */
    HAND_QUERIES,   /* what handlers ask the database */
    HAND_QUESTIONS, /* what they ask in a round trip of its own */
    HAND_ANSWERS,   /* to be kept before they are sent */
    GATE_HANDS
};

struct hand {
    struct request *r[GATE_BATCH];
    size_t n;
};

struct gate_thread {
    struct gate *gate;
    struct ingest *in;
    struct db *db;         /* admission and reads: synchronous_commit=off, for the rate counters */
    struct db *durable_db; /* cancellations, revocations, repeated requests */
    struct jbuf scratch;
    struct admission admission;
    /* While it is blocked in the database the lists stand still, and gate_tick may answer what is in them in
     * its stead. */
    pthread_mutex_t lock;
    bool blocked;
    struct hand hand[GATE_HANDS];
    struct claim claims[GATE_BATCH]; /* of the cancels */
    pthread_t thread;
};

void gate_add(struct hand *h, struct request *r);
struct hand *gate_hand(struct gate_thread *t, const struct request *r); /* by its job */
/* Back to the queue, for another thread to take. */
void gate_give_back(struct gate *g, struct request *const *list, size_t n, enum request_job job);
/* Around each round trip. After it what was answered meanwhile is gone from the hands. */
void gate_block(struct gate_thread *t);
void gate_unblock(struct gate_thread *t);

/* An admitted request: begins with it, once its Idempotency-Key, if any, is claimed. */
void gate_start(struct gate_thread *t, struct request *r);
/* Carries out what a handler has said. */
void gate_step(struct gate_thread *t, struct request *r, enum step step);

/* All that is in hand, until nothing is. */
void gate_ask(struct gate_thread *t);

#endif
