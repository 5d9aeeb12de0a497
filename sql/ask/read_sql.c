#include "sql/ask/read_sql.h"

#include "sql/filter/sort_sql.h"

/* r is the row of users, rooms or resources, $2 the base URL as the inside of a JSON string. */
#define ROW_COLUMNS                                                                                          \
    "r.id, r.doc, r.version, (extract(epoch FROM r.created) * 1000000)::bigint, "                            \
    "(extract(epoch FROM r.modified) * 1000000)::bigint, "
#define USER_COLUMNS ROW_COLUMNS "r.managed, r.seat, "
#define OTHER_COLUMNS ROW_COLUMNS "NULL::boolean, NULL::boolean, "

/* LATERAL with OFFSET 0, here and in unit_load.c: row by row through an index, in this order, whatever the
 * statistics say. A plan made while a table is new and thought empty would stay, and read the whole of it. */
#define BY_KEY(table, alias, id)                                                                             \
    " CROSS JOIN LATERAL (SELECT * FROM " table " z WHERE z.workspace_id = m.workspace_id AND z.id = m." id  \
    " OFFSET 0) " alias " "

#define USER_REFS                                                                                            \
    "coalesce((SELECT '[' || string_agg('{\"value\":\"' || m.room_id || '\",\"$ref\":\"' || $2 || "          \
    "'/Groups/' || m.room_id || '\",\"display\":' || "                                                       \
    "to_json(g.display_name) || ',\"type\":\"direct\"}', ',' ORDER BY m.room_id) || ']' FROM members "       \
    "m" BY_KEY(                                                                                              \
        "rooms", "g",                                                                                        \
        "room_id") "WHERE m.workspace_id = r.workspace_id AND m.user_id = r.id AND NOT m.held), '[]')"

#define ROOM_REF_IDS                                                                                         \
    "coalesce((SELECT '[' || string_agg('{\"value\":\"' || m.user_id || '\",\"$ref\":\"' || $2 || "          \
    "'/Users/' || m.user_id || '\",\"type\":\"User\"}', ',' ORDER BY m.user_id) || ']' FROM members m "      \
    "WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held), '[]')"

#define ROOM_REFS                                                                                            \
    "coalesce((SELECT '[' || string_agg('{\"value\":\"' || m.user_id || '\",\"$ref\":\"' || $2 || "          \
    "'/Users/' || m.user_id || '\",\"display\":' || "                                                        \
    "to_json(coalesce(u.display_name, u.user_name)) || ',\"type\":\"User\"}', ',' ORDER BY m.user_id) || "   \
    "']' FROM members m" BY_KEY(                                                                             \
        "users", "u",                                                                                        \
        "user_id") "WHERE m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held), '[]')"

#define NO_REFS "NULL::text || $2" /* names $2, so that all forms take the same parameters */

#define GET_SQL(columns, table, type)                                                                        \
    "SELECT " columns " FROM unnest($3::uuid[]) AS a (id) CROSS JOIN LATERAL "                               \
    "(SELECT * FROM " table " z WHERE z.workspace_id = $1::uuid AND z.id = a.id" type " OFFSET 0) r"

/* By kind of the type, and how much of groups or members is wanted. */
static const struct form {
    const char *table, *columns[3], *get[3];
} forms[] = {
    [RESOURCE_USER] = {"users",
                       {USER_COLUMNS NO_REFS, USER_COLUMNS USER_REFS, USER_COLUMNS USER_REFS},
                       {GET_SQL(USER_COLUMNS NO_REFS, "users", ""),
                        GET_SQL(USER_COLUMNS USER_REFS, "users", ""),
                        GET_SQL(USER_COLUMNS USER_REFS, "users", "")}},
    [RESOURCE_ROOM] = {"rooms",
                       {OTHER_COLUMNS NO_REFS, OTHER_COLUMNS ROOM_REF_IDS, OTHER_COLUMNS ROOM_REFS},
                       {GET_SQL(OTHER_COLUMNS NO_REFS, "rooms", ""),
                        GET_SQL(OTHER_COLUMNS ROOM_REF_IDS, "rooms", ""),
                        GET_SQL(OTHER_COLUMNS ROOM_REFS, "rooms", "")}},
    [RESOURCE_CUSTOM] = {"resources",
                         {OTHER_COLUMNS NO_REFS, NULL, NULL}, /* such a type has neither */
                         {GET_SQL(OTHER_COLUMNS NO_REFS, "resources", " AND z.type = $4::text"), NULL, NULL}},
};

const char *read_sql_get(const struct resource_type *rt, enum refs_wanted refs) {
    return forms[rt->kind].get[refs];
}

/* ---- lists ---- */

struct list {
    const struct read_query *q;
    struct jbuf *sql;
    struct sql_params *params;
    struct err *err;
    bool text; /* the sort key is a text */
    bool descending;
};

static void put_param(struct list *l, const char *text, const char *type) {
    jb_printf(l->sql, "$%d%s", sql_params_add(l->params, text), type);
}

