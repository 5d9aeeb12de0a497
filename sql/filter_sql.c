#include "sql/filter_sql.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "ops/runtime/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where the attributes are. Three places:
 *  - columns of r, for what is looked up and what is not part of a document;
 *  - rows of members, with the other side as t: groups of a user, members of a room;
 *  - r.search, the folded document (resource_search_text), for everything else.
 *
 * SQL knows a third truth, NULL. Here it is as good as false: AND, OR and WHERE treat it so, and NOT is
 * written IS NOT TRUE. */

/* What an SQL expression yields, which decides how it is compared. */
enum form { FORM_TEXT, FORM_UUID, FORM_BOOL, FORM_TIME, FORM_MICROS, FORM_NUMERIC, FORM_FLOAT };

struct expr {
    enum form form;
    const char *sql;
};

struct column {
    const char *path;
    enum form form;
    const char *users, *rooms; /* SQL by table; NULL: not there */
};
#define BOTH(sql) sql, sql
static const struct column columns[] = {
    {"id", FORM_UUID, BOTH("r.id")},
    {"userName", FORM_TEXT, "r.user_name_key", NULL},
    {"externalId", FORM_TEXT, BOTH("r.external_id")},
    {"displayName", FORM_TEXT, BOTH("r.display_name_key")},
    {"active", FORM_BOOL, "r.active", NULL},
    {"meta.created", FORM_TIME, BOTH("r.created")},
    {"meta.lastModified", FORM_TIME, BOTH("r.modified")},
    {"meta.version", FORM_TEXT, BOTH("('W/\"' || r.version || '\"')")},
};

/* The rows of members that belong to r, seen from r. */
struct refs {
    const char *other;   /* t's table */
    const char *join;    /* t's row of m */
    const char *of;      /* m's rows of r */
    const char *id;      /* t's id */
    const char *display; /* folded */
    const char *type;    /* folded constant */
    const char *endpoint;
};
static const struct refs refs_by_kind[] = {
    [RESOURCE_USER] = {"rooms", "t.workspace_id = m.workspace_id AND t.id = m.room_id",
                       "m.workspace_id = r.workspace_id AND m.user_id = r.id AND NOT m.held", "m.room_id",
                       "t.display_name_key", "'direct'::text", "/Groups/"},
    [RESOURCE_ROOM] = {"users", "t.workspace_id = m.workspace_id AND t.id = m.user_id",
                       "m.workspace_id = r.workspace_id AND m.room_id = r.id AND NOT m.held", "m.user_id",
                       "coalesce(t.display_name_key, t.user_name_key)", "'user'::text", "/Users/"},
};

struct builder {
    const struct resource_type *rt;
    struct jbuf *out;
    struct sql_params *params;
    struct err *err;
    const struct attr_path *of; /* inside brackets: the attribute before them; else NULL */
    bool uses_other;            /* a condition on m's row speaks of t */
};

static enum err_code put(struct builder *b, const struct filter *f);

void sql_params_init(struct sql_params *p, struct arena *arena) {
    *p = (struct sql_params){.arena = arena};
}

void sql_params_free(struct sql_params *p) {
    free(p->v);
    p->v = NULL;
    p->n = p->cap = 0;
}

int sql_params_add(struct sql_params *p, const char *text) {
    if (p->n == p->cap) {
        p->cap = p->cap > 0 ? p->cap * 2 : 16;
        p->v = xrealloc(p->v, (size_t)p->cap * sizeof *p->v);
    }
    p->v[p->n++] = text;
    return p->n;
}

/* A text that is longer-lived than the buffer it was written in. */
static const char *keep(struct builder *b, struct jbuf *text) {
    const char *kept = arena_strndup(b->params->arena, text->p, text->n);
    jb_free(text);
    return kept;
}

static enum err_code refuse(struct builder *b, const struct attr_path *path) {
    char text[sizeof b->err->path];
    attr_path_text(path, text, sizeof text);
    return err_set_path(b->err, ERR_INVALID_FILTER, text, "'%s' cannot be filtered on", text);
}

