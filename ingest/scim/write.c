#include "ingest/scim/write.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/request/etag.h"
#include "ingest/scim/read.h"
#include "ops/runtime/id.h"
#include "schemas/patch/patch.h"
#include "schemas/patch/strict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum err_code parse_body(struct request *r, const json_t **body, struct err *err) {
    if (r->parent != NULL) { /* parsed with its Bulk */
        *body = r->data;
        return ERR_OK;
    }
    return r->form->read_body(r, body, err);
}

/* ---- what the workspace's settings ask for ---- */

static enum err_code check_email(const struct request *r, const char *user_name, struct err *err) {
    if (!r->verdict.require_email || is_mail_shaped(user_name))
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
    if (r->again || v->seats_limit < 0 || v->seats_used < v->seats_limit || !resource_active(r->resource))
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
        (void)err_set_path(&err, ERR_UNIQUENESS, "userName", "userName \"%.200s\" is already in use",
                           resource_string(r->resource, "userName"));
    else
        (void)no_seat(r, &err);
    answer_err(r, &err);
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
    if (r->if_match != NULL) {
        etag_parse(r->if_match, r->arena, &tags);
        if (!tags.any)
            content_keep(r, r->must_match = etag_versions(&tags));
    }
    if (r->if_none_match != NULL) {
        etag_parse(r->if_none_match, r->arena, &tags);
        content_keep(r, r->must_not_match = tags.any ? json_string("*") : etag_versions(&tags));
    }
}

static enum err_code prepare_document(struct request *r, const json_t *body, struct err *err) {
    bool users = r->route.rt->kind == RESOURCE_USER, create = r->route.method == HTTP_POST;
    if (r->verdict.strict && strict_body(r->route.rt, body, err) != ERR_OK)
        return err->code;
    if (resource_normalise(r->route.rt, r->verdict.dialect, body, &r->resource, &r->members,
                           create ? NULL : &r->cleared, err) != ERR_OK)
        return err->code;
    content_keep(r, r->resource);
    content_keep(r, r->members);
    content_keep(r, r->cleared);
    if (users && check_email(r, resource_string(r->resource, "userName"), err) != ERR_OK)
        return err->code;
    if (!create)
        return ERR_OK;
    if (!uuid_is_set(
            &r->resource_id)) /* made here, so that a command that is sent again makes no second resource */
        r->resource_id = uuid_v7();
    return users && r->parent == NULL ? check_seats(r, err) : ERR_OK;
}

/* A merge patch may be empty (RFC 7396): then nothing is changed, if only the resource is there. */
static bool changes_nothing(const struct request *r, const json_t *body) {
    return r->route.api != API_SCIM && json_array_size(json_object_get(body, "Operations")) == 0;
}

static enum err_code prepare_patch(struct request *r, const json_t *body, struct err *err) {
    if (changes_nothing(r, body)) {
        content_keep(r, r->ops = json_array());
        return ERR_OK;
    }
    if (r->verdict.strict && strict_patch(r->route.rt, r->verdict.dialect, body, err) != ERR_OK)
        return err->code;
    if (patch_normalise(r->route.rt, r->verdict.dialect, body, r->resource_id.s, &r->ops, err) != ERR_OK)
        return err->code;
    content_keep(r, r->ops);
    return r->route.rt->kind == RESOURCE_USER ? check_patched_email(r, err) : ERR_OK;
}

enum err_code write_prepare(struct request *r, struct err *err) {
    const json_t *body = NULL;
    if (r->route.api == API_SCIM && read_projection(r, err) != ERR_OK)
        return err->code;
    if (r->route.kind == ROUTE_RESOURCE && !uuid_parse(r->route.segment, &r->resource_id))
        return read_not_found(r, err);
    r->command = command_type_of(&r->route);
    if (r->parent ==
        NULL) /* without the seal there is no address for the outcome: then the answer is the outcome */
        r->async = r->prefer.respond_async && r->route.api == API_SCIM && seal_loaded();
    prepare_preconditions(r);
    if (r->route.method == HTTP_DELETE)
        return ERR_OK;
    if (parse_body(r, &body, err) != ERR_OK)
        return err->code;
    enum err_code rc =
        r->route.method == HTTP_PATCH ? prepare_patch(r, body, err) : prepare_document(r, body, err);
    if (rc == ERR_OK && r->route.api == API_SCIM)
        r->projection = projection_of_write(r->route.rt, r->projection, r->resource, r->ops, r->arena);
    return rc;
}

bool write_asks_existence(const struct request *r) {
    if (r->again) /* it may be gone by this very command: the worker knows */
        return false;
    return r->route.method == HTTP_DELETE || (r->async && r->route.method != HTTP_POST);
}
