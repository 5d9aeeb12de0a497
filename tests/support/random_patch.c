/* Random PatchOp bodies. */
#include "tests/support/random_scim_impl.h"

#include "schemas/types/schema.h"

#include <stdlib.h>
#include <string.h>

enum op { ADD, REMOVE, REPLACE };
static const char *const ops[] = {[ADD] = "add", [REMOVE] = "remove", [REPLACE] = "replace"};
static const char *const loud_ops[] = {[ADD] = "Add", [REMOVE] = "REMOVE", [REPLACE] = "Replace"};

static json_t *element_of(struct random_scim *r, const struct attr *a) {
    json_t *list = random_list(r, a, 1), *one = json_incref(json_array_get(list, 0));
    json_decref(list);
    return one;
}

/* A value for the attribute, which may be of another type, in a form that some clients send, or none. */
static json_t *value_for(struct random_scim *r, const struct attr *a) {
    switch (random_pick(r, 24)) {
    case 0:
        return json_null();
    case 1:
        return json_string("");
    case 2:
        return json_array();
    case 3:                                                   /* of some type, likely a wrong one */
        if (a->required || a->uniqueness != ATTR_UNIQUE_NONE) /* a right one might be in use */
            return json_object();
        return random_pick(r, 2) ? json_integer(7) : json_string(random_word(r));
    case 4:
        return a->type == ATTR_BOOLEAN ? json_string(random_pick(r, 2) ? "True" : "fAlse")
                                       : random_list(r, a, 1);
    case 5: /* one where a list is due */
        return a->multi ? element_of(r, a) : random_value(r, a);
    case 6: /* parts unassigned */
        if (a->type == ATTR_COMPLEX && !a->multi && a->nsubs > 0)
            return json_pack("{sn}", a->subs[random_pick(r, a->nsubs)].name);
        return random_value(r, a);
    default:
        return random_value(r, a);
    }
}

static json_t *random_member(struct random_scim *r) {
    return json_pack("{so}", "value", random_id(r));
}

static json_t *members_value(struct random_scim *r) {
    switch (random_pick(r, 10)) {
    case 0:
        return json_null();
    case 1:
        return json_array();
    case 2:
        return json_pack("[o]", random_id(r));
    case 3:
        return random_member(r);
    case 4:
        return json_pack("[{ss}]", "value",
                         random_pick(r, 2) ? "nobody" : "0190c5a4-0000-7000-8000-0000000000ee");
    default:
        return random_members(r, 1 + random_pick(r, 4));
    }
}

static json_t *some_value(struct random_scim *r, const struct attr *a) {
    return a->apart && strcmp(a->name, "members") == 0 ? members_value(r) : value_for(r, a);
}

/* An attribute that may be written, mostly. */
static const struct attr *writable(struct random_scim *r, const struct resource_type *rt, struct jbuf *path) {
    const struct attr *a = random_attr(r, rt, path);
    while (a->mutability == ATTR_READ_ONLY && random_pick(r, 15) > 0) {
        jb_reset(path);
        a = random_attr(r, rt, path);
    }
    return a;
}

/* The value of an operation without path: an object of one to three attributes, by name, dotted or under a
 * URN. */
static json_t *pathless_value(struct random_scim *r, const struct resource_type *rt) {
    json_t *value = json_object();
    for (size_t n = 1 + random_pick(r, 3); n > 0; n--) {
        struct jbuf path = {0};
        if (rt->nextensions > 0 && random_pick(r, 5) == 0) { /* {"urn:…": {…}} */
            const struct schema *s = rt->extensions[random_pick(r, rt->nextensions)].schema;
            const struct attr *a = &s->attrs[random_pick(r, s->nattrs)];
            json_object_set_new(value, s->id, json_pack("{so}", a->name, some_value(r, a)));
            continue;
        }
        const struct attr *a = writable(r, rt, &path);
        if (a->nsubs > 0 && random_pick(r, a->apart ? 20 : 3) == 0) {
            a = &a->subs[random_pick(r, a->nsubs)];
            jb_printf(&path, ".%s", a->name);
        }
        json_object_set_new(value, path.p, some_value(r, a));
        jb_free(&path);
    }
    if (random_pick(r, 15) == 0)
        json_object_set_new(value, "shoeSize", json_integer(43));
    return value;
}

/* An attribute path, with brackets and a sub-attribute where it can have them; gives what it ends at.
 * *element: an element as a whole. */
static const struct attr *some_path(struct random_scim *r, const struct resource_type *rt, struct jbuf *path,
                                    bool *element) {
    const struct attr *a = writable(r, rt, path);
    *element = false;
    if (a->multi && random_pick(r, 3) > 0) {
        jb_raw(path, "[");
        if (a->apart && json_array_size(r->ids) > 0 && random_pick(r, 3) > 0) {
            json_t *id = random_id(r);
            jb_printf(path, "value eq \"%s\"", json_string_value(id));
            json_decref(id);
        } else {
            random_element_filter(r, a, path);
        }
        jb_raw(path, "]");
        *element = true;
    }
    if (a->nsubs > 0 && random_pick(r, a->apart ? 20 : 2) == 0) {
        a = &a->subs[random_pick(r, a->nsubs)];
        jb_printf(path, ".%s", a->name);
        *element = false;
    }
    return a;
}

static json_t *operation(struct random_scim *r, enum op op, const char *path, json_t *value) {
    json_t *o = json_pack("{ss}", "op", random_pick(r, 6) ? ops[op] : loud_ops[op]);
    if (path != NULL)
        json_object_set_new(o, "path", json_string(path));
    if (value != NULL)
        json_object_set_new(o, "value", value);
    return o;
}

static json_t *random_operation(struct random_scim *r, const struct resource_type *rt) {
    enum op op = (enum op)random_pick(r, 3);
    if (random_pick(r, 40) == 0) /* wrong altogether */
        return operation(r, op, random_pick(r, 2) ? "shoeSize" : "emails[type eq", json_string("x"));
    if (op != REMOVE && random_pick(r, 4) == 0)
        return operation(r, op, NULL, pathless_value(r, rt));
    struct jbuf path = {0};
    bool element;
    json_t *value = NULL;
    const struct attr *a = some_path(r, rt, &path, &element);
    /* What is always refused, not too often. */
    if (op == REMOVE && a->required && random_pick(r, 5) > 0)
        op = REPLACE;
    if (op != REMOVE && a->apart && element && random_pick(r, 5) > 0)
        op = REMOVE;
    if (op != REMOVE || random_pick(r, 4) == 0)
        value = !element ? some_value(r, a) : a->apart ? random_member(r) : element_of(r, a);
    json_t *o = operation(r, op, path.p, value);
    jb_free(&path);
    return o;
}

json_t *random_patch(struct random_scim *r, const struct resource_type *rt) {
    static const size_t counts[] = {1, 1, 1, 2, 2, 3, 4};
    json_t *list = json_array();
    for (size_t n = counts[random_pick(r, sizeof counts / sizeof counts[0])]; n > 0; n--)
        json_array_append_new(list, random_operation(r, rt));
    return json_pack("{s[s]so}", "schemas", MESSAGE_PATCH, "Operations", list);
}
