#include "ingest/gate/gate.h"
#include "ingest/gate/gate_impl.h"
#include "ingest/gate/idempotency.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"

#include <assert.h>

static void publish_or_refuse(struct gate_thread *t, struct request *r) {
    if (replies_polled(t->in->replies)) {
        publish_request(t->in->publish, r, &t->scratch);
        return;
    }
    answer_error(r, ERR_UNAVAILABLE, NULL); /* this instance would not hear the reply */
    request_finish(r);
}

void gate_step(struct gate_thread *t, struct request *r, enum step step) {
    switch (step) {
    case STEP_ANSWERED:
        request_finish(r);
        break;
    case STEP_READ:
        gate_add(&t->hand[HAND_READS], r);
        break;
    case STEP_QUERY:
        gate_add(&t->hand[HAND_QUERIES], r);
        break;
    case STEP_ASK:
        gate_add(&t->hand[HAND_QUESTIONS], r);
        break;
    case STEP_PUBLISH:
        publish_or_refuse(t, r);
        break;
    case STEP_GONE:
        break;
    }
}

/* After a reply nothing is left to do but to show the result, so the next step can only be a read. */
void gate_replied(struct request *r) {
    enum step step = handle_reply(r);
    if (step == STEP_ANSWERED) {
        request_finish(r);
        return;
    }
    assert(step == STEP_READ || step == STEP_QUERY);
    r->job = step == STEP_READ ? JOB_READ : JOB_QUERY;
    gate_push(r->in->gate, r);
}

void gate_start(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (!idempotency_is_asked(r))
        gate_step(t, r, r->handler->begin(r));
    else if (idempotency_prepare(r, &err) != ERR_OK)
        gate_step(t, r, handle_refuse(r, &err));
    else
        gate_add(&t->hand[HAND_REPEATS], r);
}
