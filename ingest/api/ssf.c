#include "ingest/api/ssf.h"

#include "ingest/api/admin.h"
#include "ingest/api/form.h"
#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "schemas/api/delivery.h"
#include "schemas/api/ssf.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/query.h"

#include <string.h>

/* Kept from one step to the next. */
struct stream_work {
    json_t *body;
};

/* ---- the form ---- */

/* The framework has no form of its own for errors: they are those of the Management API. */
static void ssf_error(struct request *r, const char *detail, const char *path) {
    struct answer *a = &r->answer;
    a->content_type = PROBLEM_JSON;
    a->no_store = true;
    problem_put(&a->body, a->code, detail, r->txn.s, path);
}

const struct form ssf_form = {
    .name = "the signals API",
    .prefix = SSF_PREFIX,
    .reason = "api",
    .type = PLAIN_JSON,
    .error = ssf_error,
    .challenge = answer_bearer_challenge,
};

const char *ssf_issuer(const struct request *r) {
    return arena_strndup(r->arena, r->base, strlen(r->base) - strlen(SSF_PREFIX));
}

/* ---- looking for streams ---- */

static struct stream_work *work_of(struct request *r) {
    if (r->work == NULL) {
        struct stream_work *w = arena_alloc(r->arena, sizeof *w);
        *w = (struct stream_work){0};
        r->work = w;
    }
    return r->work;
}

static enum step stream_query(struct request *r, bool one) {
    struct db_query *q = api_query(r, QUERY_STREAMS);
    q->p[0] = r->verdict.key.s;
    q->p[1] = one ? r->resource_id.s : NULL;
    return STEP_QUERY;
}

static enum step stream_ask(struct request *r) {
    return stream_query(r, true);
}

/* Another receiver's stream is not there either. */
static enum step no_stream(struct request *r, const char *id) {
    return api_not_found(r, "Stream", id);
}

static enum step seek_named(struct request *r, const char *id) {
    struct err err = {0};
    if (id == NULL || id[0] == '\0') {
        (void)err_set_path(&err, ERR_INVALID_VALUE, "stream_id", "stream_id says which stream");
        return handle_refuse(r, &err);
    }
    return uuid_parse(id, &r->resource_id) ? stream_query(r, true) : no_stream(r, id);
}

static enum step seek_by_query(struct request *r) {
    return seek_named(r, query_get(&r->query, "stream_id"));
}

