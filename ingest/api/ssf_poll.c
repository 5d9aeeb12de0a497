#include "ingest/api/admin.h"
#include "ingest/api/poll_sets.h"
#include "ingest/api/polls.h"
#include "ingest/api/ssf.h"
#include "ingest/request/handle.h"
#include "schemas/api/ssf.h"
#include "sql/ask/query.h"

#include <string.h>

#define ACKS_MAX 1000 /* tokens that one poll acknowledges or reports */

static enum err_code read_done(json_t *body, struct poll_request *out, struct err *err) {
    size_t i;
    json_t *v;
    out->acks = json_object_get(body, "ack");
    out->errors = json_object_get(body, "setErrs");
    bool good = out->acks == NULL || (json_is_array(out->acks) && json_array_size(out->acks) <= ACKS_MAX);
    json_array_foreach(out->acks, i, v) good = good && json_is_string(v);
    if (!good)
        return err_set_path(err, ERR_INVALID_VALUE, "ack", "ack must be a list of at most %d jti", ACKS_MAX);
    if (out->errors != NULL && (!json_is_object(out->errors) || json_object_size(out->errors) > ACKS_MAX))
        return err_set_path(err, ERR_INVALID_VALUE, "setErrs", "setErrs must be an object of at most %d jti",
                            ACKS_MAX);
    return ERR_OK;
}

static enum err_code read_poll(json_t *body, struct poll_request *out, struct err *err) {
    const json_t *most = json_object_get(body, "maxEvents"),
                 *at_once = json_object_get(body, "returnImmediately");
    if (most != NULL && (!json_is_integer(most) || json_integer_value(most) < 0))
        return err_set_path(err, ERR_INVALID_VALUE, "maxEvents",
                            "maxEvents must be a whole number from 0 on");
    if (at_once != NULL && !json_is_boolean(at_once))
        return err_set_path(err, ERR_INVALID_VALUE, "returnImmediately",
                            "returnImmediately must be true or false");
    out->most = most != NULL && json_integer_value(most) < POLL_SETS_MAX ? (size_t)json_integer_value(most)
                                                                         : POLL_SETS_MAX;
    out->at_once = json_is_true(at_once);
    return read_done(body, out, err);
}

static enum step poll_begin(struct request *r) {
    struct poll_request *what = arena_alloc(r->arena, sizeof *what);
    struct err err = {0};
    json_t *body;
    *what = (struct poll_request){0};
    if (!uuid_parse(r->route.segment, &what->stream))
        return api_not_found(r, "Stream", r->route.segment);
    if (api_body(r, true, &body, &err) != ERR_OK || read_poll(body, what, &err) != ERR_OK)
        return handle_refuse(r, &err);
    r->work = what;
    struct db_query *q = api_query(r, QUERY_STREAMS);
    q->p[0] = r->verdict.key.s;
    q->p[1] = what->stream.s;
    return STEP_QUERY;
}

static bool is_polled(const struct db_query *q) {
    json_t *doc = json_loads(q->rows[0][COL_STREAM_DOC], 0, NULL);
    const char *method = json_string_value(json_object_get(json_object_get(doc, "stream"), "method"));
    bool polled = method != NULL && strcmp(method, SSF_POLL) == 0;
    json_decref(doc);
    return polled;
}

static enum step poll_on_rows(struct request *r) {
    const struct poll_request *what = r->work;
    struct err err = {0};
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Stream", r->route.segment);
    if (!is_polled(r->db_query)) {
        (void)err_set(&err, ERR_CONFLICT, "The events of this stream are pushed, not polled");
        return handle_refuse(r, &err);
    }
    return polls_enter(r->in->polls, r, what, &err) == ERR_OK ? STEP_ANSWERED : handle_refuse(r, &err);
}

const struct handler ssf_poll = {.begin = poll_begin, .on_rows = poll_on_rows};
