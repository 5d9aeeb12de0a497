#include "ingest/api/api.h"
#include "ingest/request/answer.h"
#include "ingest/scim/async.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"

#include <stdlib.h>

void write_keep_reply(struct request *r) {
    if (r->reply.doc != NULL)
        arena_defer(r->arena, free, r->reply.doc);
}

static int success_status(const struct request *r) {
    return r->route.method == HTTP_POST ? 201 : 200;
}

/* DESIGN section 7: rooms answer a PATCH with 204. The client may prefer the one or the other (rule Q2), but
 * who asks for attributes gets them (rule P3). */
static bool quiet(struct request *r) {
    bool silent = r->route.rt->kind == RESOURCE_ROOM && r->route.api == API_SCIM;
    if (r->route.method == HTTP_DELETE)
        return true;
    if (r->route.method != HTTP_PATCH || r->route.api != API_SCIM ||
        query_get(&r->query, "attributes") != NULL)
        return false;
    if (r->prefer.returned == PREFER_ANY)
        return silent;
    return r->prefer.returned == PREFER_MINIMAL;
}

static void applied_preference(struct request *r) {
    if (r->route.api != API_SCIM || r->route.method != HTTP_PATCH || r->answer.status / 100 != 2)
        return;
    if (r->prefer.returned == PREFER_MINIMAL && r->answer.status == 204)
        r->answer.preference_applied = "return=minimal";
    else if (r->prefer.returned == PREFER_REPRESENTATION && r->answer.status == 200)
        r->answer.preference_applied = "return=representation";
}

/* The resource without what only a read knows: a user's rooms, a room's members. */
static void show_document(struct request *r, const char *doc) {
    struct resource_row row = {.id = r->resource_id.s,
                               .doc = doc,
                               .version = r->reply.version,
                               .created_us = r->reply.created_us,
                               .modified_us = r->reply.modified_us};
    answer_resource(r, success_status(r), &row);
}

/* In a Bulk the answer has no resource: rule B2. */
static void show_result(struct request *r) {
    int64_t version = r->route.method == HTTP_DELETE ? 0 : r->reply.version;
    answer_no_content(r, version);
    r->answer.status = quiet(r) ? 204 : success_status(r);
}

/* True if the document alone is the whole answer: nothing of it is rows apart, or those cannot be yet. */
static bool complete(const struct request *r) {
    if (r->route.api != API_SCIM) /* which also shows what only the store knows */
        return r->route.rt->kind != RESOURCE_USER;
    return r->command == COMMAND_USER_CREATE || resource_type_refs(r->route.rt) == NULL ||
           projection_refs(r->route.rt, r->projection) == REFS_NONE;
}

bool write_outcome(struct request *r) {
    const struct reply *reply = &r->reply;
    r->job = JOB_READ;
    if (uuid_is_set(&reply->id)) /* of the first time, or of an account that a create has taken over */
        r->resource_id = reply->id;
    if (reply->code != ERR_OK) {
        answer_error(r, reply->code, reply->detail);
    } else if (r->route.kind == ROUTE_STEPS) {
        r->job = JOB_LOOK;
        return api_replied(r) == API_ANSWERED;
    } else if (r->parent != NULL) {
        show_result(r);
    } else if (quiet(r)) {
        answer_no_content(r, r->route.method == HTTP_DELETE ? 0 : reply->version);
        applied_preference(r);
    } else if (reply->doc != NULL && complete(r)) {
        show_document(r, reply->doc);
        applied_preference(r);
    } else {
        read_resource(r);
        return false;
    }
    return true;
}

void write_shown(struct request *r, bool read_ok) {
    if (read_ok && r->read.code == ERR_OK && r->read.nrows == 1) {
        answer_resource(r, success_status(r), &r->read.rows[0]);
        applied_preference(r);
        return;
    }
    /* Applied, but gone again or not to be read now: what was written is shown. */
    const char *doc = r->reply.doc;
    if (doc == NULL && r->resource != NULL) {
        char *text = json_dumps(r->resource, JSON_COMPACT);
        doc = arena_strdup(r->arena, text);
        free(text);
    }
    if (doc != NULL)
        show_document(r, doc);
    else if (r->route.rt->kind != RESOURCE_USER)
        answer_no_content(r, r->reply.version);
    else
        write_unknown(r);
}

void write_unknown(struct request *r) {
    answer_error(r, ERR_OUTCOME_UNKNOWN,
                 arena_printf(r->arena, "Not done in time; the outcome of txn %s is not known", r->txn.s));
}

void write_accepted(struct request *r) {
    answer_no_content(r, 0);
    r->answer.status = 202;
    if (r->parent != NULL)
        return;
    r->answer.set_txn = r->txn.s;
    r->answer.preference_applied = "respond-async";
    r->answer.location = async_handle(r, r->bulk != NULL ? r->operations : 0);
}

void write_all_accepted(struct request *r) {
    for (struct request *next; r != NULL; r = next) {
        next = r->next;
        write_accepted(r);
        request_finish(r);
    }
}
