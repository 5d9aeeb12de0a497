/* The statements that read resources. One of a resource by its id is written in statements/read.sql. A list
 * is the client's to choose (types, filter, sort key, place), so its statement is put together here at run
 * time, from the parts of that file. */
#include "sql/ask/read_sql.h"

#include "sql/ask/membership_sql.h"
#include "sql/filter/column.h"
#include "sql/filter/lookup.h"
#include "sql/filter/sort.h"
#include "sql/filter/where.h"

#include <string.h>

/* What is shown of a kind of resource. By how much of groups or members is wanted: the part that shows them,
 * and the statement that reads resources with it. Types of an operator's have neither. */
static const struct form {
    const char *table, *columns, *refs[3];
    enum statement get[3];
} forms[] = {
    [RESOURCE_USER] = {"users",
                       sql_part_read_user_columns,
                       {sql_part_read_no_refs, sql_part_read_groups, sql_part_read_groups},
                       {SQL_READ_USER, SQL_READ_USER_GROUPS, SQL_READ_USER_GROUPS}},
    [RESOURCE_ROOM] = {"rooms",
                       sql_part_read_room_columns,
                       {sql_part_read_no_refs, sql_part_read_member_ids, sql_part_read_members},
                       {SQL_READ_ROOM, SQL_READ_ROOM_MEMBER_IDS, SQL_READ_ROOM_MEMBERS}},
    [RESOURCE_CUSTOM] = {"resources",
                         sql_part_read_other_columns,
                         {sql_part_read_no_refs, sql_part_read_no_refs, sql_part_read_no_refs},
                         {SQL_READ_RESOURCE, SQL_READ_RESOURCE, SQL_READ_RESOURCE}},
    [RESOURCE_MEMBERSHIP] = {.get = {SQL_READ_MEMBERSHIP, SQL_READ_MEMBERSHIP, SQL_READ_MEMBERSHIP}},
};

enum statement read_sql_get(const struct resource_type *rt, enum refs_wanted refs) {
    return forms[rt->kind].get[refs];
}

enum statement read_sql_named(enum refs_wanted refs) {
    return refs == REFS_NONE ? SQL_READ_USER_NAMED : SQL_READ_USER_NAMED_GROUPS;
}

/* ---- lists ---- */

struct list {
    const struct read_query *q;
    struct sql_params *params;
    struct err *err;
    bool text; /* the sort key is a text */
    bool descending;
};

static const char *number(struct list *l, int64_t n) {
    return sql_params_ref(l->params, arena_printf(l->params->arena, "%lld", (long long)n), "bigint");
}

/* Of the list over all parts the keys must be of one type: text, if any is. */
static bool key_is_text(const struct read_query *q) {
    bool any = false;
    for (size_t i = 0; i < q->nparts; i++)
        any = any || (q->parts[i].sort != NULL && sort_is_text(q->parts[i].sort));
    return any;
}

static enum err_code put_key(struct list *l, const struct read_part *part, struct jbuf *out) {
    if (part->sort == NULL) {
        jb_raw(out, l->text ? "NULL::text COLLATE \"C\"" : "NULL::numeric");
        return ERR_OK;
    }
    return sort_key(part->rt, part->sort, l->text, out, l->params, l->err);
}

static bool is_modified(const struct attr_path *path) {
    return path->extension == NULL && path->attr != NULL && path->sub != NULL &&
           strcmp(path->attr->name, "meta") == 0 && strcmp(path->sub->name, "lastModified") == 0;
}

static bool asks_times(const struct filter *f) {
    if (f == NULL)
        return true;
    if (f->kind == FILTER_AND)
        return asks_times(f->left) && asks_times(f->right);
    return f->kind == FILTER_COMPARE && f->op >= FILTER_GT && f->op <= FILTER_LE && is_modified(&f->path);
}

/* The condition on a part's rows: workspace, type and filter. */
static enum err_code put_source(struct list *l, const struct read_part *part, struct jbuf *out) {
    jb_raw(out, "r.workspace_id = $1::uuid");
    if (part->rt->kind == RESOURCE_CUSTOM) {
        /* IS TRUE: a mere condition on what the filter finds, and no way to find it */
        bool found = part->filter != NULL && (lookup_finds(part->filter) || asks_times(part->filter));
        const char *type = sql_params_ref(l->params, part->rt->name, "text");
        jb_printf(out, found ? " AND (r.type = %s) IS TRUE" : " AND r.type = %s", type);
    }
    if (part->filter == NULL)
        return ERR_OK;
    jb_raw(out, " AND ");
    return where_filter(part->rt, part->filter, out, l->params, l->err);
}

