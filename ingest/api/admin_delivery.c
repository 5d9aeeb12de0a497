/* Endpoints that events are delivered to over HTTP. */
#include "ingest/api/admin.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "schemas/api/credential.h"
#include "schemas/api/delivery.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/query.h"

#include <string.h>

_Static_assert(SEAL_KEY_SIZE == DELIVERY_SERVICE_SECRET, "secrets are sealed with the service's");

/* Kept until the secret is shown. */
struct new_secret {
    char shown[DELIVERY_SECRET_TEXT];
};

/* ---- what is shown ---- */

static void put_delivery(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row[COL_DELIVERY_ID]);
    jb_kstr(b, "name", row[COL_DELIVERY_NAME]);
    jb_kstr(b, "url", row[COL_DELIVERY_URL]);
    jb_kraw(b, "events", row[COL_DELIVERY_EVENTS]);
    jb_kstr(b, "signature", row[COL_DELIVERY_SIGNATURE]);
    jb_kstr(b, "prefix", row[COL_DELIVERY_PREFIX]);
    jb_kstr(b, "publicKey", row[COL_DELIVERY_PUBLIC_KEY]);
    api_put_time(b, "oldSecretUntil", db_cell_int(row[COL_DELIVERY_OLD_UNTIL]));
    jb_kstr(b, "state", row[COL_DELIVERY_STATE]);
    jb_kstr(b, "reason", row[COL_DELIVERY_REASON]);
    api_put_time(b, "created", db_cell_int(row[COL_DELIVERY_CREATED]));
    jb_kstr(b, "createdBy", row[COL_DELIVERY_CREATED_BY]);
    jb_kint(b, "delivered", db_cell_int(row[COL_DELIVERY_CURSOR]));
    jb_kint(b, "newest", db_cell_int(row[COL_DELIVERY_NEWEST]));
    api_put_time(b, "waitingSince", db_cell_int(row[COL_DELIVERY_WAITING]));
    jb_kint(b, "failures", db_cell_int(row[COL_DELIVERY_FAILURES]));
    api_put_time(b, "failingSince", db_cell_int(row[COL_DELIVERY_FAILING_SINCE]));
    api_put_time(b, "nextTry", db_cell_int(row[COL_DELIVERY_NEXT_TRY]));
    api_put_time(b, "lastSuccess", db_cell_int(row[COL_DELIVERY_SUCCEEDED]));
    jb_kint(b, "lost", db_cell_int(row[COL_DELIVERY_LOST]));
    jb_kstr(b, "receiver", row[COL_DELIVERY_RECEIVER]);
    jb_raw(b, "}");
}

static enum step query_one(struct request *r) {
    struct db_query *q = api_query(r, QUERY_DELIVERIES);
    q->p[0] = r->resource_id.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

static enum step show_one(struct request *r) {
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Delivery", r->resource_id.s);
    put_delivery(answer_begin(r, 200), r->db_query->rows[0]);
    return STEP_ANSWERED;
}

static enum step say_done(struct request *r) {
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}

/* ---- reads ---- */

static enum step list_begin(struct request *r) {
    return admin_list(r, "deliveries", QUERY_DELIVERIES, 1);
}
static enum step list_on_rows(struct request *r) {
    return admin_list_answer(r, "deliveries", COL_DELIVERY_ID, put_delivery);
}
const struct handler admin_delivery_list = {.begin = list_begin, .on_rows = list_on_rows};

static enum step get_begin(struct request *r) {
    return admin_id(r, "Delivery") ? query_one(r) : STEP_ANSWERED;
}
const struct handler admin_delivery_get = {.begin = get_begin, .on_rows = show_one};

static void put_attempt(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kint(b, "attempt", db_cell_int(row[COL_ATTEMPT_N]));
    api_put_time(b, "time", db_cell_int(row[COL_ATTEMPT_AT]));
    jb_kint(b, "number", db_cell_int(row[COL_ATTEMPT_NUMBER]));
    jb_kstr(b, "message", row[COL_ATTEMPT_EVENT]);
    jb_kstr(b, "type", row[COL_ATTEMPT_TYPE]);
    jb_kint(b, "status", db_cell_int(row[COL_ATTEMPT_STATUS]));
    jb_kstr(b, "error", row[COL_ATTEMPT_ERROR]);
    jb_kstr(b, "answer", row[COL_ATTEMPT_ANSWER]);
    jb_kint(b, "durationUs", db_cell_int(row[COL_ATTEMPT_DURATION]));
    api_put_time(b, "nextTry", db_cell_int(row[COL_ATTEMPT_NEXT_TRY]));
    jb_raw(b, "}");
}

static enum step attempts_begin(struct request *r) {
    if (!admin_id(r, "Delivery"))
        return STEP_ANSWERED;
    api_query(r, QUERY_DELIVERY_ATTEMPTS)->p[0] = r->resource_id.s;
    return STEP_QUERY;
}

static enum step attempts_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    if (q->nrows == 0)
        return api_not_found(r, "Delivery", r->resource_id.s);
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < q->nrows; i++)
        if (q->rows[i][COL_ATTEMPT_N] != NULL)
            put_attempt(b, q->rows[i]);
    jb_raw(b, "]}");
    return STEP_ANSWERED;
}
const struct handler admin_delivery_attempts = {.begin = attempts_begin, .on_rows = attempts_on_rows};