/* Names come from attribute tables, which an operator may extend: quoted all the same. */
static void put_name(struct jbuf *out, const char *name) {
    jb_raw(out, "'");
    for (; *name != '\0'; name++) {
        char c = (char)tolower((unsigned char)*name);
        jb_mem(out, &c, 1);
        if (c == '\'')
            jb_mem(out, &c, 1);
    }
    jb_raw(out, "'");
}

/* The jsonb of a whole attribute (or extension). */
static const char *json_of(struct builder *b, const struct attr_path *path) {
    struct jbuf sql = {0};
    jb_raw(&sql, "(r.search");
    if (path->extension != NULL) {
        jb_raw(&sql, "->");
        put_name(&sql, path->extension->id);
    }
    if (path->attr != NULL) {
        jb_raw(&sql, "->");
        put_name(&sql, path->attr->name);
    }
    jb_raw(&sql, ")");
    return keep(b, &sql);
}

/* A simple value inside jsonb: the member `name` of `json`, or (NULL) json itself. A value that is not of the
 * attribute's type (stored before the attribute had it) is nothing. */
static struct expr json_expr(struct builder *b, const struct attr *attr, const char *json, const char *name) {
    struct jbuf value = {0}, text = {0}, sql = {0};
    struct expr e = {.form = FORM_TEXT};
    jb_printf(&value, name != NULL ? "%s->" : "%s", json);
    jb_printf(&text, name != NULL ? "(%s->>" : "(%s #>> '{}')", json);
    if (name != NULL) {
        put_name(&value, name);
        put_name(&text, name);
        jb_raw(&text, ")");
    }
    const char *cast = NULL;
    switch (attr->type) {
    case ATTR_BOOLEAN:
        e.form = FORM_BOOL;
        jb_printf(&sql, "(%s = 'true'::jsonb)", value.p);
        break;
    case ATTR_INTEGER:
        e.form = FORM_NUMERIC;
        cast = "numeric";
        break;
    case ATTR_DECIMAL:
        e.form = FORM_FLOAT;
        cast = "float8";
        break;
    case ATTR_DATETIME:
        e.form = FORM_MICROS;
        cast = "numeric";
        break;
    default:
        jb_raw(&sql, text.p);
    }
    if (cast != NULL)
        jb_printf(&sql, "(CASE WHEN jsonb_typeof(%s) = 'number' THEN %s::%s END)", value.p, text.p, cast);
    jb_free(&value);
    jb_free(&text);
    e.sql = keep(b, &sql);
    return e;
}

/* Comparing */

static const char *const order_signs[] = {
    [FILTER_EQ] = "=", [FILTER_GT] = ">", [FILTER_GE] = ">=", [FILTER_LT] = "<", [FILTER_LE] = "<=",
};

/* value: an SQL expression without NULL. */
static void put_order(struct jbuf *out, const char *sql, enum filter_op op, const char *value) {
    if (op == FILTER_NE)
        jb_printf(out, "(%s IS DISTINCT FROM %s)", sql, value);
    else
        jb_printf(out, "(%s %s %s)", sql, order_signs[op], value);
}

static void put_text(struct builder *b, const char *sql, enum filter_op op, const char *text) {
    char value[32];
    snprintf(value, sizeof value, "$%d::text", sql_params_add(b->params, text));
    switch (op) {
    case FILTER_EQ:
    case FILTER_NE:
        put_order(b->out, sql, op, value);
        break;
    case FILTER_CO:
        jb_printf(b->out, "(strpos(%s, %s) > 0)", sql, value);
        break;
    case FILTER_SW:
        jb_printf(b->out, "starts_with(%s, %s)", sql, value);
        break;
    case FILTER_EW:
        jb_printf(b->out, "(right(%s, length(%s)) = %s)", sql, value, value);
        break;
    default: /* by code point, as memory compares UTF-8 */
        jb_printf(b->out, "(%s COLLATE \"C\" %s %s)", sql, order_signs[op], value);
    }
}

