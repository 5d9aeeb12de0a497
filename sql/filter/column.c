#include "sql/filter/column.h"

#include <string.h>

struct column {
    const char *path;
    enum expr_form form;
    const char *sql[3]; /* by kind of the type; NULL: not there */
    bool ordered;       /* there is an index in the order of code points */
};
#define ALL(sql)                                                                                             \
    { sql, sql, sql }
static const struct column columns[] = {
    {"id", EXPR_UUID, ALL("r.id"), false},
    {"userName", EXPR_TEXT, {"r.user_name_key", NULL, NULL}, true},
    {"externalId", EXPR_TEXT, ALL("r.external_id"), false},
    {"displayName", EXPR_TEXT, {"r.display_name_key", "r.display_name_key", NULL}, false},
    {"active", EXPR_BOOL, {"r.active", NULL, NULL}, false},
    {"meta.created", EXPR_TIME, ALL("r.created"), false},
    {"meta.lastModified", EXPR_TIME, ALL("r.modified"), false},
    {"meta.version", EXPR_TEXT, ALL("('W/\"' || r.version || '\"')"), false},
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

const char *column_search(struct builder *b, const struct attr_path *path) {
    struct jbuf sql = {0};
    jb_raw(&sql, "(r.search");
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

bool column_of(struct builder *b, const struct attr_path *path, struct expr *e) {
    char text[sizeof b->err->path];
    if (path->extension != NULL)
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
    else if (strcmp(text, "meta.location") == 0)
        *e = location(b, b->rt->endpoint, "/", "r.id");
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