static void put_number(struct list *l, int64_t n) {
    put_param(l, arena_printf(l->params->arena, "%lld", (long long)n), "::bigint");
}

/* Of the list over all parts the keys must be of one type: text, if any is. */
static bool key_is_text(const struct read_query *q) {
    bool any = false;
    for (size_t i = 0; i < q->nparts; i++)
        any = any || (q->parts[i].sort != NULL && sort_sql_is_text(q->parts[i].sort));
    return any;
}

static enum err_code put_key(struct list *l, const struct read_part *part) {
    if (part->sort == NULL) {
        jb_raw(l->sql, l->text ? "NULL::text COLLATE \"C\"" : "NULL::numeric");
        return ERR_OK;
    }
    return sort_sql(part->rt, part->sort, l->text, l->sql, l->params, l->err);
}

/* " FROM table r WHERE …" without the type. */
static void put_table(struct list *l, const struct read_part *part) {
    jb_printf(l->sql, " FROM %s r WHERE r.workspace_id = $1::uuid", forms[part->rt->kind].table);
}

/* The same with the type and the filter. */
static enum err_code put_source(struct list *l, const struct read_part *part) {
    put_table(l, part);
    if (part->rt->kind == RESOURCE_CUSTOM) {
        /* IS TRUE: a mere condition on what the filter finds, and no way to find it */
        bool found = part->filter != NULL && filter_sql_finds(part->filter);
        jb_raw(l->sql, found ? " AND (r.type = " : " AND r.type = ");
        put_param(l, part->rt->name, found ? "::text) IS TRUE" : "::text");
    }
    if (part->filter == NULL)
        return ERR_OK;
    jb_raw(l->sql, " AND ");
    return filter_sql(part->rt, part->filter, l->sql, l->params, l->err);
}

/* The rows beyond the place in the order of reading, which without a place are all. NULL is beyond every
 * key. */
static void put_beyond(struct list *l) {
    const struct read_place *place = l->q->place;
    const char *sign = l->descending ? "<" : ">";
    if (l->q->start_index > 0 || place == NULL)
        return;
    jb_raw(l->sql, " WHERE ");
    int id = sql_params_add(l->params, place->id);
    if (!l->q->sorted) {
        jb_printf(l->sql, "r.id %s $%d::uuid", sign, id);
    } else if (place->key == NULL) {
        jb_printf(l->sql,
                  l->descending ? "(r.k IS NOT NULL OR r.id < $%d::uuid)"
                                : "(r.k IS NULL AND r.id > $%d::uuid)",
                  id);
    } else {
        int key = sql_params_add(l->params, place->key);
        const char *type = l->text ? "text" : "numeric";
        jb_printf(l->sql, "(r.k %s $%d::%s OR (r.k = $%d::%s AND r.id %s $%d::uuid)%s)", sign, key, type, key,
                  type, sign, id, l->descending ? "" : " OR r.k IS NULL");
    }
}

/* Keys ascend with NULL last and descend with NULL first, as PostgreSQL has it by itself (rule G1). */
static void put_order(struct list *l, bool descending) {
    const char *direction = descending ? " DESC" : "";
    jb_raw(l->sql, " ORDER BY ");
    if (l->q->sorted)
        jb_printf(l->sql, "r.k%s, ", direction);
    jb_printf(l->sql, "r.id%s", direction);
}

static void put_limit(struct list *l) {
    jb_raw(l->sql, " LIMIT ");
    put_number(l, l->q->count + 1);
    if (l->q->start_index > 1) {
        jb_raw(l->sql, " OFFSET ");
        put_number(l, l->q->start_index - 1);
    }
}

/* Rows without filter and sort key are found along an index in the order of ids, from the place on, and no
 * further than the page goes: the primary key, or that of (workspace, type, id), which the planner takes for
 * sure only where the type is a range and a part of the order. */
static void put_walk(struct list *l, const struct read_part *part) {
    const struct read_query *q = l->q;
    const char *direction = l->descending ? " DESC" : "", *sign = l->descending ? "<" : ">";
    bool typed = part->rt->kind == RESOURCE_CUSTOM, placed = q->start_index == 0 && q->place != NULL;
    int type = 0;
    put_table(l, part);
    if (typed) {
        type = sql_params_add(l->params, part->rt->name);
        jb_printf(l->sql, " AND r.type >= $%d::text AND r.type <= $%d::text", type, type);
    }
    if (placed) {
        int id = sql_params_add(l->params, q->place->id);
        if (typed)
            jb_printf(l->sql, " AND (r.type, r.id) %s ($%d::text, $%d::uuid)", sign, type, id);
        else
            jb_printf(l->sql, " AND r.id %s $%d::uuid", sign, id);
    }
    jb_printf(l->sql, typed ? " ORDER BY r.type%s, r.id%s LIMIT " : " ORDER BY r.id%s LIMIT ", direction,
              direction);
    put_number(l, (q->start_index > 1 ? q->start_index - 1 : 0) + q->count + 1);
}