/* Ids: a text that is no UUID as we write them equals none. */
static void put_uuid(struct builder *b, const char *sql, const struct filter *f, const char *text) {
    struct uuid id;
    char value[32];
    if (f->op != FILTER_EQ && f->op != FILTER_NE) {
        char *cast = arena_printf(b->params->arena, "%s::text", sql);
        put_text(b, cast, f->op, text);
    } else if (!uuid_parse(text, &id) || strcmp(id.s, text) != 0) {
        jb_raw(b->out, f->op == FILTER_NE ? "(true)" : "(false)");
    } else {
        snprintf(value, sizeof value, "$%d::uuid", sql_params_add(b->params, text));
        put_order(b->out, sql, f->op, value);
    }
}

#define MICROS_YEAR_1 (-62135596800000000)
#define MICROS_YEAR_9999 253402300799999999

/* Times beyond what PostgreSQL reads lie beyond all that is stored as well: cut to the nearest that it reads.
 */
static const char *timestamp_text(struct builder *b, int64_t us) {
    char text[RFC3339_SIZE];
    us = us < MICROS_YEAR_1 ? MICROS_YEAR_1 : us > MICROS_YEAR_9999 ? MICROS_YEAR_9999 : us;
    return arena_strdup(b->params->arena, rfc3339_us(us, text));
}

static void put_compare(struct builder *b, const struct filter *f, const struct attr *leaf,
                        const struct expr *e) {
    const struct filter_value *v = &f->value;
    const char *text = leaf->case_exact ? v->text : v->folded;
    const char *cast = "numeric";
    char value[32];
    switch (e->form) {
    case FORM_TEXT:
        put_text(b, e->sql, f->op, text);
        return;
    case FORM_UUID:
        put_uuid(b, e->sql, f, text);
        return;
    case FORM_BOOL:
        put_order(b->out, e->sql, f->op, v->boolean ? "true" : "false");
        return;
    case FORM_TIME:
        text = timestamp_text(b, v->time_us);
        cast = "timestamptz";
        break;
    case FORM_MICROS:
        text = arena_printf(b->params->arena, "%lld", (long long)v->time_us);
        break;
    case FORM_FLOAT:
        cast = "float8";
        text = arena_printf(b->params->arena, "%.17g",
                            v->number); /* a double: its text may be too long or too small for float8 */
        break;
    case FORM_NUMERIC:
        text = v->text;
        break;
    }
    snprintf(value, sizeof value, "$%d::%s", sql_params_add(b->params, text), cast);
    put_order(b->out, e->sql, f->op, value);
}

static void put_leaf(struct builder *b, const struct filter *f, const struct attr *leaf,
                     const struct expr *e) {
    if (f->kind == FILTER_COMPARE)
        put_compare(b, f, leaf, e);
    else if (e->form == FORM_TEXT)
        jb_printf(b->out, "(%s <> '')", e->sql);
    else
        jb_printf(b->out, "(%s IS NOT NULL)", e->sql);
}

/* F4 for what has parts: any of them is assigned and not empty. */
static void put_node_present(struct builder *b, const char *json) {
    jb_printf(b->out,
              "jsonb_path_exists(%s, 'strict $.** ? ((@.type() == \"string\" && @ != \"\") || "
              "@.type() == \"number\" || @.type() == \"boolean\")')",
              json);
}

/* Equality in r.search as containment, `search @> '{"emails":[{"value":"x"}]}'`, which a GIN index can answer
 */

/* Can be said by containment? Decimals cannot: their texts may differ though the doubles are equal. */
static bool is_containable(const struct filter *f, const struct attr *leaf) {
    return f->kind == FILTER_COMPARE && f->op == FILTER_EQ && leaf->type != ATTR_DECIMAL;
}

static void json_name(struct jbuf *json, const char *name) {
    char *lower = xstrdup(name);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    jb_key(json, lower);
    free(lower);
}

static void json_value(struct jbuf *json, const struct filter *f, const struct attr *leaf) {
    switch (f->value.type) {
    case FILTER_STRING:
        jb_str(json, leaf->case_exact ? f->value.text : f->value.folded);
        break;
    case FILTER_BOOL:
        jb_bool(json, f->value.boolean);
        break;
    case FILTER_NUMBER:
        jb_raw(json, f->value.text);
        break;
    case FILTER_TIME:
        jb_int(json, f->value.time_us);
        break;
    }
}