/* The rows beyond the place in the order of reading, which without a place are all. NULL is beyond every
 * key. */
static const char *beyond(struct list *l) {
    const struct read_place *place = l->q->place;
    const char *sign = l->descending ? "<" : ">";
    struct arena *a = l->params->arena;
    if (l->q->start_index > 0 || place == NULL)
        return "true";
    const char *id = sql_params_ref(l->params, place->id, "uuid");
    if (!l->q->sorted)
        return arena_printf(a, "r.id %s %s", sign, id);
    if (place->key == NULL)
        return arena_printf(
            a, l->descending ? "(r.k IS NOT NULL OR r.id < %s)" : "(r.k IS NULL AND r.id > %s)", id);
    const char *key = sql_params_ref(l->params, place->key, l->text ? "text" : "numeric");
    return arena_printf(a, "(r.k %s %s OR (r.k = %s AND r.id %s %s)%s)", sign, key, key, sign, id,
                        l->descending ? "" : " OR r.k IS NULL");
}

/* Keys ascend with NULL last and descend with NULL first, as PostgreSQL has it by itself (rule G1). */
static const char *order(const struct list *l, bool descending) {
    if (l->q->sorted)
        return descending ? "r.k DESC, r.id DESC" : "r.k, r.id";
    return descending ? "r.id DESC" : "r.id";
}

/* ---- lists that are read along an index ---- */

/* How the rows of a page are found. But for the first, along an index in the list's order, from the place on
 * and no further than the page goes. */
enum way {
    WAY_SEARCH,   /* all that the filter finds; they are sorted then */
    WAY_IDS,      /* without filter and order: the primary key, or that of types */
    WAY_MODIFIED, /* by meta.lastModified, perhaps from and to a time */
    WAY_MEMBERS,  /* without order: who has a certain member, or is one of a certain room */
};

static enum way way_of(const struct read_query *q) {
    bool filtered = false;
    for (size_t i = 0; i < q->nparts; i++)
        filtered = filtered || q->parts[i].filter != NULL;
    if (!filtered && !q->sorted)
        return WAY_IDS;
    if (q->nparts != 1)
        return WAY_SEARCH;
    const struct read_part *part = &q->parts[0];
    if (q->sorted)
        return is_modified(part->sort) && asks_times(part->filter) ? WAY_MODIFIED : WAY_SEARCH;
    return lookup_member(part->filter) != NULL ? WAY_MEMBERS : WAY_SEARCH;
}

bool read_sql_walks(const struct read_query *q) {
    return way_of(q) != WAY_SEARCH;
}

static bool has_place(const struct read_query *q) {
    return q->start_index == 0 && q->place != NULL;
}

/* Rows that are passed over, and how many are read. A list of several types is cut out of those of each. */
static const char *passed(struct list *l) {
    return l->q->nparts == 1 && l->q->start_index > 1 ? number(l, l->q->start_index - 1) : "0";
}

static const char *page_limit(struct list *l) {
    const struct read_query *q = l->q;
    int64_t before = q->nparts > 1 && q->start_index > 1 ? q->start_index - 1 : 0;
    return number(l, before + q->count + 1);
}

/* The conditions on the rows in the index: the part's own, and the place. Their order in the index is *order.
 */
static enum err_code put_walk_source(struct list *l, const struct read_part *part, enum way way,
                                     const char **order, struct jbuf *out) {
    const char *sign = l->descending ? "<" : ">";
    const struct read_place *place = has_place(l->q) ? l->q->place : NULL;
    const char *id = place != NULL ? sql_params_ref(l->params, place->id, "uuid") : NULL;
    if (way == WAY_MODIFIED) {
        *order = l->descending ? "r.modified DESC, r.id DESC" : "r.modified, r.id";
        enum err_code code = put_source(l, part, out);
        if (code == ERR_OK && place != NULL)
            jb_printf(out, " AND (r.modified, r.id) %s (from_micros(%s), %s)", sign,
                      sql_params_ref(l->params, place->key, "bigint"), id);
        return code;
    }
    jb_raw(out, "r.workspace_id = $1::uuid");
    *order = l->descending ? "r.id DESC" : "r.id";
    if (part->rt->kind != RESOURCE_CUSTOM) {
        if (place != NULL)
            jb_printf(out, " AND r.id %s %s", sign, id);
        return ERR_OK;
    }
    const char *type = sql_params_ref(l->params, part->rt->name, "text");
    *order = l->descending ? "r.type DESC, r.id DESC" : "r.type, r.id";
    jb_printf(out, " AND r.type >= %s AND r.type <= %s", type, type);
    if (place != NULL)
        jb_printf(out, " AND (r.type, r.id) %s (%s, %s)", sign, type, id);
    return ERR_OK;
}

