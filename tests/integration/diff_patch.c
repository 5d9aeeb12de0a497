/* The differential test of patches, its half in memory: makes random resources and random patches for them,
 * applies them with schemas/patch, and prints one JSON object per resource, which test_diff_patch.py carries
 * out through HTTP and compares:
 *
 *   {"type", "dialect", "create": body, "resource": as shown, "members": [id…],
 *    "steps": [{"patch": body, "status", "scimType", "detail", "changed", "resource", "members"}, …]}
 *
 * Usage: diff_patch [--schemas DIR] SEED RESOURCES STEPS FILE; FILE has {"base": URL, "users": [{"id",
 * "display"}…]}: users whom rooms may have as members. */
#include "ops/runtime/arena.h"
#include "schemas/patch/patch.h"
#include "schemas/resource/resource.h"
#include "tests/support/random_scim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands for the id that the server gives. */
#define ID "0190c5a4-0000-7000-8000-00000000000a"

static json_t *users; /* id -> {"value", "type", "display"} */
static const char *base;

struct state {
    json_t *doc;
    json_t *members; /* id -> true */
};

static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "diff_patch: %s: %s\n", what, why);
    exit(2);
}

/* The representation without what the server alone knows. */
static json_t *shown(const struct resource_type *rt, const json_t *doc) {
    struct jbuf out = {0};
    char *text = json_dumps(doc, JSON_COMPACT);
    struct resource_row row = {.id = ID, .doc = text, .version = 1};
    resource_render(rt, &row, NULL, base, &out);
    json_t *v = json_loadb(out.p, out.n, 0, NULL);
    if (v == NULL)
        die("a representation is no JSON", out.p);
    json_object_del(v, "id");
    json_object_del(v, "meta");
    jb_free(&out);
    free(text);
    return v;
}

static json_t *ids_of(const json_t *members) {
    json_t *list = json_array(), *value;
    const char *id;
    json_object_foreach((json_t *)members, id, value) {
        json_array_append_new(list, json_string(id));
    }
    return list;
}

/* ---- what a patch does to the members ---- */

/* Unknown users are refused; okta lets them pass as long as it names someone who is known. */
static bool all_known(enum dialect dialect, const struct member_delta *d) {
    size_t known = 0;
    if (d->kind != MEMBER_ADD && d->kind != MEMBER_SET)
        return true;
    for (size_t i = 0; i < d->nids; i++)
        known += json_object_get(users, d->ids[i]) != NULL;
    return known == d->nids || (dialect == DIALECT_OKTA && known > 0);
}

static void remove_matching(json_t *members, const struct filter *f) {
    json_t *ids = ids_of(members), *id;
    size_t i;
    json_array_foreach(ids, i, id) {
        if (filter_match_element(f, json_object_get(users, json_string_value(id))))
            json_object_del(members, json_string_value(id));
    }
    json_decref(ids);
}

/* Gives whether the operation has changed anything: members that one operation adds and the next one removes
 * are two changes. */
static bool carry_out(json_t *members, const struct member_delta *d) {
    json_t *before = json_deep_copy(members);
    if (d->kind == MEMBER_SET || d->kind == MEMBER_REMOVE_ALL)
        json_object_clear(members);
    if (d->kind == MEMBER_REMOVE_IF)
        remove_matching(members, d->filter);
    for (size_t i = 0; i < d->nids; i++) {
        if (d->kind == MEMBER_REMOVE)
            json_object_del(members, d->ids[i]);
        else if (json_object_get(users, d->ids[i]) != NULL)
            json_object_set_new(members, d->ids[i], json_true());
    }
    bool changed = !json_equal(before, members);
    json_decref(before);
    return changed;
}

/* ---- one patch ---- */

