#include "ingest/scim/write.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/request/etag.h"
#include "ingest/request/handle.h"
#include "ingest/scim/async.h"
#include "ingest/scim/membership.h"
#include "ingest/scim/read.h"
#include "ops/runtime/id.h"
#include "schemas/patch/flat.h"
#include "schemas/patch/patch.h"
#include "schemas/patch/patch_bounds.h"
#include "schemas/patch/strict.h"
#include "schemas/stream/tried_id.h"
#include "sql/ask/read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what the workspace's settings ask for ---- */

static enum err_code check_email(const struct request *r, const char *user_name, struct err *err) {
    if (!r->verdict.require_email || is_mail_shaped(user_name))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "userName",
                        "userName must be an e-mail address in this workspace");
}

/* The operations of a PATCH are normalised: each has one path, in the spelling of the schema. */
static enum err_code check_patched_email(const struct request *r, struct err *err) {
    size_t i;
    json_t *op;
    json_array_foreach(r->command->ops, i, op) {
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

/* An early check with the numbers of admission. The worker decides (promise 3). */
static enum err_code check_seats(const struct request *r, struct err *err) {
    const struct admit_verdict *v = &r->verdict;
    if (r->again || v->seats_limit < 0 || v->seats_used < v->seats_limit ||
        !resource_active(r->command->resource))
        return ERR_OK;
    return no_seat(r, err);
}

/* No seat is left. Before that is said, a user with the same userName is looked for: if there is one, that is
 * the better reason (rule C2). */
static enum step seek_duplicate(struct request *r, const struct err *why) {
    struct err ignored;
    if (read_user_name(r, resource_string(r->command->resource, "userName"), &ignored) == ERR_OK)
        return STEP_READ;
    return handle_refuse(r, why);
}

static enum step answer_no_seat(struct request *r, enum err_code read) {
    struct err err = {0};
    if (read == ERR_OK && r->read->code == ERR_OK && r->read->nrows > 0)
        (void)err_set_path(&err, ERR_UNIQUENESS, "userName", "userName \"%.200s\" is already in use",
                           resource_string(r->command->resource, "userName"));
    else
        (void)no_seat(r, &err);
    return handle_refuse(r, &err);
}

/* ---- the command ---- */

/* By kind of resource and method. */
static enum command_type command_type_of(const struct route *route) {
    static const enum command_type types[][4] = {
        [RESOURCE_USER] = {COMMAND_USER_CREATE, COMMAND_USER_REPLACE, COMMAND_USER_PATCH,
                           COMMAND_USER_DELETE},
        [RESOURCE_ROOM] = {COMMAND_ROOM_CREATE, COMMAND_ROOM_REPLACE, COMMAND_ROOM_PATCH,
                           COMMAND_ROOM_DELETE},
        [RESOURCE_CUSTOM] = {COMMAND_RESOURCE_CREATE, COMMAND_RESOURCE_REPLACE, COMMAND_RESOURCE_PATCH,
                             COMMAND_RESOURCE_DELETE},
    };
    return types[route->rt->kind][route->method - HTTP_POST];
}

/* RFC 9110 section 13.1, rule V2. What is created has no version yet. The worker decides, by what is true
 * then. */
static void prepare_preconditions(struct request *r) {
    struct etag_list tags;
    if (r->route.method == HTTP_POST)
        return;
    if (r->head.if_match != NULL) {
        etag_parse(r->head.if_match, r->arena, &tags);
        if (!tags.any)
            content_keep(r, r->command->must_match = etag_versions(&tags));
    }
    if (r->head.if_none_match != NULL) {
        etag_parse(r->head.if_none_match, r->arena, &tags);
        content_keep(r, r->command->must_not_match = tags.any ? json_string("*") : etag_versions(&tags));
    }
}

static enum err_code prepare_document(struct request *r, const json_t *body, struct err *err) {
    bool users = r->route.rt->kind == RESOURCE_USER, create = r->route.method == HTTP_POST;
    json_t *plain;
    if (strict_body(r->verdict.strictness, r->route.rt, body, err) != ERR_OK)
        return err->code;
    if (flat_body(r->route.rt, r->verdict.dialect, body, r->arena, &plain, &r->ignored, err) != ERR_OK)
        return err->code;
    content_keep(r, plain);
    if (!r->verdict.passwords && strict_passwords(r->route.rt, plain, err) != ERR_OK)
        return err->code;
    if (resource_normalise(r->route.rt, r->verdict.dialect, plain, &r->command->resource,
                           &r->command->members, create ? NULL : &r->command->cleared, err) != ERR_OK)
        return err->code;
    content_keep(r, r->command->resource);
    content_keep(r, r->command->members);
    content_keep(r, r->command->cleared);
    if (resource_check_bounds(r->route.rt, &r->in->settings.bounds, NULL, r->command->resource, err) !=
        ERR_OK)
        return err->code;
    if (users && check_email(r, resource_string(r->command->resource, "userName"), err) != ERR_OK)
        return err->code;
    /* Made here, so that a command that is sent again makes no second resource. */
    if (create && !uuid_is_set(&r->resource_id))
        r->resource_id = r->dry ? tried_id_new() : uuid_v7();
    return ERR_OK;
}

static bool changes_nothing(const json_t *body) {
    return json_array_size(json_object_get(body, "Operations")) == 0;
}

static enum err_code prepare_patch(struct request *r, const json_t *body, struct err *err) {
    if (r->form->empty_patch && changes_nothing(body)) { /* but the resource must be there */
        content_keep(r, r->command->ops = json_array());
        return ERR_OK;
    }
    const enum strictness s = r->verdict.strictness;
    /* The profile is about SCIM. A merge patch (RFC 7396) merges, whatever the workspace is set to. */
    const struct patch_rules rules = {.replaces_whole = s == STRICTNESS_INTEROP && r->form->profiled,
                                      .password = r->verdict.passwords      ? ERR_OK
                                                  : s == STRICTNESS_INTEROP ? ERR_INVALID_SYNTAX
                                                                            : ERR_INVALID_PATH};
    if (strict_patch(s, r->route.rt, r->verdict.dialect, body, err) != ERR_OK)
        return err->code;
    if (patch_normalise_under(&rules, r->route.rt, r->verdict.dialect, body, r->resource_id.s,
                              &r->command->ops, err) != ERR_OK)
        return err->code;
    content_keep(r, r->command->ops);
    if (patch_check_given(r->route.rt, r->command->ops, &r->in->settings.bounds, err) != ERR_OK)
        return err->code;
    return r->route.rt->kind == RESOURCE_USER ? check_patched_email(r, err) : ERR_OK;
}

enum err_code write_prepare(struct request *r, const json_t *body, struct err *err) {
    if (membership_is_meant(r))
        return membership_prepare(r, body, err);
    request_make_command(r, command_type_of(&r->route));
    prepare_preconditions(r);
    if (r->route.method == HTTP_DELETE)
        return ERR_OK;
    return r->route.method == HTTP_PATCH ? prepare_patch(r, body, err) : prepare_document(r, body, err);
}

/* ---- the steps ---- */

/* Must it be seen first whether the resource is there? ops/DESIGN.md, "Decided points": DELETE of an unknown
 * id is 404 without a command. What is known at once is said at once, also where an asynchronous answer was
 * asked for (rule Q8). */
static bool asks_existence(const struct request *r) {
    if (r->again) /* it may be gone by this very command: the worker knows */
        return false;
    if (r->db_query != NULL) /* it was asked who manages it, and no read can follow that: the worker knows */
        return false;
    if (membership_is_meant(r)) /* a read does not show those that are held */
        return false;
    if (r->dry && is_tried_id(r->resource_id.s)) /* the worker takes it for what a dry run has made */
        return false;
    return r->route.method == HTTP_DELETE || (r->async && r->route.method != HTTP_POST);
}

enum step write_begin(struct request *r) {
    const json_t *body = NULL;
    struct err err = {0};
    bool create = r->route.method == HTTP_POST;
    if ((!create && read_target(r, &err) != ERR_OK) ||
        (r->route.method != HTTP_DELETE && r->form->read_body(r, &body, &err) != ERR_OK) ||
        write_prepare(r, body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    if (create && r->route.rt->kind == RESOURCE_USER && check_seats(r, &err) != ERR_OK)
        return seek_duplicate(r, &err);
    if (!asks_existence(r))
        return STEP_PUBLISH;
    read_existence(r);
    return STEP_READ;
}

enum step write_on_read(struct request *r, enum err_code code) {
    if (request_is_published(r)) { /* applied; the answer shows it */
        write_show(r, code == ERR_OK);
        return STEP_ANSWERED;
    }
    if (r->route.method == HTTP_POST)
        return answer_no_seat(r, code);
    return code == ERR_OK && r->read->nrows == 1 ? STEP_PUBLISH : read_on_read(r, code);
}

static enum step scim_write_begin(struct request *r) {
    struct err err = {0};
    if (read_projection(r, &err) != ERR_OK)
        return handle_refuse(r, &err);
    /* A 202 needs a Location, and the Location is sealed with a key (seal.h). While that key is not loaded,
     * respond-async is ignored and the client gets the outcome itself. So it is of a membership, whose
     * command is about a room: the outcome would name that. */
    r->async = r->head.prefer.respond_async && seal_loaded() && !membership_is_meant(r);
    enum step next = write_begin(r);
    if (next == STEP_ANSWERED)
        return next;
    const struct request_command *c = r->command;
    r->projection = projection_of_write(r->route.rt, r->projection, c->resource, c->ops, r->arena);
    if (r->async)
        async_promise(r, r->txn.s, NULL);
    return next;
}

static void scim_write_on_accepted(struct request *r) {
    async_accept(r, 0);
}

const struct handler scim_write = {
    .begin = scim_write_begin,
    .on_read = scim_write_on_read,
    .on_reply = scim_write_on_reply,
    .on_accepted = scim_write_on_accepted,
    .forgets = true,
};