static enum step seek_by_body(struct request *r) {
    struct err err = {0};
    struct stream_work *w = work_of(r);
    if (api_body(r, false, &w->body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    const json_t *id = json_object_get(w->body, "stream_id");
    return seek_named(r, json_is_string(id) ? json_string_value(id) : NULL);
}

/* The row that was asked for; NULL: there is none, and 404 is answered. */
static json_t *found_doc(struct request *r) {
    const struct db_query *q = r->db_query;
    if (q->nrows == 0) {
        (void)no_stream(r, r->resource_id.s);
        return NULL;
    }
    json_t *doc = json_loads(q->rows[0][COL_STREAM_DOC], 0, NULL);
    content_keep(r, doc);
    return doc;
}

/* ---- answers ---- */

static struct jbuf *ssf_begin(struct request *r, int status) {
    struct jbuf *b = answer_begin(r, status);
    r->answer.no_store = true;
    return b;
}

static enum step show_stream(struct request *r, int status) {
    json_t *doc = found_doc(r);
    if (doc != NULL)
        ssf_put_stream(ssf_begin(r, status), r->db_query->rows[0][COL_STREAM_ID], doc);
    return STEP_ANSWERED;
}

static enum step show_status(struct request *r) {
    json_t *doc = found_doc(r);
    if (doc == NULL)
        return STEP_ANSWERED;
    const json_t *reason = json_object_get(doc, "reason");
    struct jbuf *b = ssf_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "stream_id", r->db_query->rows[0][COL_STREAM_ID]);
    jb_kstr(b, "status", json_string_value(json_object_get(doc, "state")));
    if (json_is_string(reason))
        jb_kstr(b, "reason", json_string_value(reason));
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

static enum step say_nothing(struct request *r) {
    answer_no_content(r, 0);
    r->answer.no_store = true;
    return STEP_ANSWERED;
}

static enum step say_taken(struct request *r) {
    (void)ssf_begin(r, 200);
    r->answer.content_type = NULL; /* nothing is no JSON */
    return STEP_ANSWERED;
}

/* ---- what a command carries ---- */

/* Reads the receiver's members. A poll's URL is ours; an Authorization header is sealed for its stream. */
static enum err_code take_members(struct request *r, const json_t *body, bool whole, bool is_new, json_t *out,
                                  struct err *err) {
    const char *header;
    if (seal_key() == NULL)
        return err_set(err, ERR_UNAVAILABLE, "%s", "");
    if (ssf_read(body, whole, is_new, out, &header, err) != ERR_OK)
        return err->code;
    if (json_object_get(out, "method") != NULL && json_object_get(out, "url") == NULL)
        jsonx_put(out, "url", json_string(arena_printf(r->arena, "%s/poll/%s", r->base, r->resource_id.s)));
    if (header != NULL) {
        struct jbuf sealed = {0};
        delivery_text_seal(header, seal_key(), r->resource_id.s, &sealed);
        jsonx_put(out, "secret", json_string(sealed.n > 0 ? sealed.p : ""));
        jb_free(&sealed);
    }
    return ERR_OK;
}

/* ---- create, read, delete ---- */

static enum step create_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *out;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    out = json_object();
    r->resource_id = uuid_v7();
    if (take_members(r, body, true, true, out, &err) != ERR_OK) {
        json_decref(out);
        return handle_refuse(r, &err);
    }
    jsonx_put(out, "kind", json_string(SSF_KIND));
    jsonx_put(out, "iss", json_string(ssf_issuer(r)));
    if (json_object_get(out, "aud") == NULL)
        jsonx_put(out, "aud", json_string(r->verdict.key.s));
    return admin_publish(r, COMMAND_DELIVERY_CREATE, out);
}
static enum step create_on_reply(struct request *r) {
    r->resource_id = r->command->reply.id;
    return stream_ask(r);
}
static enum step create_on_rows(struct request *r) {
    return show_stream(r, 201);
}
const struct handler ssf_create = {
    .begin = create_begin, .on_rows = create_on_rows, .on_reply = create_on_reply};

static enum step read_begin(struct request *r) {
    return query_get(&r->query, "stream_id") != NULL ? seek_by_query(r) : stream_query(r, false);
}
static enum step read_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    if (query_get(&r->query, "stream_id") != NULL)
        return show_stream(r, 200);
    struct jbuf *b = ssf_begin(r, 200);
    jb_raw(b, "[");
    for (size_t i = 0; i < q->nrows; i++) {
        json_t *doc = json_loads(q->rows[i][COL_STREAM_DOC], 0, NULL);
        jb_sep(b);
        ssf_put_stream(b, q->rows[i][COL_STREAM_ID], doc);
        json_decref(doc);
    }
    jb_raw(b, "]");
    return STEP_ANSWERED;
}
const struct handler ssf_read_streams = {.begin = read_begin, .on_rows = read_on_rows};

static enum step delete_on_rows(struct request *r) {
    return found_doc(r) != NULL ? admin_publish(r, COMMAND_DELIVERY_DELETE, NULL) : STEP_ANSWERED;
}
const struct handler ssf_delete = {
    .begin = seek_by_query, .on_rows = delete_on_rows, .on_reply = say_nothing};

/* ---- update and replace ---- */

static enum step change_on_rows(struct request *r, bool whole) {
    struct err err = {0};
    if (r->command != NULL)
        return show_stream(r, 200);
    const json_t *body = work_of(r)->body;
    json_t *doc = found_doc(r), *out;
    if (doc == NULL)
        return STEP_ANSWERED;
    out = json_object();
    if (ssf_agrees(body, r->resource_id.s, doc, &err) == ERR_OK &&
        take_members(r, body, whole, false, out, &err) == ERR_OK)
        return admin_publish(r, COMMAND_DELIVERY_SET, out);
    json_decref(out);
    return handle_refuse(r, &err);
}
static enum step update_on_rows(struct request *r) {
    return change_on_rows(r, false);
}
static enum step replace_on_rows(struct request *r) {
    return change_on_rows(r, true);
}
const struct handler ssf_update = {.begin = seek_by_body, .on_rows = update_on_rows, .on_reply = stream_ask};
const struct handler ssf_replace = {
    .begin = seek_by_body, .on_rows = replace_on_rows, .on_reply = stream_ask};

