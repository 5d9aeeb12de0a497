/* Mutations of JSON that stay JSON, so that the fuzzers spend their time behind the parser. */
#include "tests/fuzz/fuzz.h"

#include "schemas/text/jsonx.h"
#include "tests/schemas/probe.h"
#include "tests/support/random_scim.h"

#include <stdlib.h>
#include <string.h>

#define NODES_MAX 4096

/* libFuzzer's own mutation of bytes; not there when the target is replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));

/* Where a value stands: in an object under name, or in an array at i. */
struct place {
    json_t *parent;
    const char *name;
    size_t i;
};

struct mutation {
    struct place place[NODES_MAX];
    size_t n;
    uint64_t state;
};

static size_t pick(struct mutation *m, size_t n) {
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return n > 0 ? (size_t)(m->state % n) : 0;
}

static void collect(struct mutation *m, json_t *node) {
    size_t i;
    const char *name;
    json_t *part;
    json_array_foreach(node, i, part) {
        if (m->n < NODES_MAX)
            m->place[m->n++] = (struct place){node, NULL, i};
        collect(m, part);
    }
    json_object_foreach(node, name, part) {
        if (m->n < NODES_MAX)
            m->place[m->n++] = (struct place){node, name, 0};
        collect(m, part);
    }
}

static json_t *at(const struct place *p) {
    return p->name != NULL ? json_object_get(p->parent, p->name) : json_array_get(p->parent, p->i);
}

static void put(const struct place *p, json_t *value) {
    if (p->name != NULL)
        json_object_set_new(p->parent, p->name, value);
    else
        json_array_set_new(p->parent, p->i, value);
}

/* ---- what may stand there ---- */

static const char *const texts[] = {
    "",
    " ",
    "True",
    "false",
    "work",
    "WORK",
    "home",
    "add",
    "Replace",
    "remove",
    "2026-01-31T08:00:00+02:00",
    "QUJD",
    "1",
    "null",
    "stra\u00dfe",
    "Group",
    "User",
    "0190C5A4-0000-7000-8000-00000000000A",
    "emails[type eq \"work\"]",
    "emails[type eq \"work\" and not (primary eq true)].value",
    "addresses[type eq \"work\"].locality",
    "members[value eq \"u-1\"]",
    "parts[value gt 0 or on eq true].exact",
    "tags[value eq \"one\"]",
    "name.familyName",
    "manager",
    "place.since",
    SCHEMA_ENTERPRISE,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    "urn:ietf:params:scim:schemas:extension:usher:2.0:User:editor",
    SCHEMA_USER,
    SCHEMA_GROUP,
    "urn:example:Probe",
    MESSAGE_PATCH,
    "bulkId:a",
    "bulkId:b",
    "https://usher.example/scim/v2/Groups/bulkId:r",
    "members[value eq \"bulkId:a\"]",
    "/Users/bulkId:a",
    "POST",
    "PUT",
    "DELETE",
    "/Groups"};
static const char *const words[] = {"op",       "path",    "value",      "Operations", "schemas", "id",
                                    "meta",     "members", "emails",     "type",       "primary", "display",
                                    "$ref",     "active",  "externalId", "groups",     "name",    "doc",
                                    "password", "ops",     "body",       "method",     "bulkId",  "data"};

/* The name of some attribute, with its URN or parent before it now and then. */
static void attribute_name(struct mutation *m, char *out, size_t size) {
    const struct schema *schema = NULL;
    size_t count = 0;
    while (schema_at(count) != NULL)
        count++;
    size_t k = pick(m, count + 2);
    schema = k < count ? schema_at(k) : &probe_schema;
    if (schema->nattrs == 0) {
        snprintf(out, size, "id");
        return;
    }
    const struct attr *a = &schema->attrs[pick(m, schema->nattrs)];
    const char *sub = a->nsubs > 0 && pick(m, 2) ? a->subs[pick(m, a->nsubs)].name : NULL;
    snprintf(out, size, "%s%s%s%s%s", pick(m, 4) == 0 ? schema->id : "", "", a->name, sub != NULL ? "." : "",
             sub != NULL ? sub : "");
}

static json_t *some_value(struct mutation *m) {
    char name[300];
    switch (pick(m, 10)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(pick(m, 2));
    case 2:
        return json_integer((json_int_t)pick(m, 5) - 2);
    case 3:
        return json_real(((double)pick(m, 5) - 2) / 8);
    case 4:
        return json_array();
    case 5:
        return json_object();
    case 6:
        return json_pack("{ssss}", "type", pick(m, 2) ? "work" : "home", "value", texts[pick(m, 10)]);
    case 7:
        attribute_name(m, name, sizeof name);
        return json_string(name);
    default:
        return json_string(texts[pick(m, sizeof texts / sizeof texts[0])]);
    }
}

