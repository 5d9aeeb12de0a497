/* The audit: what owners search in it, and why a user is in a room or is not. Both are asked on the list
 * threads.
 */
#include "ingest/api/admin.h"

#include "ingest/api/handlers.h"
#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "schemas/api/cursor.h"
#include "sql/ask/audit.h"
#include "sql/ask/audit_why.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 200

/* ---- search ---- */

struct audit_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace, *bound_query; /* the filter as one text, which cursors are bound to */
    struct audit_filter filter;
    struct audit_place after;
    int limit;
    struct audit_records found;
};

static enum err_code ask_audit(struct question *q, struct db *db, struct err *err) {
    struct audit_question *a = (struct audit_question *)q;
    enum err_code code = audit_begin(db, a->workspace, err);
    if (code == ERR_OK)
        code = audit_search(db, a->workspace, &a->filter, a->after.at_us != 0 ? &a->after : NULL, a->limit,
                            a->arena, &a->found, err);
    audit_end(db);
    return code;
}

/* The parameters that pick records. A misspelled one would show everything instead of what was asked for, so
 * it is refused. */
static enum err_code read_filter(struct request *r, struct audit_question *q, struct err *err) {
    struct jbuf bound = {0};
    for (size_t i = 0; i < r->query.n; i++) {
        const struct query_param *p = &r->query.params[i];
        if (strcmp(p->name, "limit") == 0 || strcmp(p->name, "cursor") == 0)
            continue;
        enum err_code code = audit_filter_set(&q->filter, p->name, p->value, r->arena, err);
        if (code != ERR_OK) {
            jb_free(&bound);
            return code == ERR_NOT_FOUND ? err_set_path(err, ERR_INVALID_VALUE, p->name,
                                                        "There is no parameter \"%.100s\" here", p->name)
                                         : code;
        }
        jb_printf(&bound, "%s=%s\n", p->name, p->value);
    }
    q->bound_query = arena_strdup(r->arena, bound.p != NULL ? bound.p : "");
    jb_free(&bound);
    return ERR_OK;
}

static bool seal_audit(const struct request *r, const struct audit_question *q, const char *bound[4],
                       struct cursor_seal *seal) {
    bound[0] = r->verdict.workspace.s;
    bound[1] = r->verdict.key.s;
    bound[2] = "audit";
    bound[3] = q->bound_query;
    *seal = (struct cursor_seal){seal_key(), bound, 4};
    return seal->secret != NULL;
}

/* The place is the key of the cursor; it has no id. */
static enum err_code read_place(struct request *r, struct audit_question *q, struct err *err) {
    const char *text = query_get(&r->query, "cursor"), *bound[4];
    struct cursor_seal seal;
    struct cursor c;
    int64_t limit;
    if (query_int(&r->query, "limit", LIMIT_DEFAULT, &limit, err) != ERR_OK)
        return err->code;
    if (limit < 1 || limit > LIMIT_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "limit", "limit is 1 to %d", LIMIT_MAX);
    q->limit = (int)limit;
    if (!seal_audit(r, q, bound, &seal))
        return err_set(err, ERR_UNAVAILABLE, "%s", "");
    if (text == NULL || text[0] == '\0')
        return ERR_OK;
    if (cursor_decode(text, &seal, clock_wall_us(), r->arena, &c, err) != ERR_OK)
        return err->code;
    if (c.key == NULL ||
        sscanf(c.key, "%" SCNd64 " %d %" SCNd64, &q->after.at_us, &q->after.tree, &q->after.n) != 3)
        return err_set(err, ERR_INVALID_CURSOR, "%s", "");
    return ERR_OK;
}

static enum step audit_list_begin(struct request *r) {
    struct audit_question *q = arena_alloc(r->arena, sizeof *q);
    struct err err = {0};
    q->question = (struct question){.ask = ask_audit, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    if (read_filter(r, q, &err) != ERR_OK || read_place(r, q, &err) != ERR_OK)
        return handle_refuse(r, &err);
    r->question = &q->question;
    return STEP_ASK;
}

static void put_audit_next(struct request *r, const struct audit_question *q) {
    const char *bound[4];
    struct cursor_seal seal;
    const struct audit_place *next = &q->found.next;
    struct cursor c = {.placed = true,
                       .id = r->verdict.workspace,
                       .expires_us = clock_wall_us() + r->in->settings.cursor_seconds * INT64_C(1000000)};
    if (!q->found.more || !seal_audit(r, q, bound, &seal)) {
        jb_kraw(&r->answer.body, "next", NULL);
        return;
    }
    c.key = arena_printf(r->arena, "%" PRId64 " %d %" PRId64, next->at_us, next->tree, next->n);
    jb_kstr(&r->answer.body, "next", cursor_encode(&c, &seal, r->arena));
}

void admin_audit_put(struct jbuf *b, const struct audit_record *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row->event);
    jb_kstr(b, "tree", audit_tree_name(row->tree));
    jb_kint(b, "index", row->n);
    jb_key(b, "record");
    jb_mem(b, row->bytes, row->nbytes);
    jb_raw(b, "}");
}

static enum step audit_list_on_rows(struct request *r) {
    const struct audit_question *q = (const struct audit_question *)r->question;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < q->found.n; i++)
        admin_audit_put(b, &q->found.rows[i]);
    jb_raw(b, "]");
    put_audit_next(r, q);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler admin_audit_list = {.begin = audit_list_begin, .on_rows = audit_list_on_rows};

/* ---- why ---- */

struct why_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace;
    struct uuid room, user;
    struct audit_why why;
};

static enum err_code ask_why(struct question *q, struct db *db, struct err *err) {
    struct why_question *w = (struct why_question *)q;
    enum err_code code = audit_begin(db, w->workspace, err);
    if (code == ERR_OK)
        code = audit_why(db, w->workspace, w->room.s, w->user.s, w->arena, &w->why, err);
    audit_end(db);
    return code;
}

static enum step why_begin(struct request *r) {
    struct why_question *q = arena_alloc(r->arena, sizeof *q);
    q->question = (struct question){.ask = ask_why, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    if (!uuid_parse(r->route.segment, &q->room))
        return api_not_found(r, "Room", r->route.segment);
    if (!uuid_parse(r->route.second, &q->user))
        return api_not_found(r, "User", r->route.second);
    r->question = &q->question;
    return STEP_ASK;
}

/* Of a room and a user that nobody has ever heard of there is nothing to tell. */
static enum step why_on_rows(struct request *r) {
    const struct why_question *q = (const struct why_question *)r->question;
    if (!q->why.room && q->why.past.n == 0)
        return api_not_found(r, "Room", r->route.segment);
    if (!q->why.user && q->why.past.n == 0)
        return api_not_found(r, "User", r->route.second);
    audit_why_put(answer_begin(r, 200), q->room.s, q->user.s, &q->why);
    return STEP_ANSWERED;
}

const struct handler api_member_why = {.begin = why_begin, .on_rows = why_on_rows};
