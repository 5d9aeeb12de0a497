#include "sql/ask/audit_why.h"

#include "ops/runtime/clock.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static enum err_code read_state(struct db *db, const char *const *params, struct audit_why *w,
                                struct err *err) {
    struct db_result *r;
    if (db_run(db, SQL_QUERY_MEMBER, params, &r, err) != ERR_OK)
        return err->code;
    if (db_rows(r) > 0) {
        w->room = db_bool(r, 0, 0);
        w->user = !db_is_null(r, 0, 1);
        w->transmit = db_bool(r, 0, 4);
        w->held = db_bool(r, 0, 5);
        w->member = w->room && w->user && !db_is_null(r, 0, 6) && !w->held;
        w->since_us = db_is_null(r, 0, 6) ? 0 : db_int(r, 0, 6);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

/* The text of a member, in the arena: "action", or of an object in it. */
static const char *member_text(const struct audit_record *row, const char *object, const char *name,
                               struct arena *a) {
    json_t *record = json_loadb(row->bytes, row->nbytes, JSON_ALLOW_NUL, NULL);
    const json_t *at = object != NULL ? json_object_get(record, object) : record;
    const char *text = json_string_value(json_object_get(at, name));
    const char *copy = text != NULL ? arena_strdup(a, text) : "";
    json_decref(record);
    return copy;
}

/* Of the past: what was done last to this membership; else what was done last to one of both. */
static const struct audit_record *choose(const struct audit_why *w, const char *user, struct arena *a) {
    for (size_t i = 0; i < w->past.n; i++) {
        const struct audit_record *row = &w->past.rows[i];
        if (strcmp(member_text(row, "subject", "id", a), user) == 0)
            return row;
    }
    for (size_t i = 0; !w->member && i < w->past.n; i++) {
        const char *action = member_text(&w->past.rows[i], NULL, "action", a);
        if (strcmp(action, "user.deleted") == 0 || strcmp(action, "room.deleted") == 0)
            return &w->past.rows[i];
    }
    return NULL;
}

/* What kind of request it was: what else it changed says so, and then its path. */
static const char *way_of(const struct audit_records *all, const struct audit_record *request,
                          struct arena *a) {
    static const struct {
        const char *action, *way;
    } ways[] = {{"user.reactivated", "reactivation"},
                {"user.deactivated", "deactivation"},
                {"user.deleted", "deletion of the user"},
                {"room.deleted", "deletion of the room"}};
    for (size_t i = 0; i < all->n; i++)
        for (size_t j = 0; j < sizeof ways / sizeof *ways && all->rows[i].tree == AUDIT_CHANGES; j++)
            if (strcmp(member_text(&all->rows[i], NULL, "action", a), ways[j].action) == 0)
                return ways[j].way;
    const char *path = request != NULL ? member_text(request, NULL, "path", a) : "";
    if (strstr(path, "/Groups") != NULL)
        return "group push";
    if (strstr(path, "/members/") != NULL)
        return "member request";
    return "request";
}

static enum err_code find_request(struct db *db, const char *workspace, struct arena *a, struct audit_why *w,
                                  struct err *err) {
    struct audit_records all;
    const char *txn = member_text(w->because, NULL, "txn", a);
    if (audit_by_txn(db, workspace, txn, a, &all, err) != ERR_OK)
        return err->code;
    if (all.n > 0 && all.rows[0].tree == AUDIT_REQUESTS)
        w->request = &all.rows[0];
    w->through = way_of(&all, w->request, a);
    return ERR_OK;
}

enum err_code audit_why(struct db *db, const char *workspace, const char *room, const char *user,
                        struct arena *a, struct audit_why *w, struct err *err) {
    const char *params[] = {workspace, room, user};
    struct db_result *r;
    struct jbuf proof = {0};
    *w = (struct audit_why){0};
    if (read_state(db, params, w, err) != ERR_OK || db_run(db, SQL_AUDIT_WHY, params, &r, err) != ERR_OK)
        return err->code;
    audit_take(r, false, a, &w->past);
    db_results_free(&r, 1);
    w->because = choose(w, user, a);
    if (w->because == NULL)
        return ERR_OK;
    if (find_request(db, workspace, a, w, err) != ERR_OK)
        return err->code;
    enum err_code code = audit_prove(db, workspace, w->because, &proof, err);
    if (code == ERR_OK)
        w->proof = arena_strdup(a, proof.p);
    jb_free(&proof);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static void put_record_of(struct jbuf *b, const char *name, const struct audit_record *row) {
    jb_key(b, name);
    if (row == NULL) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kstr(b, "id", row->event);
    jb_key(b, "record");
    jb_mem(b, row->bytes, row->nbytes);
    jb_raw(b, "}");
}

void audit_why_put(struct jbuf *b, const char *room, const char *user, const struct audit_why *w) {
    char since[RFC3339_SIZE];
    jb_raw(b, "{");
    jb_kstr(b, "room", room);
    jb_kstr(b, "user", user);
    jb_kbool(b, "roomExists", w->room);
    jb_kbool(b, "userExists", w->user);
    jb_kbool(b, "member", w->member);
    jb_kbool(b, "held", w->held);
    jb_kstr(b, "since", w->since_us != 0 ? rfc3339_us(w->since_us, since) : NULL);
    jb_kbool(b, "transmit", w->member && w->transmit);
    jb_kstr(b, "through", w->through);
    put_record_of(b, "because", w->because);
    put_record_of(b, "request", w->request);
    jb_kstr(b, "proof", w->proof);
    jb_kraw(b, "past", "[");
    for (size_t i = 0; i < w->past.n; i++) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "id", w->past.rows[i].event);
        jb_key(b, "record");
        jb_mem(b, w->past.rows[i].bytes, w->past.rows[i].nbytes);
        jb_raw(b, "}");
    }
    jb_raw(b, "]}");
}