static json_t *mutated_text(const json_t *v, struct mutation *m) {
    uint8_t buf[256];
    size_t n = json_string_length(v);
    if (n > sizeof buf / 2 || LLVMFuzzerMutate == NULL)
        return some_value(m);
    memcpy(buf, json_string_value(v), n);
    n = LLVMFuzzerMutate(buf, n, sizeof buf);
    json_t *text = json_stringn((const char *)buf, n);
    return text != NULL && memchr(buf, 0, n) == NULL ? text : (json_decref(text), some_value(m));
}

/* ---- one change ---- */

static void rename_member(struct mutation *m, const struct place *p) {
    char name[300];
    json_t *v = json_incref(at(p));
    if (pick(m, 2))
        attribute_name(m, name, sizeof name);
    else
        snprintf(name, sizeof name, "%s", words[pick(m, sizeof words / sizeof words[0])]);
    if (pick(m, 3) > 0) /* else both stay */
        json_object_del(p->parent, p->name);
    json_object_set_new(p->parent, name, jsonx_copy(v));
    json_decref(v);
}

static void remove_value(const struct place *p) {
    if (p->name != NULL)
        json_object_del(p->parent, p->name);
    else
        json_array_remove(p->parent, p->i);
}

static void add_value(struct mutation *m, json_t *container, json_t *value) {
    char name[300];
    if (json_is_array(container)) {
        json_array_insert_new(container, pick(m, json_array_size(container) + 1), value);
    } else if (json_is_object(container)) {
        attribute_name(m, name, sizeof name);
        json_object_set_new(container, name, value);
    } else {
        json_decref(value);
    }
}

/* An operation more for a patch, of the type that the input's first byte names. */
static bool add_operation(struct mutation *m, json_t *root, uint8_t kind) {
    json_t *body = json_object_get(root, "body");
    json_t *list = json_object_get(body != NULL ? body : root, body != NULL ? "Operations" : "ops");
    if (!json_is_array(list))
        return false;
    struct random_scim r = {.state = m->state};
    struct arena *a = arena_new();
    struct fuzz_input in;
    fuzz_input(&kind, 1, a, &in);
    json_t *patch = random_patch(&r, in.rt);
    m->state = r.state;
    if (pick(m, 4) == 0)
        json_array_clear(list);
    json_array_append(list, json_array_get(json_object_get(patch, "Operations"), 0));
    json_decref(patch);
    arena_free(a);
    return true;
}

static void change(struct mutation *m, json_t *root) {
    m->n = 0;
    collect(m, root);
    if (m->n == 0) {
        add_value(m, root, some_value(m));
        return;
    }
    const struct place *p = &m->place[pick(m, m->n)];
    json_t *other = at(&m->place[pick(m, m->n)]);
    switch (pick(m, 9)) {
    case 0:
        remove_value(p);
        break;
    case 1:
        if (p->name != NULL)
            rename_member(m, p);
        else
            put(p, some_value(m));
        break;
    case 2:
        put(p, json_pack("[o]", jsonx_copy(at(p))));
        break;
    case 3:
        put(p, json_pack("{so}", "value", jsonx_copy(at(p))));
        break;
    case 4:
        put(p, jsonx_copy(other));
        break;
    case 5:
        add_value(m, at(p), jsonx_copy(other));
        break;
    case 6:
        add_value(m, at(p), some_value(m));
        break;
    case 7:
        put(p, some_value(m));
        break;
    default:
        put(p, json_is_string(at(p)) ? mutated_text(at(p), m) : some_value(m));
    }
}

size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    static struct mutation m;
    m.state = seed * 0x9e3779b97f4a7c15u + 1;
    json_t *root = size > 1 ? json_loadb((const char *)data + 1, size - 1, 0, NULL) : NULL;
    if (root == NULL || pick(&m, 20) == 0) {
        json_decref(root);
        return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, max_size) : size;
    }
    for (size_t times = 1 + pick(&m, 3); times > 0; times--)
        if (pick(&m, 4) > 0 || !add_operation(&m, root, data[0]))
            change(&m, root);
    if (pick(&m, 20) == 0)
        data[0] = (uint8_t)('0' + pick(&m, FUZZ_KINDS));
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    size_t n = text != NULL ? strlen(text) : 0;
    if (n > 0 && n < max_size) {
        memcpy(data + 1, text, n);
        size = n + 1;
    }
    free(text);
    return size;
}