/* The members of one element that satisfies f; false where f is more than equalities of different
 * sub-attributes. */
static bool json_element(struct jbuf *json, const struct filter *f, const struct attr **seen, size_t *nseen,
                         size_t max) {
    if (f->kind == FILTER_AND)
        return json_element(json, f->left, seen, nseen, max) &&
               json_element(json, f->right, seen, nseen, max);
    const struct attr *leaf = f->path.attr;
    if (!is_containable(f, leaf) || *nseen == max)
        return false;
    for (size_t i = 0; i < *nseen; i++)
        if (seen[i] == leaf)
            return false;
    seen[(*nseen)++] = leaf;
    json_name(json, leaf->name);
    json_value(json, f, leaf);
    return true;
}

/* What stands in the place of the attribute: a value, an object or a list of one. */
static bool json_attribute(struct jbuf *json, const struct filter *f) {
    const struct attr_path *p = &f->path;
    const struct attr *seen[8];
    size_t nseen = 0;
    bool ok = true;
    jb_raw(json, p->attr->multi ? "[" : "");
    if (f->kind == FILTER_VALUE_PATH && p->attr->type == ATTR_COMPLEX) {
        jb_raw(json, "{");
        ok = json_element(json, f->left, seen, &nseen, 8);
        jb_raw(json, "}");
    } else if (f->kind == FILTER_VALUE_PATH) {
        ok = is_containable(f->left, p->attr);
        if (ok)
            json_value(json, f->left, p->attr);
    } else if (p->sub != NULL) {
        ok = is_containable(f, p->sub);
        jb_raw(json, "{");
        if (ok) {
            json_name(json, p->sub->name);
            json_value(json, f, p->sub);
        }
        jb_raw(json, "}");
    } else {
        ok = is_containable(f, p->attr);
        if (ok)
            json_value(json, f, p->attr);
    }
    jb_raw(json, p->attr->multi ? "]" : "");
    return ok;
}

static bool put_containment(struct builder *b, const struct filter *f) {
    struct jbuf json = {0};
    jb_raw(&json, "{");
    if (f->path.extension != NULL) {
        json_name(&json, f->path.extension->id);
        jb_raw(&json, "{");
    }
    json_name(&json, f->path.attr->name);
    bool ok = json_attribute(&json, f);
    jb_raw(&json, f->path.extension != NULL ? "}}" : "}");
    const char *text = keep(b, &json);
    if (ok)
        jb_printf(b->out, "(r.search @> $%d::jsonb)", sql_params_add(b->params, text));
    return ok;
}

/* Attributes */

static const char *location_of(struct builder *b, const char *endpoint, const char *id) {
    if (b->params->base == NULL)
        return NULL;
    const char *start = arena_printf(b->params->arena, "%s%s", b->params->base, endpoint);
    return arena_printf(b->params->arena, "($%d::text || %s)", sql_params_add(b->params, start), id);
}

/* The expression of a single-valued attribute or sub-attribute that is not in r.search. */
static bool find_column(struct builder *b, const struct attr_path *path, struct expr *e) {
    char text[sizeof b->err->path];
    if (path->extension != NULL)
        return false;
    attr_path_text(path, text, sizeof text);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const char *sql = b->rt->kind == RESOURCE_USER ? columns[i].users : columns[i].rooms;
        if (sql != NULL && strcmp(text, columns[i].path) == 0) {
            *e = (struct expr){columns[i].form, sql};
            return true;
        }
    }
    e->form = FORM_TEXT;
    e->sql = NULL;
    if (strcmp(text, "meta.resourceType") == 0) {
        e->sql = arena_printf(b->params->arena, "$%d::text", sql_params_add(b->params, b->rt->name));
    } else if (strcmp(text, "meta.location") == 0) {
        const char *endpoint = arena_printf(b->params->arena, "%s/", b->rt->endpoint);
        e->sql = location_of(b, endpoint, "r.id");
    }
    return e->sql != NULL;
}