/* ---- secrets ---- */

/* Whether http is allowed is the worker's to say, who will use it. */
static enum err_code check_url(const json_t *url, struct err *err) {
    return delivery_check_url(json_is_string(url) ? json_string_value(url) : "", true, err);
}

/* Makes the secret, which is kept for the answer. */
static enum err_code make_secret(struct request *r, json_t *resource, const char *signature,
                                 struct err *err) {
    struct new_secret *s = arena_alloc(r->arena, sizeof *s);
    if (seal_key() == NULL)
        return err_set(err, ERR_UNAVAILABLE, "%s", "");
    delivery_secret_put(resource, signature, seal_key(), r->resource_id.s, s->shown);
    r->work = s;
    return ERR_OK;
}

/* Repeated under one txn, or after somebody else was faster, the stored secret is another one than ours. */
static enum step show_secret(struct request *r, int status) {
    const struct new_secret *s = r->work;
    const char *const *row = r->db_query->nrows > 0 ? r->db_query->rows[0] : NULL;
    char prefix[DELIVERY_PREFIX_SIZE];
    struct err err = {0};
    delivery_secret_prefix(s->shown, prefix);
    if (row == NULL || row[COL_DELIVERY_PREFIX] == NULL || strcmp(prefix, row[COL_DELIVERY_PREFIX]) != 0) {
        (void)err_set(
            &err, ERR_CONFLICT,
            "This was done already, by an earlier request, for delivery %s; its secret was shown in the "
            "answer to that one and cannot be shown again",
            r->resource_id.s);
        return handle_refuse(r, &err);
    }
    bool is_secret = strcmp(row[COL_DELIVERY_SIGNATURE], DELIVERY_SIGNATURE_HMAC) == 0;
    struct jbuf *b = answer_begin(r, status);
    r->answer.no_store = true;
    if (status == 201)
        r->answer.location = arena_printf(r->arena, "%s/admin/deliveries/%s", r->base, row[COL_DELIVERY_ID]);
    jb_raw(b, "{");
    jb_kstr(b, "secret", is_secret ? s->shown : NULL);
    jb_key(b, "delivery");
    put_delivery(b, row);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

/* ---- creation ---- */

static enum err_code read_state(const json_t *body, bool is_new, json_t *out, struct err *err) {
    const json_t *given = json_object_get(body, "state");
    const char *text = json_string_value(given);
    if (given == NULL)
        return ERR_OK;
    if (text == NULL || (strcmp(text, "enabled") != 0 && strcmp(text, "paused") != 0 &&
                         (is_new || strcmp(text, "disabled") != 0)))
        return err_set_path(err, ERR_INVALID_VALUE, "state", "state must be enabled%s paused%s",
                            is_new ? " or" : ",", is_new ? "" : " or disabled");
    jsonx_put(out, "state", json_string(text));
    return ERR_OK;
}

static enum err_code read_events(const json_t *body, json_t *out, struct err *err) {
    const json_t *given = json_object_get(body, "events");
    if (delivery_check_events(given, err) != ERR_OK)
        return err->code;
    if (given != NULL)
        jsonx_put(out, "events", jsonx_copy(given));
    return ERR_OK;
}

static enum err_code read_new(struct request *r, const json_t *body, json_t *out, struct err *err) {
    static const char *const members[] = {"name", "url", "events", "signature", "state", NULL};
    const json_t *given = json_object_get(body, "signature");
    const char *name, *signature = given != NULL ? json_string_value(given) : DELIVERY_SIGNATURE_HMAC;
    if (admin_members(body, members, err) != ERR_OK || admin_name(body, "endpoint", &name, err) != ERR_OK ||
        check_url(json_object_get(body, "url"), err) != ERR_OK || read_events(body, out, err) != ERR_OK ||
        read_state(body, true, out, err) != ERR_OK)
        return err->code;
    if (signature == NULL || (strcmp(signature, DELIVERY_SIGNATURE_HMAC) != 0 &&
                              strcmp(signature, DELIVERY_SIGNATURE_ED25519) != 0))
        return err_set_path(err, ERR_INVALID_VALUE, "signature", "signature must be hmac or ed25519");
    jsonx_put(out, "name", json_string(name));
    jsonx_put(out, "url", jsonx_copy(json_object_get(body, "url")));
    jsonx_put(out, "signature", json_string(signature));
    return make_secret(r, out, signature, err);
}

static enum step create_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *out;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    out = json_object();
    r->resource_id = uuid_v7();
    if (read_new(r, body, out, &err) != ERR_OK) {
        json_decref(out);
        return handle_refuse(r, &err);
    }
    return admin_publish(r, COMMAND_DELIVERY_CREATE, out);
}
static enum step create_on_reply(struct request *r) {
    r->resource_id = r->command->reply.id;
    return query_one(r);
}
static enum step create_on_rows(struct request *r) {
    return show_secret(r, 201);
}
const struct handler admin_delivery_create = {
    .begin = create_begin, .on_rows = create_on_rows, .on_reply = create_on_reply};

