#include "sql/filter/column.h"

#include <string.h>

#define MEMBERSHIP_ID "(r.room_id || '.' || r.user_id)"

struct column {
    const char *path;
    enum expr_form form;
    const char *sql[RESOURCE_KINDS]; /* by kind of the type; NULL: not there */
    bool ordered;                    /* there is an index in the order of code points */
};
/* The same for all types but memberships. */
#define ALL(sql, membership)                                                                                 \
    { sql, sql, sql, membership }
static const struct column columns[] = {
    {"id", EXPR_UUID, ALL("r.id", NULL), false},
    {"id", EXPR_TEXT, ALL(NULL, MEMBERSHIP_ID), false},
    {"userName", EXPR_TEXT, {"r.user_name_key"}, true},
    {"externalId", EXPR_TEXT, ALL("r.external_id", "NULL::text"), false},
    {"displayName", EXPR_TEXT, {"r.display_name_key", "r.display_name_key"}, false},
    {"active", EXPR_BOOL, {"r.active"}, false},
    {"meta.created", EXPR_TIME, ALL("r.created", "r.created"), false},
    {"meta.lastModified", EXPR_TIME, ALL("r.modified", "coalesce(r.modified, r.created)"), false},
    {"meta.version", EXPR_TEXT,
     ALL("('W/\"' || r.version || '\"')", "('W/\"' || CASE WHEN r.transmit THEN 2 ELSE 1 END || '\"')"),
     false},
    {"group.value", EXPR_UUID, ALL(NULL, "r.room_id"), false},
    {"group.display", EXPR_TEXT, ALL(NULL, sql_part_filter_group_display), false},
    {"member.value", EXPR_UUID, ALL(NULL, "r.user_id"), false},
    {"member.type", EXPR_TEXT, ALL(NULL, "'user'::text"), false},
    {"member.display", EXPR_TEXT, ALL(NULL, sql_part_filter_member_display), false},
    {SCHEMA_USHER_MEMBERSHIP ":transmit", EXPR_BOOL, ALL(NULL, "r.transmit"), false},
};

static const struct column_refs refs_by_kind[] = {
    [RESOURCE_USER] = {.other = "rooms",
                       .join = "t.workspace_id = m.workspace_id AND t.id = m.room_id",
                       .of = "m.workspace_id = r.workspace_id AND m.user_id = r.id AND NOT m.held",
                       .own = "m.user_id",
                       .id = "m.room_id",
                       .display = "t.display_name_key",
                       .type = "'direct'::text",
                       .endpoint = "/Groups/"},
    [RESOURCE_ROOM] = {.other = "users",
                       .join = "t.workspace_id = m.workspace_id AND t.id = m.user_id",
                       .of = "m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held",
                       .own = "m.room_id",
                       .id = "m.user_id",
                       .display = "coalesce(t.display_name_key, t.user_name_key)",
                       .type = "'user'::text",
                       .endpoint = "/Users/"},
};

const struct column_refs *column_refs(const struct resource_type *rt) {
    return &refs_by_kind[rt->kind];
}

/* A membership has no document. All that it can have, it has: only the URN of its type is worth a question.
 */
static void put_search(struct builder *b, struct jbuf *sql) {
    if (b->rt->kind != RESOURCE_MEMBERSHIP)
        jb_raw(sql, "(r.search");
    else
        SQL_FILL(sql, sql_part_filter_membership_search,
                 {"urn", sql_params_ref(b->params, b->rt->schema->id, "text")});
}

const char *column_search(struct builder *b, const struct attr_path *path) {
    struct jbuf sql = {0};
    put_search(b, &sql);
    if (path->extension != NULL) {
        jb_raw(&sql, "->");
        builder_name(&sql, path->extension->id);
    }
    if (path->attr != NULL) {
        jb_raw(&sql, "->");
        builder_name(&sql, path->attr->name);
    }
    jb_raw(&sql, ")");
    return builder_keep(b, &sql);
}

const char *column_elements(struct builder *b, const struct attr_path *of) {
    if (!of->attr->apart)
        return BUILDER_PART(b, sql_part_filter_elements, {"json", column_search(b, of)});
    const struct column_refs *refs = column_refs(b->rt);
    if (!b->uses_other)
        return BUILDER_PART(b, sql_part_filter_members, {"of", refs->of});
    return BUILDER_PART(b, sql_part_filter_members_with_other, {"other", refs->other}, {"join", refs->join},
                        {"of", refs->of});
}

/* An address: what stands before the id, and the id. */
static struct expr location(struct builder *b, const char *endpoint, const char *slash, const char *id) {
    struct expr e = {.form = EXPR_LOCATION, .sql = id};
    if (b->params->base == NULL)
        e.sql = NULL;
    else
        e.prefix = arena_printf(b->params->arena, "%s%s%s", b->params->base, endpoint, slash);
    return e;
}

/* An address whose id is a text. */
static const char *whole_location(struct builder *b, const char *id) {
    if (b->params->base == NULL)
        return NULL;
    const char *prefix = arena_printf(b->params->arena, "%s%s/", b->params->base, b->rt->endpoint);
    return arena_printf(b->params->arena, "(%s || %s)", sql_params_ref(b->params, prefix, "text"), id);
}

bool column_of(struct builder *b, const struct attr_path *path, struct expr *e) {
    char text[sizeof b->err->path];
    bool membership = b->rt->kind == RESOURCE_MEMBERSHIP;
    if (path->extension != NULL && !membership)
        return false;
    attr_path_text(path, text, sizeof text);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const char *sql = columns[i].sql[b->rt->kind];
        if (sql != NULL && strcmp(text, columns[i].path) == 0) {
            *e = (struct expr){.form = columns[i].form, .sql = sql, .ordered = columns[i].ordered};
            return true;
        }
    }
    *e = (struct expr){.form = EXPR_TEXT};
    if (strcmp(text, "meta.resourceType") == 0)
        e->sql = arena_printf(b->params->arena, "$%d::text", sql_params_add(b->params, b->rt->name));
    else if (strcmp(text, "meta.location") == 0 && membership)
        e->sql = whole_location(b, MEMBERSHIP_ID);
    else if (strcmp(text, "meta.location") == 0)
        *e = location(b, b->rt->endpoint, "/", "r.id");
    else if (membership && strcmp(text, "group.$ref") == 0)
        *e = location(b, "/Groups/", "", "r.room_id");
    else if (membership && strcmp(text, "member.$ref") == 0)
        *e = location(b, "/Users/", "", "r.user_id");
    return e->sql != NULL;
}

bool column_ref(struct builder *b, const struct attr *sub, struct expr *e) {
    const struct column_refs *refs = column_refs(b->rt);
    *e = (struct expr){.form = EXPR_TEXT};
    if (strcmp(sub->name, "value") == 0) {
        *e = (struct expr){.form = EXPR_UUID, .sql = refs->id};
    } else if (strcmp(sub->name, "display") == 0) {
        e->sql = refs->display;
        b->uses_other = true;
    } else if (strcmp(sub->name, "type") == 0) {
        e->sql = refs->type;
    } else {
        *e = location(b, refs->endpoint, "", refs->id);
    }
    return e->sql != NULL;
}

bool column_is_meta(const struct attr_path *path) {
    return path->extension == NULL && strcmp(path->attr->name, "meta") == 0;
}