static bool is_meta(const struct attr_path *path) {
    return path->extension == NULL && strcmp(path->attr->name, "meta") == 0;
}

/* A sub-attribute of a row of members. */
static bool find_ref(struct builder *b, const struct attr *sub, struct expr *e) {
    const struct refs *refs = &refs_by_kind[b->rt->kind];
    e->form = FORM_TEXT;
    if (strcmp(sub->name, "value") == 0) {
        *e = (struct expr){FORM_UUID, refs->id};
    } else if (strcmp(sub->name, "display") == 0) {
        e->sql = refs->display;
        b->uses_other = true;
    } else if (strcmp(sub->name, "type") == 0) {
        e->sql = refs->type;
    } else {
        e->sql = location_of(b, refs->endpoint, refs->id);
    }
    return e->sql != NULL;
}

static enum err_code put_single(struct builder *b, const struct filter *f, const struct attr_path *path) {
    struct expr e;
    if (path->attr == NULL ||
        (path->attr->type == ATTR_COMPLEX && path->sub == NULL)) { /* only PRESENT asks for these */
        if (path->attr != NULL && is_meta(path))
            jb_raw(b->out, "(true)");
        else
            put_node_present(b, json_of(b, path));
        return ERR_OK;
    }
    if (!find_column(b, path, &e)) {
        if (is_meta(path))
            return refuse(b, path);
        struct attr_path whole = {.extension = path->extension,
                                  .attr = path->sub != NULL ? path->attr : NULL};
        const struct attr *leaf = attr_path_target(path);
        e = json_expr(b, leaf, json_of(b, &whole), leaf->name);
        if (f->kind == FILTER_COMPARE && b->of == NULL && put_containment(b, f))
            return ERR_OK;
    }
    put_leaf(b, f, attr_path_target(path), &e);
    return ERR_OK;
}

/* A condition on one element: of jsonb as e.v, of members as m (and t), of a single complex value as itself.
 */
static enum err_code put_element(struct builder *b, const struct filter *f) {
    const struct attr *sub = f->path.attr, *of = b->of->attr;
    struct expr e;
    if (!of->multi) {
        struct attr_path path = {.extension = b->of->extension, .attr = of, .sub = sub};
        return put_single(b, f, &path);
    }
    if (!of->apart)
        e = json_expr(b, sub, "e.v", sub == of ? NULL : sub->name);
    else if (!find_ref(b, sub, &e))
        return refuse(b, &(struct attr_path){.attr = of, .sub = sub});
    put_leaf(b, f, sub, &e);
    return ERR_OK;
}

/* FROM … of the elements of an attribute, and the condition that picks them (NULL: all). */
static void put_elements(struct builder *b, const struct attr_path *of, const char *cond) {
    if (of->attr->apart) {
        const struct refs *refs = &refs_by_kind[b->rt->kind];
        jb_raw(b->out, "FROM members m");
        if (b->uses_other)
            jb_printf(b->out, " JOIN %s t ON %s", refs->other, refs->join);
        jb_printf(b->out, " WHERE %s", refs->of);
        if (cond != NULL)
            jb_printf(b->out, " AND %s", cond);
        return;
    }
    const char *json = json_of(b, of);
    jb_printf(b->out, "FROM jsonb_array_elements(CASE WHEN jsonb_typeof(%s) = 'array' THEN %s END) AS e(v)",
              json, json);
    if (cond != NULL)
        jb_printf(b->out, " WHERE %s", cond);
}

/* Builds the condition on one element; *cond lives in the arena. */
static enum err_code element_condition(struct builder *b, const struct attr_path *of, const struct filter *f,
                                       const char **cond) {
    struct jbuf text = {0}, *out = b->out;
    b->out = &text;
    b->of = of;
    b->uses_other = false;
    enum err_code rc = put(b, f);
    b->of = NULL;
    b->out = out;
    *cond = rc == ERR_OK ? keep(b, &text) : NULL;
    jb_free(&text);
    return rc;
}

/* A path into a multi-valued attribute: any element does; `ne` also where there is none (DESIGN section 7).
 */