static enum err_code put_walk(struct list *l, const struct read_part *part, enum way way, const char *what,
                              struct jbuf *out) {
    const char *table = forms[part->rt->kind].table, *order;
    struct jbuf source = {0};
    enum err_code code = put_walk_source(l, part, way, &order, &source);
    const char *skip = passed(l), *limit = page_limit(l);
    if (code == ERR_OK && strcmp(skip, "0") == 0)
        SQL_FILL(out, sql_part_read_walk, {"what", what}, {"table", table}, {"source", source.p},
                 {"order", order}, {"limit", limit});
    else if (code == ERR_OK)
        SQL_FILL(out, sql_part_read_walk_from, {"what", what}, {"table", table}, {"source", source.p},
                 {"order", order}, {"limit", limit}, {"skip", skip});
    jb_free(&source);
    return code;
}

static void put_members(struct list *l, const struct read_part *part, const char *what, struct jbuf *out) {
    const struct column_refs *refs = column_refs(part->rt);
    struct arena *a = l->params->arena;
    struct jbuf source = {0};
    const char *beyond = "true";
    if (has_place(l->q))
        beyond = arena_printf(a, "%s %s %s", refs->own, l->descending ? "<" : ">",
                              sql_params_ref(l->params, l->q->place->id, "uuid"));
    jb_raw(&source, "r.workspace_id = $1::uuid AND ");
    SQL_FILL(&source, sql_part_read_walk_members, {"own", refs->own}, {"id", refs->id},
             {"value", sql_params_ref(l->params, lookup_member(part->filter), "uuid")}, {"beyond", beyond},
             {"order", l->descending ? arena_printf(a, "%s DESC", refs->own) : refs->own},
             {"limit", page_limit(l)}, {"skip", passed(l)});
    SQL_FILL(out, sql_part_read_found, {"what", what}, {"table", forms[part->rt->kind].table},
             {"source", source.p});
    jb_free(&source);
}

/* ---- any list ---- */

/* The rows of one part, with the sort key if there is one. */
static enum err_code put_rows(struct list *l, const struct read_part *part, const char *what,
                              struct jbuf *out) {
    enum way way = way_of(l->q);
    struct jbuf columns = {0}, source = {0};
    enum err_code code = ERR_OK;
    jb_raw(&columns, what);
    if (l->q->sorted) {
        jb_raw(&columns, ", ");
        code = put_key(l, part, &columns);
        jb_raw(&columns, " AS k");
    }
    if (code == ERR_OK && way == WAY_MEMBERS)
        put_members(l, part, columns.p, out);
    else if (code == ERR_OK && way != WAY_SEARCH)
        code = put_walk(l, part, way, columns.p, out);
    else if (code == ERR_OK)
        code = put_source(l, part, &source);
    if (code == ERR_OK && way == WAY_SEARCH)
        SQL_FILL(out, sql_part_read_found, {"what", columns.p}, {"table", forms[part->rt->kind].table},
                 {"source", source.p});
    jb_free(&columns);
    jb_free(&source);
    return code;
}

/* What is still to be cut from the rows: the place and the number of the page's first. */
static const char *beyond_rows(struct list *l) {
    return read_sql_walks(l->q) ? "true" : beyond(l);
}

static const char *skip_rows(struct list *l) {
    bool passed_already = l->q->nparts == 1 && read_sql_walks(l->q);
    return l->q->start_index > 1 && !passed_already ? number(l, l->q->start_index - 1) : "0";
}

