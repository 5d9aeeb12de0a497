#include "ingest/api/api.h"
#include "ingest/api/handlers.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "schemas/text/fold.h"
#include "sql/ask/query.h"

#include <stdlib.h>
#include <string.h>

/* The three names by which a report may name the user. */
static const char *const names[] = {"user", "userName", "externalId"};
enum { BY_ID, BY_NAME, BY_EXTERNAL_ID, WAYS };

static enum err_code read_at(const json_t *value, int64_t *at_us, struct err *err) {
    if (json_is_string(value) && rfc3339_parse(json_string_value(value), at_us))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "at", "at is a time as RFC 3339 writes it");
}

static enum err_code read_report(const json_t *body, int *way, const char **who, int64_t *at_us,
                                 struct err *err) {
    const char *name;
    json_t *value;
    *way = WAYS;
    json_object_foreach((json_t *)(uintptr_t)body, name, value) {
        int i = 0;
        while (i < WAYS && strcmp(name, names[i]) != 0)
            i++;
        if (i == WAYS && strcmp(name, "at") != 0)
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no member \"%.100s\" here", name);
        if (i == WAYS) {
            if (read_at(value, at_us, err) != ERR_OK)
                return err->code;
            continue;
        }
        if (!json_is_string(value) || json_string_length(value) == 0)
            return err_set_path(err, ERR_INVALID_VALUE, name, "%s is a text", name);
        if (*way != WAYS)
            return err_set_path(err, ERR_INVALID_VALUE, name, "The user is named twice");
        *way = i;
        *who = json_string_value(value);
    }
    return *way != WAYS ? ERR_OK
                        : err_set_path(err, ERR_INVALID_VALUE, "user",
                                       "user, userName or externalId is missing: who has logged in?");
}

static enum step login_publish(struct request *r, const char *id) {
    if (!uuid_parse(id, &r->resource_id))
        return api_not_found(r, "User", id);
    return STEP_PUBLISH;
}

/* A user that is not named by the id is looked up first. */
static enum step login_seek(struct request *r, int way, const char *who) {
    struct db_query *q = api_query(r, way == BY_NAME ? QUERY_USER_NAMED : QUERY_USER_EXTERNAL);
    q->p[0] = who;
    if (way == BY_NAME) {
        char *folded = fold_text(who);
        q->p[0] = folded;
        arena_defer(r->arena, free, folded);
    }
    return STEP_QUERY;
}

static enum step login_begin(struct request *r) {
    struct err err = {0};
    json_t *body;
    int64_t at_us = r->wall_us;
    const char *who = NULL;
    int way;
    if (api_body(r, false, &body, &err) != ERR_OK || read_report(body, &way, &who, &at_us, &err) != ERR_OK)
        return handle_refuse(r, &err);
    struct request_command *c = request_make_command(r, COMMAND_USER_LOGIN);
    content_keep(r, c->resource = json_pack("{s:I}", "at", (json_int_t)at_us));
    return way == BY_ID ? login_publish(r, who) : login_seek(r, way, who);
}

static enum step login_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    struct err err = {0};
    if (q->nrows == 0) {
        (void)err_set(&err, ERR_NOT_FOUND, "There is no such user");
        return handle_refuse(r, &err);
    }
    if (q->nrows > 1) {
        (void)err_set_path(&err, ERR_CONFLICT, "externalId", "More than one user has this externalId");
        return handle_refuse(r, &err);
    }
    return login_publish(r, q->rows[0][COL_USER_ID]);
}

/* A user whose login is accepted has a seat, in every seat mode. */
static enum step login_on_reply(struct request *r) {
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "user", r->command->reply.id.s);
    jb_kbool(b, "seat", true);
    jb_kbool(b, "first", r->command->reply.first);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler api_login = {.begin = login_begin, .on_rows = login_on_rows, .on_reply = login_on_reply};
