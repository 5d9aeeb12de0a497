#include "workers/apply/announce.h"

#include "schemas/patch/patch.h"
#include "schemas/resource/resource.h"
#include "schemas/resource/resource_keys.h"
#include "schemas/text/fold.h"
#include "workers/apply/carry.h"
#include "workers/apply/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer lists are looked at when the command's turn comes: they may be too large for objects. */
#define MEMBERS_AT_ONCE 64

static void want_document(struct unit *u, struct unit_workspace *w, const struct command *c,
                          const json_t *doc) {
    const char *attr = rules_of(c->rt)->name, *name = attr != NULL ? resource_string(doc, attr) : NULL;
    if (name != NULL) {
        char *key = fold_text(name);
        unit_want_name(u, w, c->rt, key);
        free(key);
    }
    unit_want_values(u, w, c->rt, doc);
}

static void want_users(struct unit *u, struct unit_workspace *w, const json_t *ids) {
    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id) {
        if (json_is_string(id))
            unit_want_resource(u, w, resource_type_of(RESOURCE_USER), json_string_value(id), false);
    }
}

/* The members that a room's patch names. */
static void want_patched_members(struct unit *u, struct unit_workspace *w, const struct command *c) {
    size_t i, k;
    json_t *op, *value;
    json_array_foreach(c->ops, i, op) {
        const char *path = json_string_value(json_object_get(op, "path"));
        static const char one[] = "members[value eq \"";
        if (path != NULL && !strncmp(path, one, sizeof one - 1) && strlen(path) >= sizeof one - 1 + 36) {
            char id[37];
            snprintf(id, sizeof id, "%.36s", path + sizeof one - 1);
            unit_want_member(u, w, c->id.s, id);
        }
        if (path == NULL || strcmp(path, "members") != 0)
            continue;
        if (json_array_size(json_object_get(op, "value")) > MEMBERS_AT_ONCE)
            continue;
        json_array_foreach(json_object_get(op, "value"), k, value) {
            const char *id =
                json_string_value(json_is_object(value) ? json_object_get(value, "value") : value);
            if (id != NULL)
                unit_want_member(u, w, c->id.s, id);
        }
    }
}

static bool attrs_keep_unique(const struct attr *attrs, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (attr_is_unique(&attrs[i]) || attrs_keep_unique(attrs[i].subs, attrs[i].nsubs))
            return true;
    return false;
}

/* Does an operation touch something that must be unique? */
static bool touches_unique(const struct resource_type *rt, const json_t *op) {
    struct attr_path path;
    struct err err;
    const char *text = json_string_value(json_object_get(op, "path"));
    size_t len = text != NULL ? strcspn(text, "[") : 0;
    if (len == 0 || attr_path_resolve(rt, text, len, ERR_INVALID_PATH, &path, &err) != ERR_OK ||
        path.attr == NULL)
        return false;
    const struct attr *a = attr_path_target(&path);
    return attr_is_unique(a) || attrs_keep_unique(a->subs, a->nsubs);
}

/* The names and unique values that a patch gives: those of an empty document after it. */
static void want_patched_values(struct unit *u, struct unit_workspace *w, const struct command *c) {
    size_t i;
    json_t *op;
    struct err err;
    struct member_delta *deltas;
    size_t ndeltas;
    const char *name = rules_of(c->rt)->name;
    bool unique = resource_type_keeps_unique(c->rt);
    json_array_foreach(c->ops, i, op) {
        const char *path = json_string_value(json_object_get(op, "path"));
        if (!(path != NULL && name != NULL && strcmp(path, name) == 0) &&
            !(unique && touches_unique(c->rt, op)))
            continue;
        json_t *one = json_pack("[O]", op), *doc = json_object();
        if (one == NULL || doc == NULL)
            abort();
        if (patch_apply(c->rt, c->dialect, one, doc, unit_arena(u), &deltas, &ndeltas, &err) == ERR_OK)
            want_document(u, w, c, doc);
        json_decref(one);
        json_decref(doc);
    }
}

void announce_create(struct unit *u, struct unit_workspace *w, const struct command *c) {
    unit_want_resource(u, w, c->rt, c->id.s, false);
    want_document(u, w, c, c->resource);
    link_announce(u, w, c);
    if (json_array_size(c->members) <= MEMBERS_AT_ONCE)
        want_users(u, w, c->members);
}

void announce_replace(struct unit *u, struct unit_workspace *w, const struct command *c) {
    unit_want_resource(u, w, c->rt, c->id.s, true);
    want_document(u, w, c, c->resource);
    if (json_array_size(c->members) <= MEMBERS_AT_ONCE)
        want_users(u, w, c->members);
}

void announce_patch(struct unit *u, struct unit_workspace *w, const struct command *c) {
    unit_want_resource(u, w, c->rt, c->id.s, true);
    want_patched_values(u, w, c);
    if (c->rt->kind == RESOURCE_ROOM)
        want_patched_members(u, w, c);
}

void announce_delete(struct unit *u, struct unit_workspace *w, const struct command *c) {
    unit_want_resource(u, w, c->rt, c->id.s, true);
}