/* Of one type. */
static enum err_code put_page(struct list *l, struct jbuf *out) {
    const struct read_query *q = l->q;
    const struct form *form = &forms[q->parts->rt->kind];
    struct jbuf rows = {0};
    enum err_code code = put_rows(l, q->parts, "r.*", &rows);
    if (code == ERR_OK) {
        const char *place = beyond_rows(l), *limit = number(l, q->count + 1), *skip = skip_rows(l);
        SQL_FILL(out, sql_part_read_page, {"columns", form->columns}, {"refs", form->refs[q->parts->refs]},
                 {"key", q->sorted ? "r.k" : "NULL"}, {"rows", rows.p}, {"beyond", place},
                 {"order", order(l, l->descending)}, {"limit", limit}, {"skip", skip},
                 {"shown", order(l, q->descending)});
    }
    jb_free(&rows);
    return code;
}

static void put_more(struct jbuf *out) {
    if (out->n > 0)
        jb_printf(out, "\n%s\n", sql_part_read_union);
}

/* Of several types. */
static enum err_code put_mixed_page(struct list *l, struct jbuf *out) {
    const struct read_query *q = l->q;
    struct jbuf rows = {0}, bodies = {0};
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < q->nparts; i++) {
        const struct form *form = &forms[q->parts[i].rt->kind];
        const char *part = arena_printf(l->params->arena, "%zu", i);
        put_more(&rows);
        jb_raw(&rows, "(");
        code = put_rows(l, &q->parts[i], arena_printf(l->params->arena, "r.id, %zu AS part", i), &rows);
        jb_raw(&rows, ")");
        put_more(&bodies);
        SQL_FILL(&bodies, sql_part_read_body, {"columns", form->columns},
                 {"refs", form->refs[q->parts[i].refs]}, {"table", form->table}, {"part", part});
    }
    if (code == ERR_OK) {
        const char *place = beyond_rows(l), *limit = number(l, q->count + 1), *skip = skip_rows(l);
        SQL_FILL(out, sql_part_read_mixed_page, {"key", q->sorted ? "r.k" : "NULL"}, {"rows", rows.p},
                 {"beyond", place}, {"order", order(l, l->descending)}, {"limit", limit}, {"skip", skip},
                 {"bodies", bodies.p}, {"shown", order(l, q->descending)});
    }
    jb_free(&rows);
    jb_free(&bodies);
    return code;
}

enum err_code read_sql_page(const struct read_query *q, const char *base, struct jbuf *sql,
                            struct sql_params *params, struct err *err) {
    if (membership_sql_is_for(q))
        return membership_sql_page(q, base, sql, params, err);
    struct list l = {q, params, err, key_is_text(q), q->descending != q->backward};
    params->base = q->base;
    (void)sql_params_add(params, q->workspace);
    (void)sql_params_add(params, base);
    return q->nparts == 1 ? put_page(&l, sql) : put_mixed_page(&l, sql);
}

/* ---- how many there are ---- */

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

static enum err_code put_number_of(struct list *l, const struct read_part *part, struct jbuf *out) {
    const char *column = counted_in(part);
    if (column != NULL) {
        SQL_FILL(out, sql_part_read_counted, {"column", column});
        return ERR_OK;
    }
    const char *member = part->filter != NULL ? lookup_member(part->filter) : NULL;
    if (member != NULL) {
        SQL_FILL(out, sql_part_read_count_members, {"id", column_refs(part->rt)->id},
                 {"value", sql_params_ref(l->params, member, "uuid")});
        return ERR_OK;
    }
    struct jbuf source = {0};
    enum err_code code = put_source(l, part, &source);
    if (code == ERR_OK)
        SQL_FILL(out, sql_part_read_count, {"table", forms[part->rt->kind].table}, {"source", source.p});
    jb_free(&source);
    return code;
}

enum err_code read_sql_total(const struct read_query *q, struct jbuf *sql, struct sql_params *params,
                             struct err *err) {
    if (membership_sql_is_for(q))
        return membership_sql_total(q, sql, params, err);
    struct list l = {.q = q, .params = params, .err = err};
    struct jbuf sum = {0};
    enum err_code code = ERR_OK;
    params->base = q->base;
    (void)sql_params_add(params, q->workspace);
    for (size_t i = 0; code == ERR_OK && i < q->nparts; i++) {
        jb_raw(&sum, i > 0 ? " + " : "");
        code = put_number_of(&l, &q->parts[i], &sum);
    }
    if (code == ERR_OK)
        SQL_FILL(sql, sql_part_read_total, {"sum", sum.p});
    jb_free(&sum);
    return code;
}
