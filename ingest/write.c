#include "ingest/write.h"

#include "ingest/answer.h"
#include "ingest/read.h"
#include "ops/runtime/id.h"
#include "schemas/body.h"
#include "schemas/patch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_DEPTH_MAX 32
#define BODY_ELEMENTS_MAX 600000 /* a room of 100,000 members with all their sub-attributes */

/* ---- the body ---- */

/* application/scim+json or application/json; parameters (charset) are not judged (rule T2). */
static bool media_type_ok(const char *type) {
    static const char *const known[] = {SCIM_JSON, "application/json"};
    if (type == NULL)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i]);
        if (strncasecmp(type, known[i], n) == 0 && type[n + strspn(type + n, " \t")] == '\0')
            return true;
        if (strncasecmp(type, known[i], n) == 0 && type[n + strspn(type + n, " \t")] == ';')
            return true;
    }
    return false;
}

static void decref(void *json) {
    json_decref(json);
}

/* A new reference becomes the request's; NULL is fine. */
static void keep(struct request *r, json_t *json) {
    if (json != NULL)
        arena_defer(r->arena, decref, json);
}

static enum err_code parse_body(struct request *r, json_t **body, struct err *err) {
    struct body_limits limits = {r->in->settings.max_body_bytes, BODY_DEPTH_MAX, BODY_ELEMENTS_MAX};
    if (!media_type_ok(r->content_type))
        return err_set(err, ERR_MEDIA_TYPE, "The body must be " SCIM_JSON " or application/json");
    if (r->body.n == 0)
        return err_set(err, ERR_INVALID_SYNTAX, "The request has no body");
    if (body_parse(r->body.p, r->body.n, &limits, body, err) != ERR_OK)
        return err->code;
    keep(r, *body);
    return ERR_OK;
}

/* ---- what the workspace's settings ask for ---- */

static bool email_shaped(const char *s) {
    const char *at = s != NULL ? strchr(s, '@') : NULL;
    return at != NULL && at != s && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(s, " \t\r\n") == NULL;
}

static enum err_code check_email(const struct request *r, const char *user_name, struct err *err) {
    if (!r->verdict.require_email || email_shaped(user_name))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "userName",
                        "userName must be an e-mail address in this workspace");
}

