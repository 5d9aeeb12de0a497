#include "ingest/gate/gate.h"
#include "ingest/gate/gate_impl.h"
#include "ingest/gate/idempotency.h"
#include "ingest/gate/large.h"
#include "ingest/gate/lists.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"

#include <assert.h>

void gate_publish(struct ingest *in, struct request *r, struct jbuf *scratch) {
    if (replies_polled(in->replies)) {
        publish_request(in->publish, r, scratch);
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
        if (r->question->is_long)
            lists_push(t->in->lists, r);
        else
            gate_add(&t->hand[HAND_QUESTIONS], r);
        break;
    case STEP_CLAIM:
        gate_add(&t->hand[HAND_REPEATS], r);
        break;
    case STEP_PUBLISH:
        gate_publish(t->in, r, &t->scratch);
        break;
    case STEP_GONE:
        break;
    }
}

static enum request_job job_of(enum step step) {
    switch (step) {
    case STEP_CLAIM:
        return JOB_CLAIM;
    case STEP_QUERY:
        return JOB_QUERY;
    case STEP_ASK:
        return JOB_ASK;
    case STEP_READ:
    case STEP_ANSWERED:
    case STEP_PUBLISH:
    case STEP_GONE:
        break;
    }
    assert(step == STEP_READ);
    return JOB_READ;
}

void gate_push_step(struct gate *g, struct request *r, enum step step) {
    r->job = job_of(step);
    request_enter(r, REQUEST_GATE);
    gate_push(g, r);
}

/* After a reply nothing is left to do but to show the result, so the next step can only be a read. */
void gate_replied(struct request *r) {
    enum step step = handle_reply(r);
    if (step == STEP_ANSWERED) {
        request_finish(r);
        return;
    }
    assert(step == STEP_READ || step == STEP_QUERY);
    r->job = job_of(step);
    gate_push(r->in->gate, r);
}

enum step gate_begin(struct request *r) {
    struct err err = {0};
    if (r->repeat != NULL || !idempotency_is_asked(r))
        return r->handler->begin(r);
    return idempotency_prepare(r, &err) == ERR_OK ? STEP_CLAIM : handle_refuse(r, &err);
}

void gate_start(struct gate_thread *t, struct request *r) {
    if (r->body.n > BODY_LARGE)
        large_push(t->in->large, r);
    else
        gate_step(t, r, gate_begin(r));
}