static enum err_code put_multi(struct builder *b, const struct filter *f) {
    const struct attr_path of = {.extension = f->path.extension, .attr = f->path.attr};
    if (f->kind == FILTER_PRESENT && f->path.sub == NULL) {
        if (!of.attr->apart) {
            put_node_present(b, json_of(b, &of));
            return ERR_OK;
        }
        b->uses_other = false;
        jb_raw(b->out, "EXISTS (SELECT ");
        put_elements(b, &of, NULL);
        jb_raw(b->out, ")");
        return ERR_OK;
    }
    if (!of.attr->apart && f->kind == FILTER_COMPARE && put_containment(b, f))
        return ERR_OK;
    struct filter one = *f;
    one.path = (struct attr_path){.attr = attr_path_target(&f->path)};
    const char *cond;
    enum err_code rc = element_condition(b, &of, &one, &cond);
    if (rc != ERR_OK)
        return rc;
    if (f->kind == FILTER_COMPARE && f->op == FILTER_NE) {
        jb_printf(b->out, "(SELECT coalesce(bool_or(%s), true) ", cond);
        put_elements(b, &of, NULL);
    } else {
        jb_raw(b->out, "EXISTS (SELECT ");
        put_elements(b, &of, cond);
    }
    jb_raw(b->out, ")");
    return ERR_OK;
}

static enum err_code put_value_path(struct builder *b, const struct filter *f) {
    const struct attr *attr = f->path.attr;
    if (!attr->apart && !is_meta(&f->path) && put_containment(b, f))
        return ERR_OK;
    const char *cond;
    enum err_code rc = element_condition(b, &f->path, f->left, &cond);
    if (rc != ERR_OK)
        return rc;
    if (!attr->multi) {
        jb_printf(b->out, "(%s IS NOT NULL AND %s)", is_meta(&f->path) ? "r.id" : json_of(b, &f->path), cond);
        return ERR_OK;
    }
    jb_raw(b->out, "EXISTS (SELECT ");
    put_elements(b, &f->path, cond);
    jb_raw(b->out, ")");
    return ERR_OK;
}

static enum err_code put_pair(struct builder *b, const struct filter *f) {
    jb_raw(b->out, "(");
    enum err_code rc = put(b, f->left);
    if (rc != ERR_OK)
        return rc;
    jb_raw(b->out, f->kind == FILTER_AND ? " AND " : " OR ");
    rc = put(b, f->right);
    jb_raw(b->out, ")");
    return rc;
}

static enum err_code put(struct builder *b, const struct filter *f) {
    enum err_code rc;
    switch (f->kind) {
    case FILTER_AND:
    case FILTER_OR:
        return put_pair(b, f);
    case FILTER_NOT:
        jb_raw(b->out, "(");
        rc = put(b, f->left);
        jb_raw(b->out, " IS NOT TRUE)");
        return rc;
    case FILTER_VALUE_PATH:
        return put_value_path(b, f);
    default:
        break;
    }
    if (b->of != NULL)
        return put_element(b, f);
    return f->path.attr != NULL && f->path.attr->multi ? put_multi(b, f) : put_single(b, f, &f->path);
}

enum err_code filter_sql(const struct resource_type *rt, const struct filter *f, struct jbuf *where,
                         struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = where, .params = params, .err = err};
    return put(&b, f);
}

enum err_code filter_sql_element(const struct resource_type *rt, const struct filter *f, struct jbuf *where,
                                 struct sql_params *params, struct err *err) {
    struct builder b = {.rt = rt, .out = where, .params = params, .err = err};
    const struct attr_path of = {.attr = resource_type_refs(rt)};
    const struct refs *refs = &refs_by_kind[rt->kind];
    const char *cond;
    enum err_code rc = element_condition(&b, &of, f, &cond);
    if (rc != ERR_OK)
        return rc;
    if (b.uses_other)
        jb_printf(where, "EXISTS (SELECT FROM %s t WHERE %s AND %s)", refs->other, refs->join, cond);
    else
        jb_raw(where, cond);
    return ERR_OK;
}