/* ---- changes ---- */

static enum err_code read_changes(const json_t *body, json_t *out, struct err *err) {
    static const char *const members[] = {"name", "url", "events", "state", NULL};
    const char *name;
    if (admin_members(body, members, err) != ERR_OK || read_events(body, out, err) != ERR_OK ||
        read_state(body, false, out, err) != ERR_OK)
        return err->code;
    if (json_object_get(body, "name") != NULL) {
        if (admin_name(body, "endpoint", &name, err) != ERR_OK)
            return err->code;
        jsonx_put(out, "name", json_string(name));
    }
    if (json_object_get(body, "url") != NULL) {
        if (check_url(json_object_get(body, "url"), err) != ERR_OK)
            return err->code;
        jsonx_put(out, "url", jsonx_copy(json_object_get(body, "url")));
    }
    return json_object_size(out) > 0
               ? ERR_OK
               : err_set(err, ERR_INVALID_VALUE,
                         "There is nothing to change: name one of name, url, events and state");
}

static enum step set_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *out;
    if (!admin_id(r, "Delivery"))
        return STEP_ANSWERED;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    out = json_object();
    if (read_changes(body, out, &err) == ERR_OK)
        return admin_publish(r, COMMAND_DELIVERY_SET, out);
    json_decref(out);
    return handle_refuse(r, &err);
}
const struct handler admin_delivery_set = {.begin = set_begin, .on_rows = show_one, .on_reply = query_one};

static enum step delete_begin(struct request *r) {
    return admin_id(r, "Delivery") ? admin_publish(r, COMMAND_DELIVERY_DELETE, NULL) : STEP_ANSWERED;
}
const struct handler admin_delivery_delete = {.begin = delete_begin, .on_reply = say_done};

/* ---- rotation ---- */

/* Kept until the secret is made. */
struct rotation {
    int64_t overlap_s;
};

