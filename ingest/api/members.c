#include "ingest/api/api.h"
#include "ingest/api/handlers.h"
#include "ingest/api/managed.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "sql/ask/query.h"

#include <stdio.h>
#include <string.h>

/* ---- lists: the query asks for one row more than is shown, to know whether there is a next page ---- */

/* Who runs a workspace sees users who are held, too. */
static bool shows_held(const struct request *r) {
    return r->route.row->access >= ACCESS_ADMINISTRATOR;
}

static enum step begin_page(struct request *r, int kind, const char *what, const char *list) {
    struct err err = {0};
    struct uuid id;
    const char *after;
    int limit;
    if (!uuid_parse(r->route.segment, &id))
        return api_not_found(r, what, r->route.segment);
    if (api_page(r, list, &limit, &after, &err) != ERR_OK)
        return handle_refuse(r, &err);
    struct db_query *q = api_query(r, kind);
    q->p[0] = arena_strdup(r->arena, id.s);
    q->p[1] = after;
    q->p[2] = arena_printf(r->arena, "%d", limit + 1);
    q->p[3] = shows_held(r) ? "true" : "false";
    return STEP_QUERY;
}

/* How many rows are shown. The query gives at least one row; if the list is empty, its id is NULL. */
static size_t shown(const struct db_query *q, int id_cell, bool *more) {
    size_t most = (size_t)db_cell_int(q->p[2]) - 1, n = q->rows[0][id_cell] != NULL ? q->nrows : 0;
    *more = n > most;
    return *more ? most : n;
}

static bool there(const struct db_query *q, int found_cell) {
    return q->nrows > 0 && db_cell_bool(q->rows[0][found_cell]);
}

static void put_member(struct jbuf *b, const char *user, const char *name, const char *display,
                       const char *transmit, const char *since) {
    jb_raw(b, "{");
    jb_kstr(b, "user", user);
    jb_kstr(b, "userName", name);
    jb_kstr(b, "displayName", display);
    jb_kraw(b, "transmit", transmit == NULL ? NULL : db_cell_bool(transmit) ? "true" : "false");
    api_put_time(b, "since", db_cell_int(since));
}

static enum step member_list_begin(struct request *r) {
    return begin_page(r, QUERY_MEMBERS, "Room", "members");
}

static enum step member_list_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    bool more;
    if (!there(q, COL_MEMBERS_FOUND))
        return api_not_found(r, "Room", r->route.segment);
    size_t n = shown(q, COL_MEMBERS_USER, &more);
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "room", q->p[0]);
    jb_kint(b, "epoch", db_cell_int(q->rows[0][COL_MEMBERS_EPOCH]));
    jb_kint(b, "seq", db_cell_int(q->rows[0][COL_MEMBERS_SEQ]));
    jb_kraw(b, "items", "[");
    for (size_t i = 0; i < n; i++) {
        const char *const *row = q->rows[i];
        jb_sep(b);
        put_member(b, row[COL_MEMBERS_USER], row[COL_MEMBERS_NAME], row[COL_MEMBERS_DISPLAY],
                   row[COL_MEMBERS_TRANSMIT], row[COL_MEMBERS_SINCE]);
        if (shows_held(r))
            jb_kbool(b, "held", db_cell_bool(row[COL_MEMBERS_HELD]));
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
    api_put_next(r, "members", more, more ? q->rows[n - 1][COL_MEMBERS_USER] : NULL);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

static enum step room_list_begin(struct request *r) {
    return begin_page(r, QUERY_ROOMS, "User", "rooms");
}

static enum step room_list_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    bool more;
    if (!there(q, COL_ROOMS_FOUND))
        return api_not_found(r, "User", r->route.segment);
    size_t n = shown(q, COL_ROOMS_ROOM, &more);
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "user", q->p[0]);
    jb_kraw(b, "items", "[");
    for (size_t i = 0; i < n; i++) {
        const char *const *row = q->rows[i];
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "room", row[COL_ROOMS_ROOM]);
        jb_kstr(b, "displayName", row[COL_ROOMS_NAME]);
        jb_kbool(b, "transmit", db_cell_bool(row[COL_ROOMS_TRANSMIT]));
        api_put_time(b, "since", db_cell_int(row[COL_ROOMS_SINCE]));
        if (shows_held(r))
            jb_kbool(b, "held", db_cell_bool(row[COL_ROOMS_HELD]));
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
    api_put_next(r, "rooms", more, more ? q->rows[n - 1][COL_ROOMS_ROOM] : NULL);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler api_member_list = {.begin = member_list_begin, .on_rows = member_list_on_rows};
