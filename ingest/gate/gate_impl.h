/* Inside of the gate: what gate.c (queue, threads, what happens when the database hangs), steps.c (one
 * request from step to step) and rounds.c (the round trips) share. */
#ifndef USHER_INGEST_GATE_GATE_IMPL_H
#define USHER_INGEST_GATE_GATE_IMPL_H

#include "ingest/gate/admission.h"
#include "ingest/request/request.h"
#include "sql/ask/command_log.h"

#include <pthread.h>

/* The hands of a gate thread: requests, sorted by what is done with them, in the order in which it is done.
 */
enum {
    HAND_FRESH,     /* to be admitted */
    HAND_REPEATS,   /* with an Idempotency-Key that must be claimed */
    HAND_BULKS,     /* they need rate units for their operations */
    HAND_CANCELS,   /* their deadline has passed */
    HAND_READS,     /* users, rooms, look-ups; what may take long goes on to the lists */
    HAND_QUERIES,   /* queries of handlers */
    HAND_QUESTIONS, /* questions of handlers, one round trip each */
    HAND_ANSWERS,   /* to be stored before they are sent */
    GATE_HANDS
};

struct hand {
    struct request *r[GATE_BATCH];
    size_t n;
};

struct gate_thread {
    struct gate *gate;
    struct ingest *in;
    struct db *db;         /* for admission and reads; see GATE_OPTIONS */
    struct db *durable_db; /* for what must be durable: cancellations, revocations, repeated requests */
    struct jbuf scratch;
    struct admission admission;
    /* While the thread is blocked in the database its hands do not change, and gate_tick may have stand-ins
     * answer the requests in them. */
    pthread_mutex_t lock;
    bool blocked;
    struct hand hand[GATE_HANDS];
    struct claim claims[GATE_BATCH]; /* of HAND_CANCELS */
    pthread_t thread;
};

void gate_add(struct hand *h, struct request *r);
struct hand *gate_hand(struct gate_thread *t, const struct request *r); /* the hand for r->job */
/* Around each round trip. gate_unblock takes requests out of the hands that a stand-in has answered
 * meanwhile. */
void gate_block(struct gate_thread *t);
void gate_unblock(struct gate_thread *t);

/* Begins with an admitted request, or gives it to a thread for large bodies. */
void gate_start(struct gate_thread *t, struct request *r);
/* What comes first: an Idempotency-Key is claimed, then the handler begins. Any thread. */
enum step gate_begin(struct request *r);
/* Publishes the command, or refuses if the reply would not be heard. Any thread. */
void gate_publish(struct ingest *in, struct request *r, struct jbuf *scratch);
/* Gives a request to the gate for a step that asks the database. Any thread. */
void gate_push_step(struct gate *g, struct request *r, enum step step);
/* Does what a handler has said. */
void gate_step(struct gate_thread *t, struct request *r, enum step step);

/* Does the rounds until all hands are empty. */
void gate_ask(struct gate_thread *t);

#endif