static enum err_code patch(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                           struct state *s, bool *changed, struct err *err) {
    struct arena *a = arena_new();
    struct member_delta *deltas = NULL;
    size_t n = 0;
    json_t *ops = NULL, *doc = json_deep_copy(s->doc), *members = json_deep_copy(s->members);
    enum err_code code = patch_normalise(rt, dialect, body, ID, &ops, err);
    if (code == ERR_OK)
        code = patch_apply(rt, dialect, ops, doc, a, &deltas, &n, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        if (!all_known(dialect, &deltas[i]))
            code = err_set(err, ERR_INVALID_VALUE, "There are unknown members");
    *changed = code == ERR_OK && !json_equal(doc, s->doc);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        *changed |= carry_out(members, &deltas[i]);
    if (code == ERR_OK) {
        json_t *swap = s->doc;
        s->doc = doc;
        doc = swap;
        swap = s->members;
        s->members = members;
        members = swap;
    }
    json_decref(ops);
    json_decref(doc);
    json_decref(members);
    arena_free(a);
    return code;
}

/* The body as it goes over the wire, so that both sides read the same text. */
static json_t *step(struct random_scim *r, const struct resource_type *rt, enum dialect dialect,
                    struct state *s) {
    struct err err = {0};
    bool changed = false;
    json_t *body = random_patch(r, rt);
    enum err_code code = patch(rt, dialect, body, s, &changed, &err);
    return json_pack("{sosisssssbsoso}", "patch", body, "status", err_http_status(code), "scimType",
                     code != ERR_OK && err_scim_type(code) != NULL ? err_scim_type(code) : "", "detail",
                     code != ERR_OK ? err_text(&err) : "", "changed", changed, "resource", shown(rt, s->doc),
                     "members", ids_of(s->members));
}

/* A user who is created without a role gets the workspace's, which is the server's affair: so all are created
 * with one. */
static void say_role(struct random_scim *r, json_t *body) {
    json_t *part = json_object_get(body, SCHEMA_USHER_USER);
    if (part == NULL) {
        part = json_object();
        json_object_set_new(body, SCHEMA_USHER_USER, part);
        json_array_append_new(json_object_get(body, "schemas"), json_string(SCHEMA_USHER_USER));
    }
    if (json_object_get(part, "editor") == NULL)
        json_object_set_new(part, "editor", json_boolean(random_pick(r, 2)));
}

static void script(struct random_scim *r, const struct resource_type *rt, enum dialect dialect, int steps) {
    struct err err = {0};
    json_t *body = random_resource(r, rt), *ids = NULL, *id, *list = json_array();
    struct state s = {NULL, json_object()};
    size_t i;
    if (rt->kind == RESOURCE_USER)
        say_role(r, body);
    if (resource_normalise(rt, dialect, body, &s.doc, &ids, NULL, &err) != ERR_OK)
        die("a random resource is refused", err_text(&err));
    resource_default(rt, s.doc);
    json_array_foreach(ids, i, id) {
        json_object_set_new(s.members, json_string_value(id), json_true());
    }
    json_t *created = shown(rt, s.doc), *members = ids_of(s.members);
    for (int k = 0; k < steps; k++)
        json_array_append_new(list, step(r, rt, dialect, &s));
    json_t *out = json_pack("{sssssosososo}", "type", rt->name, "dialect", dialect_name(dialect), "create",
                            body, "resource", created, "members", members, "steps", list);
    if (out == NULL)
        die("a script", "cannot be put together");
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    json_decref(ids);
    json_decref(s.doc);
    json_decref(s.members);
}

/* Fills users; gives their ids. */
static json_t *read_users(const char *path) {
    json_error_t e;
    json_t *file = json_load_file(path, 0, &e), *ids = json_array(), *user;
    size_t i;
    if (file == NULL)
        die(path, e.text);
    users = json_object();
    json_array_foreach(json_object_get(file, "users"), i, user) {
        const char *id = json_string_value(json_object_get(user, "id"));
        json_object_set_new(
            users, id,
            json_pack("{sssssO}", "value", id, "type", "User", "display", json_object_get(user, "display")));
        json_array_append_new(ids, json_string(id));
    }
    base = strdup(json_string_value(json_object_get(file, "base")));
    json_decref(file);
    return ids;
}

int main(int argc, char **argv) {
    random_schemas(&argc, &argv);
    static const enum dialect dialects[] = {DIALECT_RFC, DIALECT_ENTRA, DIALECT_OKTA};
    if (argc < 5)
        die("usage", "diff_patch SEED RESOURCES STEPS FILE");
    json_t *ids = read_users(argv[4]);
    size_t types = 0;
    while (resource_type_at(types) != NULL)
        types++;
    struct random_scim r = {.ids = ids, .prefix = argv[1]};
    random_seed(&r, strtoull(argv[1], NULL, 10));
    for (int i = 0; i < atoi(argv[2]); i++)
        script(&r, resource_type_at(random_pick(&r, types)), dialects[i % 3], atoi(argv[3]));
    json_decref(ids);
    json_decref(users);
    free((char *)base);
    return 0;
}