const struct handler api_room_list = {.begin = room_list_begin, .on_rows = room_list_on_rows};

/* ---- one member ---- */

/* The command is made; who manages the room is asked first where that counts. */
static enum step member_send(struct request *r) {
    const char *user = json_string_value(json_object_get(r->command->resource, "user"));
    return managed_is_asked(r) ? managed_ask(r, user, r->resource_id.s) : STEP_PUBLISH;
}

static enum step member_on_manager(struct request *r) {
    struct err err = {0};
    bool joins = r->command->type == COMMAND_MEMBER_DELETE;
    return managed_judge(r, joins, &err) == ERR_OK ? STEP_PUBLISH : handle_refuse(r, &err);
}

static enum step member_publish(struct request *r, enum command_type type, json_t *transmit) {
    struct uuid user;
    if (!uuid_parse(r->route.segment, &r->resource_id)) {
        json_decref(transmit);
        return api_not_found(r, "Room", r->route.segment);
    }
    if (!uuid_parse(r->route.second, &user)) {
        json_decref(transmit);
        return api_not_found(r, "User", r->route.second);
    }
    struct request_command *c = request_make_command(r, type);
    c->resource = transmit != NULL ? json_pack("{s:s, s:o}", "user", user.s, "transmit", transmit)
                                   : json_pack("{s:s}", "user", user.s);
    content_keep(r, c->resource);
    return member_send(r);
}

/* Reads {"transmit": true | false}. Absent, or no body: it stays, or a new member gets the default. */
static enum err_code read_transmit(struct request *r, json_t **transmit, struct err *err) {
    const char *name;
    json_t *body, *value;
    *transmit = json_null();
    if (api_body(r, true, &body, err) != ERR_OK)
        return err->code;
    json_object_foreach(body, name, value) {
        if (strcmp(name, "transmit") != 0)
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no member \"%.100s\" here", name);
        if (!json_is_boolean(value) && !json_is_null(value))
            return err_set_path(err, ERR_INVALID_VALUE, name, "transmit is true, false or null");
        *transmit = json_incref(value);
    }
    return ERR_OK;
}

static enum step member_put_begin(struct request *r) {
    struct err err = {0};
    json_t *transmit;
    if (read_transmit(r, &transmit, &err) != ERR_OK)
        return handle_refuse(r, &err);
    return member_publish(r, COMMAND_MEMBER_PUT, transmit);
}

static enum step member_put_on_reply(struct request *r) {
    struct db_query *q = api_query(r, QUERY_MEMBER);
    q->p[0] = r->resource_id.s;
    q->p[1] = json_string_value(json_object_get(r->command->resource, "user"));
    return STEP_QUERY;
}

/* Shows the member as it is now. If another request has removed it since, shows what this one has put. */
static enum step member_put_on_rows(struct request *r) {
    const struct db_query *q = r->db_query;
    if (managed_is_answered(r))
        return member_on_manager(r);
    const char *const *row = q->nrows > 0 ? q->rows[0] : NULL;
    const json_t *given = json_object_get(r->command->resource, "transmit");
    struct jbuf *b = answer_begin(r, r->command->reply.first ? 201 : 200);
    if (row != NULL && row[COL_MEMBER_TRANSMIT] != NULL) {
        put_member(b, q->p[1], row[COL_MEMBER_NAME], row[COL_MEMBER_DISPLAY], row[COL_MEMBER_TRANSMIT],
                   row[COL_MEMBER_SINCE]);
        if (db_cell_bool(row[COL_MEMBER_HELD]))
            jb_kbool(b, "held", true);
    } else {
        const char *transmit = json_is_boolean(given) ? (json_is_true(given) ? "t" : "f") : NULL;
        put_member(b, q->p[1], row != NULL ? row[COL_MEMBER_NAME] : NULL, NULL, transmit, NULL);
    }
    jb_raw(b, "}");
    if (r->command->reply.first)
        r->answer.location = arena_printf(r->arena, "%s/rooms/%s/members/%s", r->base, q->p[0], q->p[1]);
    return STEP_ANSWERED;
}

static enum step member_delete_begin(struct request *r) {
    return member_publish(r, COMMAND_MEMBER_DELETE, NULL);
}

static enum step member_delete_on_reply(struct request *r) {
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}

const struct handler api_member_put = {
    .begin = member_put_begin, .on_rows = member_put_on_rows, .on_reply = member_put_on_reply};
const struct handler api_member_delete = {
    .begin = member_delete_begin, .on_rows = member_on_manager, .on_reply = member_delete_on_reply};
