/* What is asked most of a list of memberships is who is in a room, and which rooms a user is in: one side is
 * named. The other side is then the order, and the index has it. Whatever else the filter says is a condition
 * on the rows that are met along the way. */
#include "sql/ask/membership_sql.h"

#include "schemas/resource/membership.h"
#include "sql/filter/where.h"
#include "sql/statement.h"

#include <string.h>

/* The sides that every row must have. */
struct sides {
    struct uuid room, user; /* "": any */
    bool rest;              /* the filter says more than that */
};

bool membership_sql_is_for(const struct read_query *q) {
    return q->nparts == 1 && q->parts->rt->kind == RESOURCE_MEMBERSHIP;
}

static bool is_value_of(const struct attr_path *path, const char *side) {
    return path->extension == NULL && path->attr != NULL && strcmp(path->attr->name, side) == 0 &&
           path->sub != NULL && strcmp(path->sub->name, "value") == 0;
}

static bool is_id(const struct attr_path *path) {
    return path->extension == NULL && path->attr != NULL && strcmp(path->attr->name, "id") == 0;
}

/* An id as it is written. False: nothing has it, which the condition itself says. */
static bool take_side(struct uuid *into, const char *text) {
    struct uuid id;
    if (uuid_is_set(into) || !uuid_parse(text, &id) || strcmp(id.s, text) != 0)
        return false;
    *into = id;
    return true;
}

static void take_pair(struct sides *s, const char *text) {
    struct membership_id id;
    if (membership_id_parse(text, &id)) {
        (void)take_side(&s->room, id.room.s);
        (void)take_side(&s->user, id.user.s);
    }
    s->rest = true;
}

static void find_sides(const struct filter *f, struct sides *s) {
    if (f->kind == FILTER_AND) {
        find_sides(f->left, s);
        find_sides(f->right, s);
        return;
    }
    bool equals = f->kind == FILTER_COMPARE && f->op == FILTER_EQ;
    if (equals && is_id(&f->path))
        take_pair(s, f->value.text);
    else if (!equals || (!(is_value_of(&f->path, "group") && take_side(&s->room, f->value.text)) &&
                         !(is_value_of(&f->path, "member") && take_side(&s->user, f->value.text))))
        s->rest = true;
}

static struct sides sides_of(const struct read_query *q) {
    struct sides s = {0};
    if (q->parts->filter != NULL)
        find_sides(q->parts->filter, &s);
    return s;
}

bool membership_sql_finds_one(const struct read_query *q) {
    struct sides s = sides_of(q);
    return uuid_is_set(&s.room) && uuid_is_set(&s.user);
}

bool membership_sql_walks(const struct read_query *q) {
    return !sides_of(q).rest;
}

static const char *order_of(const struct sides *s, bool descending) {
    if (uuid_is_set(&s->room))
        return descending ? "r.user_id DESC" : "r.user_id";
    if (uuid_is_set(&s->user))
        return descending ? "r.room_id DESC" : "r.room_id";
    return descending ? "r.room_id DESC, r.user_id DESC" : "r.room_id, r.user_id";
}

/* The rows behind the place. Its key is the room, its id the user. */
static void put_place(const struct read_query *q, const struct sides *s, bool descending, struct jbuf *out,
                      struct sql_params *params) {
    const struct read_place *p = q->start_index == 0 ? q->place : NULL;
    const char *sign = descending ? "<" : ">";
    if (p == NULL)
        return;
    /* What is not used is no parameter: PostgreSQL could not tell its type. */
    if (uuid_is_set(&s->room))
        jb_printf(out, " AND r.user_id %s %s", sign, sql_params_ref(params, p->id, "uuid"));
    else if (uuid_is_set(&s->user))
        jb_printf(out, " AND r.room_id %s %s", sign, sql_params_ref(params, p->key, "uuid"));
    else
        jb_printf(out, " AND (r.room_id, r.user_id) %s (%s, %s)", sign,
                  sql_params_ref(params, p->key, "uuid"), sql_params_ref(params, p->id, "uuid"));
}

static enum err_code put_source(const struct read_query *q, const struct sides *s, struct jbuf *out,
                                struct sql_params *params, struct err *err) {
    jb_raw(out, "true");
    if (uuid_is_set(&s->room))
        jb_printf(out, " AND r.room_id = %s",
                  sql_params_ref(params, arena_strdup(params->arena, s->room.s), "uuid"));
    if (uuid_is_set(&s->user))
        jb_printf(out, " AND r.user_id = %s",
                  sql_params_ref(params, arena_strdup(params->arena, s->user.s), "uuid"));
    if (!s->rest)
        return ERR_OK;
    jb_raw(out, " AND ");
    return where_filter(q->parts->rt, q->parts->filter, out, params, err);
}

static const char *number(struct sql_params *params, int64_t n) {
    return arena_printf(params->arena, "%lld", (long long)n);
}

enum err_code membership_sql_page(const struct read_query *q, const char *base, struct jbuf *sql,
                                  struct sql_params *params, struct err *err) {
    struct sides s = sides_of(q);
    struct jbuf source = {0};
    params->base = q->base;
    (void)sql_params_add(params, q->workspace);
    (void)sql_params_add(params, base);
    (void)sql_params_add(params, number(params, q->count + 1));
    (void)sql_params_add(params, q->parts->rt->name);
    enum err_code code = put_source(q, &s, &source, params, err);
    put_place(q, &s, q->backward, &source, params);
    const char *skip = "0";
    if (q->start_index > 1)
        skip = sql_params_ref(params, number(params, q->start_index - 1), "bigint");
    if (code == ERR_OK)
        SQL_FILL(sql, sql_part_read_memberships_page, {"source", source.p},
                 {"order", order_of(&s, q->backward)}, {"skip", skip}, {"shown", order_of(&s, false)});
    jb_free(&source);
    return code;
}

enum err_code membership_sql_total(const struct read_query *q, struct jbuf *sql, struct sql_params *params,
                                   struct err *err) {
    struct sides s = sides_of(q);
    struct jbuf source = {0};
    params->base = q->base;
    (void)sql_params_add(params, q->workspace);
    enum err_code code = put_source(q, &s, &source, params, err);
    if (code == ERR_OK)
        SQL_FILL(sql, sql_part_read_memberships_total, {"source", source.p});
    jb_free(&source);
    return code;
}
