/* Creates many users in one request: a Bulk (scim/bulk.h) whose operations are creates. */
#include "ingest/api/form.h"
#include "ingest/api/handlers.h"
#include "ingest/api/resources.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/scim/bulk.h"
#include "schemas/api/api_resource.h"

#include <string.h>

#define USERS_PATH API_PREFIX "/users"

static enum err_code users_of(const json_t *body, json_t **users, struct err *err) {
    const char *name;
    json_t *value;
    *users = NULL;
    json_object_foreach((json_t *)(uintptr_t)body, name, value) {
        if (strcmp(name, "users") != 0)
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no member \"%.100s\" here", name);
        *users = value;
    }
    if (!json_is_array(*users) || json_array_size(*users) == 0)
        return err_set_path(err, ERR_INVALID_VALUE, "users", "users is a list of at least one user");
    if (json_array_size(*users) > BULK_MAX_OPERATIONS)
        return err_set_path(err, ERR_TOO_LARGE, "users", "There are %zu users; at most %d are taken at once",
                            json_array_size(*users), BULK_MAX_OPERATIONS);
    return ERR_OK;
}

static void read_user(struct request *r, const json_t *user, struct bulk_op *op) {
    struct err err = {0};
    json_t *scim = NULL;
    op->code = api_body_to_scim(op->route.rt, user, &scim, &err);
    op->detail = arena_strdup(r->arena, err_text(&err));
    op->error_path = arena_strdup(r->arena, err.path);
    op->data = scim;
    content_keep(r, scim);
}

/* Makes a POST of each user in {"users":[…]}. An error in one user is noted in its operation. */
static enum err_code import_parse(struct request *r, json_t *body, struct bulk_request *out,
                                  struct err *err) {
    json_t *users;
    if (users_of(body, &users, err) != ERR_OK)
        return err->code;
    *out = (struct bulk_request){.n = json_array_size(users)};
    out->ops = arena_alloc(r->arena, out->n * sizeof *out->ops);
    out->order = arena_alloc(r->arena, out->n * sizeof *out->order);
    for (size_t i = 0; i < out->n; i++) {
        out->ops[i] = (struct bulk_op){.method = "POST", .path = USERS_PATH, .route = r->route};
        out->order[i] = i;
        read_user(r, json_array_get(users, i), &out->ops[i]);
    }
    return ERR_OK;
}

/* Users do not refer to each other, so they stay in their order. */
static void import_plan(struct request *r, struct bulk_request *b) {
    (void)r, (void)b;
}

static void put_result(struct jbuf *b, struct request *operation) {
    const struct answer *a = &request_answering(operation)->answer;
    jb_sep(b);
    jb_raw(b, "{");
    jb_kint(b, "status", a->status);
    jb_kstr(b, "txn", operation->txn.s);
    if (a->status < 300) {
        jb_kstr(b, "id", operation->resource_id.s);
        jb_kint(b, "version", operation->command->reply.version);
        jb_kstr(b, "location", api_location(operation, operation->resource_id.s));
    } else {
        jb_kraw(b, "problem", a->body.p);
    }
    jb_raw(b, "}");
}

/* {"results":[…]}: for each user the status, with id, version and location, or with the problem. */
static void import_answer(struct request *r) {
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"results\":[");
    for (int i = 0; i < r->operations; i++)
        put_result(b, bulk_operation(r, (size_t)i));
    jb_raw(b, "]}");
}

static const struct bulk_kind import_kind = {import_parse, import_plan, import_answer};

static enum step import_begin(struct request *r) {
    return bulk_begin(r, &import_kind);
}

const struct handler api_import = {
    .begin = import_begin,
    .on_units = bulk_on_units,
    .content = &content_bulk,
    .long_deadline = true,
};