static enum err_code read_overlap(const json_t *body, int64_t *seconds, struct err *err) {
    static const char *const members[] = {"overlapSeconds", NULL};
    const json_t *given = json_object_get(body, "overlapSeconds");
    *seconds = given != NULL ? json_integer_value(given) : DELIVERY_OVERLAP_S;
    if (admin_members(body, members, err) != ERR_OK)
        return err->code;
    if (given == NULL || (json_is_integer(given) && *seconds >= 0 && *seconds <= DELIVERY_OVERLAP_MAX_S))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "overlapSeconds",
                        "overlapSeconds must be a whole number from 0 to %d", DELIVERY_OVERLAP_MAX_S);
}

/* How it signs must be known before the secret is made. So the endpoint is read first. */
static enum step rotate_begin(struct request *r) {
    struct rotation *n = arena_alloc(r->arena, sizeof *n);
    struct err err = {0};
    json_t *body;
    if (!admin_id(r, "Delivery"))
        return STEP_ANSWERED;
    if (api_body(r, true, &body, &err) != ERR_OK || read_overlap(body, &n->overlap_s, &err) != ERR_OK)
        return handle_refuse(r, &err);
    r->work = n;
    return query_one(r);
}

static enum step rotate_publish(struct request *r) {
    const struct rotation *n = r->work;
    struct err err = {0};
    if (r->db_query->nrows == 0)
        return api_not_found(r, "Delivery", r->resource_id.s);
    json_t *out = json_object();
    credential_put_moment(out, "overlapUntil",
                          n->overlap_s > 0 ? clock_wall_us() + n->overlap_s * INT64_C(1000000) : 0);
    if (make_secret(r, out, r->db_query->rows[0][COL_DELIVERY_SIGNATURE], &err) == ERR_OK)
        return admin_publish(r, COMMAND_DELIVERY_ROTATE, out);
    json_decref(out);
    return handle_refuse(r, &err);
}

static enum step rotate_on_rows(struct request *r) {
    return r->command == NULL ? rotate_publish(r) : show_secret(r, 200);
}
const struct handler admin_delivery_rotate = {
    .begin = rotate_begin, .on_rows = rotate_on_rows, .on_reply = query_one};

/* ---- once more ---- */

static enum step test_begin(struct request *r) {
    if (!admin_id(r, "Delivery"))
        return STEP_ANSWERED;
    json_t *out = json_object();
    jsonx_put(out, "number", json_integer(0));
    return admin_publish(r, COMMAND_DELIVERY_REPLAY, out);
}
const struct handler admin_delivery_test = {.begin = test_begin, .on_reply = say_done};

static enum err_code read_replay(const json_t *body, json_t *out, struct err *err) {
    static const char *const members[] = {"since", "after", "number", NULL};
    const json_t *since = json_object_get(body, "since"), *after = json_object_get(body, "after"),
                 *number = json_object_get(body, "number");
    int64_t since_us;
    if (admin_members(body, members, err) != ERR_OK)
        return err->code;
    if ((since != NULL) + (after != NULL) + (number != NULL) != 1)
        return err_set(err, ERR_INVALID_VALUE, "Name exactly one of since, after and number");
    if (since != NULL && (!json_is_string(since) || !rfc3339_parse(json_string_value(since), &since_us)))
        return err_set_path(err, ERR_INVALID_VALUE, "since",
                            "since must be a time such as 2030-01-31T12:00:00Z");
    if (after != NULL && (!json_is_integer(after) || json_integer_value(after) < 0))
        return err_set_path(err, ERR_INVALID_VALUE, "after", "after must be the number of a message, or 0");
    if (number != NULL && (!json_is_integer(number) || json_integer_value(number) < 1))
        return err_set_path(err, ERR_INVALID_VALUE, "number", "number must be the number of a message");
    if (since != NULL)
        jsonx_put(out, "since", json_integer(since_us > 0 ? since_us : 0));
    else
        jsonx_put(out, after != NULL ? "after" : "number", jsonx_copy(after != NULL ? after : number));
    return ERR_OK;
}

static enum step replay_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *out;
    if (!admin_id(r, "Delivery"))
        return STEP_ANSWERED;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    out = json_object();
    if (read_replay(body, out, &err) == ERR_OK)
        return admin_publish(r, COMMAND_DELIVERY_REPLAY, out);
    json_decref(out);
    return handle_refuse(r, &err);
}
const struct handler admin_delivery_replay = {.begin = replay_begin, .on_reply = say_done};