/* ---- status ---- */

const struct handler ssf_status = {.begin = seek_by_query, .on_rows = show_status};

static enum err_code read_status(const json_t *body, json_t *out, struct err *err) {
    const json_t *status = json_object_get(body, "status"), *reason = json_object_get(body, "reason");
    const char *text = json_string_value(status);
    if (text == NULL ||
        (strcmp(text, "enabled") != 0 && strcmp(text, "paused") != 0 && strcmp(text, "disabled") != 0))
        return err_set_path(err, ERR_INVALID_VALUE, "status", "status must be enabled, paused or disabled");
    if (reason != NULL && !json_is_null(reason) &&
        (!json_is_string(reason) || json_string_length(reason) > SSF_TEXT_MAX))
        return err_set_path(err, ERR_INVALID_VALUE, "reason", "reason must be a text of at most %d bytes",
                            SSF_TEXT_MAX);
    jsonx_put(out, "state", jsonx_copy(status));
    if (json_is_string(reason))
        jsonx_put(out, "reason", jsonx_copy(reason));
    return ERR_OK;
}

static enum step status_on_rows(struct request *r) {
    struct err err = {0};
    if (r->command != NULL)
        return show_status(r);
    if (found_doc(r) == NULL)
        return STEP_ANSWERED;
    json_t *out = json_object();
    if (read_status(work_of(r)->body, out, &err) == ERR_OK)
        return admin_publish(r, COMMAND_DELIVERY_SET, out);
    json_decref(out);
    return handle_refuse(r, &err);
}
const struct handler ssf_set_status = {
    .begin = seek_by_body, .on_rows = status_on_rows, .on_reply = stream_ask};

/* ---- verification ---- */

static enum step verify_on_rows(struct request *r) {
    struct err err = {0};
    if (found_doc(r) == NULL)
        return STEP_ANSWERED;
    const json_t *state = json_object_get(work_of(r)->body, "state");
    if (state != NULL && (!json_is_string(state) || json_string_length(state) > SSF_TEXT_MAX)) {
        (void)err_set_path(&err, ERR_INVALID_VALUE, "state", "state must be a text of at most %d bytes",
                           SSF_TEXT_MAX);
        return handle_refuse(r, &err);
    }
    json_t *out = json_object();
    jsonx_put(out, "state", state != NULL ? jsonx_copy(state) : json_null());
    return admin_publish(r, COMMAND_DELIVERY_VERIFY, out);
}
const struct handler ssf_verify = {.begin = seek_by_body, .on_rows = verify_on_rows, .on_reply = say_nothing};

/* ---- subjects ---- */

/* Whether there is such a user is told to nobody. */
static enum step subject_on_rows(struct request *r, const char *what) {
    struct err err = {0};
    const json_t *subject = json_object_get(work_of(r)->body, "subject");
    if (found_doc(r) == NULL)
        return STEP_ANSWERED;
    if (ssf_check_subject(subject, &err) != ERR_OK)
        return handle_refuse(r, &err);
    json_t *out = json_object();
    jsonx_put(out, what, jsonx_copy(subject));
    return admin_publish(r, COMMAND_DELIVERY_SET, out);
}
static enum step add_on_rows(struct request *r) {
    return subject_on_rows(r, "add");
}
static enum step remove_on_rows(struct request *r) {
    return subject_on_rows(r, "remove");
}
const struct handler ssf_add_subject = {.begin = seek_by_body, .on_rows = add_on_rows, .on_reply = say_taken};
const struct handler ssf_remove_subject = {
    .begin = seek_by_body, .on_rows = remove_on_rows, .on_reply = say_nothing};
