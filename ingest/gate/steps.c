#include "ingest/api/oauth.h"
#include "ingest/gate/gate_impl.h"
#include "ingest/gate/idempotency.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/request/answer.h"
#include "ingest/scim/async.h"
#include "ingest/scim/bulk.h"
#include "ingest/scim/discovery.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"

static void refuse(struct request *r, const struct err *err) {
    answer_err(r, err);
    request_finish(r);
}

void gate_publish(struct gate_thread *t, struct request *r) {
    if (replies_polled(t->in->replies)) {
        publish_request(t->in->publish, r, &t->scratch);
        return;
    }
    answer_error(r, ERR_UNAVAILABLE, NULL); /* nobody would hear the outcome */
    request_finish(r);
}

void gate_step(struct gate_thread *t, struct request *r, enum api_step step) {
    switch (step) {
    case API_ANSWERED:
        request_finish(r);
        break;
    case API_QUERY:
        gate_add(&t->hand[HAND_QUERIES], r);
        break;
    case API_REVOKE:
        gate_add(&t->hand[HAND_REVOKES], r);
        break;
    case API_PUBLISH:
        gate_publish(t, r);
        break;
    }
}

static void start_write(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (write_prepare(r, &err) != ERR_OK) {
        if (write_seek_duplicate(r, &err))
            gate_add(&t->hand[HAND_READS], r);
        else
            refuse(r, &err);
    } else if (write_asks_existence(r)) {
        read_existence(r);
        gate_add(&t->hand[HAND_READS], r);
    } else {
        gate_publish(t, r);
    }
}

static void start_read(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (read_prepare(r, &err) != ERR_OK)
        refuse(r, &err);
    else
        gate_add(&t->hand[HAND_READS], r);
}

static void start_question(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (async_prepare(r, &err) != ERR_OK)
        refuse(r, &err);
    else
        gate_add(&t->hand[HAND_QUESTIONS], r);
}

void gate_dispatch(struct gate_thread *t, struct request *r) {
    if (r->route.method == HTTP_OPTIONS) {
        answer_options(r);
        request_finish(r);
        return;
    }
    switch (r->route.kind) {
    case ROUTE_COLLECTION:
    case ROUTE_RESOURCE:
    case ROUTE_ROOT:
    case ROUTE_SEARCH:
        if (route_reads(&r->route))
            start_read(t, r);
        else
            start_write(t, r);
        break;
    case ROUTE_BULK:
        bulk_start(r);
        break;
    case ROUTE_STEPS:
        gate_step(t, r, api_begin(r));
        break;
    case ROUTE_TOKEN:
        oauth_answer(r);
        request_finish(r);
        break;
    case ROUTE_ASYNC_RESULT:
        start_question(t, r);
        break;
    default:
        discovery_answer(r);
        request_finish(r);
    }
}

void gate_start(struct gate_thread *t, struct request *r) {
    struct err err = {0};
    if (!idempotency_wanted(r))
        gate_dispatch(t, r);
    else if (idempotency_prepare(r, &err) != ERR_OK)
        refuse(r, &err);
    else
        gate_add(&t->hand[HAND_REPEATS], r);
}