static bool walks(const struct read_query *q) {
    for (size_t i = 0; i < q->nparts; i++)
        if (q->parts[i].filter != NULL)
            return false;
    return !q->sorted;
}

/* The rows of one part. With a filter or a key they are found first and sorted then (OFFSET 0): the order
 * must not tempt into a walk along the primary key. */
static enum err_code put_part(struct list *l, size_t index, const char *columns) {
    const struct read_part *part = &l->q->parts[index];
    jb_printf(l->sql, "(SELECT %s", columns);
    if (l->q->nparts > 1)
        jb_printf(l->sql, ", %zu AS part", index);
    if (walks(l->q)) {
        put_walk(l, part);
    } else {
        jb_raw(l->sql, l->q->sorted ? ", " : "");
        if (l->q->sorted && put_key(l, part) != ERR_OK)
            return l->err->code;
        jb_raw(l->sql, l->q->sorted ? " AS k" : "");
        if (put_source(l, part) != ERR_OK)
            return l->err->code;
        jb_raw(l->sql, " OFFSET 0");
    }
    jb_raw(l->sql, ")");
    return ERR_OK;
}

/* What of all parts is on the page. */
static void put_cut(struct list *l) {
    if (!walks(l->q))
        put_beyond(l);
    put_order(l, l->descending);
    put_limit(l);
}

/* Of one type: the page's rows as they are, and to those alone what else is shown. */
static enum err_code put_page(struct list *l) {
    const struct read_part *part = l->q->parts;
    jb_printf(l->sql, "SELECT %s%s FROM (SELECT * FROM ", forms[part->rt->kind].columns[part->refs],
              l->q->sorted ? ", r.k" : ", NULL");
    if (put_part(l, 0, "*") != ERR_OK)
        return l->err->code;
    jb_raw(l->sql, " r");
    put_cut(l);
    jb_raw(l->sql, ") r");
    put_order(l, l->q->descending);
    return ERR_OK;
}

/* Of several types: the ids of the page first, then each row from its table. */
static enum err_code put_mixed_page(struct list *l) {
    const struct read_query *q = l->q;
    jb_printf(l->sql, "SELECT x.*, %s, r.part FROM (SELECT * FROM (", q->sorted ? "r.k" : "NULL");
    for (size_t i = 0; i < q->nparts; i++) {
        jb_raw(l->sql, i > 0 ? " UNION ALL " : "");
        if (put_part(l, i, "r.id") != ERR_OK)
            return l->err->code;
    }
    jb_raw(l->sql, ") r");
    put_cut(l);
    jb_raw(l->sql, ") r CROSS JOIN LATERAL (");
    for (size_t i = 0; i < q->nparts; i++) {
        const struct form *form = &forms[q->parts[i].rt->kind];
        jb_printf(
            l->sql,
            "%s(SELECT %s FROM (SELECT * FROM %s z WHERE r.part = %zu AND z.workspace_id = $1::uuid AND "
            "z.id = r.id OFFSET 0) r)",
            i > 0 ? " UNION ALL " : "", form->columns[q->parts[i].refs], form->table, i);
    }
    jb_raw(l->sql, ") x");
    put_order(l, q->descending);
    return ERR_OK;
}

enum err_code read_sql_page(const struct read_query *q, const char *base, struct jbuf *sql,
                            struct sql_params *params, struct err *err) {
    struct list l = {q, sql, params, err, key_is_text(q), q->descending != q->backward};
    params->base = q->base;
    sql_params_add(params, q->workspace);
    sql_params_add(params, base);
    return q->nparts == 1 ? put_page(&l) : put_mixed_page(&l);
}

/* The column of workspaces that has the number of a type's resources; NULL: they must be counted. */
static const char *counted_in(const struct read_part *part) {
    if (part->filter != NULL)
        return NULL;
    return part->rt->kind == RESOURCE_USER   ? "users_total"
           : part->rt->kind == RESOURCE_ROOM ? "rooms_total"
                                             : NULL;
}

bool read_sql_total_is_cheap(const struct read_query *q) {
    for (size_t i = 0; i < q->nparts; i++)
        if (counted_in(&q->parts[i]) == NULL)
            return false;
    return true;
}

enum err_code read_sql_total(const struct read_query *q, struct jbuf *sql, struct sql_params *params,
                             struct err *err) {
    struct list l = {.q = q, .sql = sql, .params = params, .err = err};
    params->base = q->base;
    sql_params_add(params, q->workspace);
    jb_raw(sql, "SELECT ");
    for (size_t i = 0; i < q->nparts; i++) {
        const char *column = counted_in(&q->parts[i]);
        jb_raw(sql, i > 0 ? " + (SELECT " : "(SELECT ");
        if (column != NULL) {
            jb_printf(sql, "%s FROM workspaces WHERE workspace_id = $1::uuid)", column);
            continue;
        }
        jb_raw(sql, "count(*)");
        if (put_source(&l, &q->parts[i]) != ERR_OK)
            return err->code;
        jb_raw(sql, ")");
    }
    return ERR_OK;
}