/* The same for a PATCH, whose operations are normalised: one path each, in the schema's spelling. */
static enum err_code check_patched_email(const struct request *r, struct err *err) {
    size_t i;
    json_t *op;
    json_array_foreach(r->ops, i, op) {
        const char *path = json_string_value(json_object_get(op, "path"));
        const char *value = json_string_value(json_object_get(op, "value"));
        if (path != NULL && value != NULL && strcmp(path, "userName") == 0 &&
            check_email(r, value, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

static enum err_code no_seat(const struct request *r, struct err *err) {
    return err_set(err, ERR_SEATS, "No seat is left: %" PRId64 " of %" PRId64 " are used",
                   r->verdict.seats_used, r->verdict.seats_limit);
}

/* Early, from the numbers of admission: the worker decides (promise 3). */
static enum err_code check_seats(const struct request *r, struct err *err) {
    const struct admit_verdict *v = &r->verdict;
    if (v->seats_limit < 0 || v->seats_used < v->seats_limit || !resource_active(r->resource))
        return ERR_OK;
    return no_seat(r, err);
}

bool write_seek_duplicate(struct request *r, const struct err *why) {
    struct err ignored;
    return why->code == ERR_SEATS &&
           read_user_name(r, resource_string(r->resource, "userName"), &ignored) == ERR_OK;
}

void write_no_seat(struct request *r, enum err_code read) {
    struct err err = {0};
    if (read == ERR_OK && r->read.code == ERR_OK && r->read.nrows > 0)
        err_set_path(&err, ERR_UNIQUENESS, "userName", "userName \"%.200s\" is already in use",
                     resource_string(r->resource, "userName"));
    else
        no_seat(r, &err);
    answer_err(r, &err);
}

/* ---- the command ---- */

static enum err_code prepare_document(struct request *r, const json_t *body, struct err *err) {
    bool users = r->route.rt->kind == RESOURCE_USER, create = r->route.method == HTTP_POST;
    if (resource_normalise(r->route.rt, r->verdict.dialect, body, &r->resource, &r->members,
                           create ? NULL : &r->cleared, err) != ERR_OK)
        return err->code;
    keep(r, r->resource);
    keep(r, r->members);
    keep(r, r->cleared);
    if (users && check_email(r, resource_string(r->resource, "userName"), err) != ERR_OK)
        return err->code;
    if (create)
        r->command = users ? COMMAND_USER_CREATE : COMMAND_ROOM_CREATE;
    else
        r->command = users ? COMMAND_USER_REPLACE : COMMAND_ROOM_REPLACE;
    if (!create)
        return ERR_OK;
    r->resource_id = uuid_v7(); /* made here, so that a command that is sent again makes no second resource */
    return users ? check_seats(r, err) : ERR_OK;
}

static enum err_code prepare_patch(struct request *r, const json_t *body, struct err *err) {
    bool users = r->route.rt->kind == RESOURCE_USER;
    r->command = users ? COMMAND_USER_PATCH : COMMAND_ROOM_PATCH;
    if (patch_normalise(r->route.rt, r->verdict.dialect, body, r->resource_id.s, &r->ops, err) != ERR_OK)
        return err->code;
    keep(r, r->ops);
    return users ? check_patched_email(r, err) : ERR_OK;
}

enum err_code write_prepare(struct request *r, struct err *err) {
    json_t *body = NULL;
    if (read_projection(r, err) != ERR_OK)
        return err->code;
    if (r->route.kind == ROUTE_RESOURCE && !uuid_parse(r->route.segment, &r->resource_id))
        return read_not_found(r, err);
    if (r->route.method == HTTP_DELETE) {
        r->command = r->route.rt->kind == RESOURCE_USER ? COMMAND_USER_DELETE : COMMAND_ROOM_DELETE;
        return ERR_OK;
    }
    if (parse_body(r, &body, err) != ERR_OK)
        return err->code;
    return r->route.method == HTTP_PATCH ? prepare_patch(r, body, err) : prepare_document(r, body, err);
}

/* ---- the answer ---- */

void write_keep_reply(struct request *r) {
    if (r->reply.doc != NULL)
        arena_defer(r->arena, free, r->reply.doc);
}

static int success_status(const struct request *r) {
    return r->route.method == HTTP_POST ? 201 : 200;
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

bool write_outcome(struct request *r) {
    const struct reply *reply = &r->reply;
    if (reply->code != ERR_OK) {
        answer_error(r, reply->code, reply->detail);
        return true;
    }
    /* DESIGN section 7: rooms answer a PATCH with 204 unless attributes were asked for */
    bool quiet = r->command == COMMAND_ROOM_PATCH && query_get(&r->query, "attributes") == NULL;
    if (r->route.method == HTTP_DELETE || quiet) {
        answer_no_content(r, r->route.method == HTTP_DELETE ? 0 : reply->version);
        return true;
    }
    bool complete = r->command == COMMAND_USER_CREATE || !projection_wants_refs(r->route.rt, r->projection);
    if (reply->doc != NULL && complete) {
        show_document(r, reply->doc);
        return true;
    }
    read_resource(r);
    return false;
}

void write_shown(struct request *r, bool read_ok) {
    if (read_ok && r->read.code == ERR_OK && r->read.nrows == 1) {
        answer_resource(r, success_status(r), &r->read.rows[0]);
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
    else if (r->route.rt->kind == RESOURCE_ROOM)
        answer_no_content(r, r->reply.version);
    else
        write_unknown(r);
}

void write_unknown(struct request *r) {
    answer_error(r, ERR_OUTCOME_UNKNOWN,
                 arena_printf(r->arena, "Not done in time; the outcome of txn %s is not known", r->txn.s));
}
