#include "tests/support/random_scim.h"

#include "schemas/types/schema_load.h"
#include "tests/support/random_scim_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const words[] = {
    "Ana",           "ana", "BOB",   "bob",  "\xc3\x84", "\xc3\xa4", "stra\u00dfe", "STRASSE",
    "\xef\xac\x81x", /* a ligature, which folds to "fix" without x */
    "FIX",           "a%b", "a_b",   "work", "Work",     "home",     "x",           "true",
    "u-1",           "\\",  "\"q\"", "it's", "$1",       "User",     "direct",      "\xf0\x9f\x8e\xab 9"};
static const char *const times[] = {"2026-01-31T08:00:00Z", "2026-01-31T10:00:00+02:00",
                                    "2025-01-01T00:00:00.000001Z", "2026-01-31T08:00:00.5-11:30"};
static const char *const binaries[] = {"QUJD", "qujd", "QQ==", "AAECAw=="};
static const char *const operators[] = {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"};

void random_schemas(int *argc, char ***argv) {
    struct err err = {0};
    if (*argc < 3 || strcmp((*argv)[1], "--schemas") != 0)
        return;
    if (schema_load_folder((*argv)[2], &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err_text(&err));
        exit(2);
    }
    (*argv)[2] = (*argv)[0];
    *argv += 2;
    *argc -= 2;
}

void random_seed(struct random_scim *r, uint64_t seed) {
    r->state = seed * 0x9e3779b97f4a7c15u + 0x1234567;
    for (int i = 0; i < 8; i++)
        random_pick(r, 2);
}

size_t random_pick(struct random_scim *r, size_t n) {
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return n > 0 ? (size_t)((r->state >> 11) % n) : 0;
}

const char *random_word(struct random_scim *r) {
    return words[random_pick(r, sizeof words / sizeof words[0])];
}

/* ---- values ---- */

static json_t *random_text_of(struct random_scim *r, const json_t *list) {
    size_t n = json_array_size(list);
    return json_string(n > 0 ? json_string_value(json_array_get(list, random_pick(r, n))) : "nobody");
}

json_t *random_id(struct random_scim *r) {
    return random_text_of(r, r->ids);
}

static json_t *random_object(struct random_scim *r, const struct attr *a) {
    json_t *o = json_object();
    for (size_t i = 0; i < a->nsubs; i++)
        if (a->subs[i].mutability != ATTR_READ_ONLY && (a->subs[i].required || random_pick(r, 2) == 0))
            json_object_set_new(o, a->subs[i].name, random_value(r, &a->subs[i]));
    return o;
}

static json_t *random_element(struct random_scim *r, const struct attr *a) {
    char text[100];
    switch (a->type) {
    case ATTR_BOOLEAN:
        return json_boolean(random_pick(r, 2));
    case ATTR_INTEGER:
        if (a->uniqueness != ATTR_UNIQUE_NONE)
            return json_integer(1000 + (json_int_t)r->serial++);
        return json_integer((json_int_t)random_pick(r, 5) - 2);
    case ATTR_DECIMAL:
        return json_real(((double)random_pick(r, 5) - 2.0) / 10);
    case ATTR_DATETIME:
        return json_string(times[random_pick(r, sizeof times / sizeof times[0])]);
    case ATTR_BINARY:
        return json_string(binaries[random_pick(r, sizeof binaries / sizeof binaries[0])]);
    case ATTR_COMPLEX:
        return random_object(r, a);
    default:
        break;
    }
    if (a->uniqueness == ATTR_UNIQUE_NONE && !a->required)
        return json_string(random_word(r));
    snprintf(text, sizeof text, "%s%u %s", r->prefix != NULL ? r->prefix : "u", r->serial++, random_word(r));
    return json_string(text);
}

/* Two primaries in one list are refused: only one is left. */
static void one_primary(json_t *list) {
    size_t i, seen = 0;
    json_t *e;
    json_array_foreach(list, i, e) {
        if (json_is_true(json_object_get(e, "primary")) && seen++ > 0)
            json_object_set_new(e, "primary", json_false());
    }
}

json_t *random_list(struct random_scim *r, const struct attr *a, size_t n) {
    json_t *list = json_array();
    for (; n > 0; n--)
        json_array_append_new(list, random_element(r, a));
    one_primary(list);
    return list;
}

json_t *random_value(struct random_scim *r, const struct attr *a) {
    return a->multi ? random_list(r, a, random_pick(r, 4)) : random_element(r, a);
}

json_t *random_members(struct random_scim *r, size_t n) {
    json_t *list = json_array();
    for (; n > 0; n--)
        json_array_append_new(list, json_pack("{so}", "value", random_id(r)));
    return list;
}

static void fill(struct random_scim *r, const struct schema *s, json_t *out) {
    for (size_t i = 0; i < s->nattrs; i++) {
        const struct attr *a = &s->attrs[i];
        if (a->mutability == ATTR_READ_ONLY || a->dropped ||
            (!a->required && !a->apart && random_pick(r, 3) != 0))
            continue;
        if (a->apart)
            json_object_set_new(out, a->name, random_members(r, random_pick(r, 5)));
        else
            json_object_set_new(out, a->name, random_value(r, a));
    }
}

json_t *random_resource(struct random_scim *r, const struct resource_type *rt) {
    json_t *body = json_object(), *schemas = json_pack("[s]", rt->schema->id);
    json_object_set_new(body, "schemas", schemas);
    fill(r, rt->schema, body);
    for (size_t i = 0; i < rt->nextensions; i++) {
        if (!rt->extensions[i].required && random_pick(r, 2) == 0)
            continue;
        json_t *part = json_object();
        fill(r, rt->extensions[i].schema, part);
        json_array_append_new(schemas, json_string(rt->extensions[i].schema->id));
        json_object_set_new(body, rt->extensions[i].schema->id, part);
    }
    if (random_pick(r, 2))
        json_object_set_new(body, "externalId", json_string(random_word(r)));
    return body;
}

/* ---- filters ---- */

static void put_json(struct jbuf *out, json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    jb_raw(out, text);
    free(text);
    json_decref(value);
}

/* A number that may be equal to one of the store: as it is, with an exponent, with a fraction. */
static void put_number(struct random_scim *r, struct jbuf *out) {
    int n = (int)random_pick(r, 9) - 4;
    switch (random_pick(r, 4)) {
    case 0:
        jb_printf(out, "%d", n);
        break;
    case 1:
        jb_printf(out, "%d.0", n);
        break;
    case 2:
        jb_printf(out, "%de-1", n);
        break;
    default:
        jb_printf(out, "%.1f", n / 10.0);
    }
}

static void put_literal(struct random_scim *r, const struct attr *a, struct jbuf *out) {
    size_t kind = random_pick(r, 14);
    if (kind == 0) {
        jb_raw(out, "null");
        return;
    }
    switch (a->type) {
    case ATTR_BOOLEAN:
        jb_raw(out, kind == 1 ? "\"False\"" : kind % 2 ? "true" : "false");
        return;
    case ATTR_INTEGER:
    case ATTR_DECIMAL:
        put_number(r, out);
        return;
    case ATTR_DATETIME:
        if (kind > 6 && json_array_size(r->times) > 0)
            put_json(out, random_text_of(r, r->times));
        else if (kind == 6)
            jb_raw(out, random_pick(r, 2) ? "\"0001-01-01T00:00:00+14:00\""
                                          : "\"9999-12-31T23:59:59.999999-14:00\"");
        else
            put_json(out, json_string(times[random_pick(r, sizeof times / sizeof times[0])]));
        return;
    case ATTR_BINARY:
        put_json(out, json_string(binaries[random_pick(r, sizeof binaries / sizeof binaries[0])]));
        return;
    default:
        break;
    }
    bool names_something =
        strcmp(a->name, "id") == 0 || strcmp(a->name, "value") == 0 || strcmp(a->name, "$ref") == 0;
    if (names_something && kind % 2 && json_array_size(r->ids) > 0)
        put_json(out, random_id(r));
    else if (kind > 8 && json_array_size(r->texts) > 0)
        put_json(out, random_text_of(r, r->texts));
    else
        put_json(out, json_string(kind == 2 ? "" : random_word(r)));
}

static void put_condition(struct random_scim *r, const char *path, const struct attr *a, struct jbuf *out) {
    const char *op = operators[random_pick(r, sizeof operators / sizeof operators[0])];
    bool ordered = a->type != ATTR_BOOLEAN && a->type != ATTR_BINARY;
    bool text = ordered && a->type != ATTR_INTEGER && a->type != ATTR_DECIMAL && a->type != ATTR_DATETIME;
    if (random_pick(r, 20) > 0) { /* else maybe one that the type does not have: refused */
        if (strcmp(op, "pr") != 0 && ((!ordered && strchr("gl", op[0])) || (!text && strchr("cs", op[0])) ||
                                      (!text && strcmp(op, "ew") == 0)))
            op = random_pick(r, 2) ? "eq" : "ne";
    }
    jb_printf(out, "%s %s", path, op);
    if (strcmp(op, "pr") == 0)
        return;
    jb_raw(out, " ");
    put_literal(r, a, out);
}

static const struct attr *some_sub(struct random_scim *r, const struct attr *of, char name[64]) {
    if (of->nsubs == 0) {
        snprintf(name, 64, "value");
        return of;
    }
    const struct attr *sub = &of->subs[random_pick(r, of->nsubs)];
    snprintf(name, 64, "%s", sub->name);
    return sub;
}

void random_element_filter(struct random_scim *r, const struct attr *of, struct jbuf *out) {
    char name[64];
    const struct attr *sub = some_sub(r, of, name);
    size_t shape = random_pick(r, 5);
    if (shape == 0)
        jb_raw(out, "not (");
    put_condition(r, name, sub, out);
    if (shape == 0)
        jb_raw(out, ")");
    if (shape < 2)
        return;
    jb_raw(out, shape == 4 ? " or not (" : shape == 3 ? " or " : " and ");
    sub = some_sub(r, of, name);
    put_condition(r, name, sub, out);
    if (shape == 4)
        jb_raw(out, ")");
}

const struct attr *random_attr(struct random_scim *r, const struct resource_type *rt, struct jbuf *path) {
    const struct attr *a;
    size_t kind = random_pick(r, 10);
    if (kind < 2) {
        a = &common_attrs[random_pick(r, ncommon_attrs)];
    } else if (kind < 4 && rt->nextensions > 0) {
        const struct schema *s = rt->extensions[random_pick(r, rt->nextensions)].schema;
        a = &s->attrs[random_pick(r, s->nattrs)];
        jb_printf(path, "%s:", s->id);
    } else {
        a = &rt->schema->attrs[random_pick(r, rt->schema->nattrs)];
        if (kind == 4)
            jb_printf(path, "%s:", rt->schema->id);
    }
    jb_raw(path, a->name);
    return a;
}

static void put_term(struct random_scim *r, const struct resource_type *rt, struct jbuf *out) {
    struct jbuf path = {0};
    const struct attr *a = random_attr(r, rt, &path);
    size_t shape = random_pick(r, 4);
    if (a->type != ATTR_COMPLEX && !a->multi) {
        put_condition(r, path.p, a, out);
    } else if (shape == 0) {
        const struct attr *value = a->type == ATTR_COMPLEX ? attr_sub(a, "value", strlen("value")) : a;
        if (value != NULL)
            put_condition(r, path.p, value, out);
        else
            jb_printf(out, "%s pr", path.p);
    } else if (shape == 1 && a->type == ATTR_COMPLEX) {
        char name[64];
        const struct attr *sub = some_sub(r, a, name);
        jb_printf(&path, ".%s", name);
        put_condition(r, path.p, sub, out);
    } else {
        jb_printf(out, "%s[", path.p);
        random_element_filter(r, a, out);
        jb_raw(out, "]");
        if (shape == 3 && a->type == ATTR_COMPLEX && random_pick(r, 2)) { /* F14 */
            char name[64];
            const struct attr *sub = some_sub(r, a, name);
            jb_raw(out, ".");
            put_condition(r, name, sub, out);
        }
    }
    jb_free(&path);
}

void random_filter(struct random_scim *r, const struct resource_type *rt, int depth, struct jbuf *out) {
    if (depth == 0 || random_pick(r, 2)) {
        put_term(r, rt, out);
        return;
    }
    size_t shape = random_pick(r, 3);
    jb_raw(out, shape == 0 ? "" : shape == 1 ? "(" : "not (");
    random_filter(r, rt, depth - 1, out);
    if (shape < 2) {
        jb_raw(out, shape == 0 ? " and " : " or ");
        random_filter(r, rt, depth - 1, out);
    }
    jb_raw(out, shape == 0 ? "" : ")");
}
