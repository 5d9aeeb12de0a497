#include "tests/support/memory_unit.h"

#include "sql/unit/unit_private.h"
#include "tests/support/memory_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID 36 /* characters of an id */

static const char *const tables_of[] = {
    "workspaces", "users",  "rooms", "resources", "values", "members", "keys",       "owners",
    "logins",     "guards", "bulks", "claims",    "outbox", "slices",  "deliveries", "signIn"};

void memory_init(struct memory *m, json_t *tables) {
    *m = (struct memory){.tables = tables};
    for (size_t i = 0; i < sizeof tables_of / sizeof *tables_of; i++)
        if (json_object_get(tables, tables_of[i]) == NULL)
            json_object_set_new(tables, tables_of[i], json_object());
}

void memory_clear(struct memory *m) {
    json_decref(m->tables);
    json_decref(m->open);
}

json_t *memory_row(const json_t *tables, const char *table, const char *key) {
    return json_object_get(json_object_get(tables, table), key);
}

/* ---- loading: rows become objects ---- */

static json_t *table(const struct unit *u, const char *name) {
    const struct memory *m = u->store.at;
    return json_object_get(m->open, name);
}

static const char *key_of(struct unit *u, const struct want *x, const char *a, const char *b) {
    return arena_printf(u->arena, "%s/%s%s%s", x->workspace->id, a, b[0] != '\0' ? "/" : "", b);
}

static json_t *wanted_row(struct unit *u, const char *name, const struct want *x, const char *b) {
    return json_object_get(table(u, name), key_of(u, x, x->a, b));
}

static bool of_workspace(const char *key, const struct unit_workspace *w) {
    return strncmp(key, w->id, ID) == 0;
}

static char *text(struct unit *u, const json_t *row, const char *name) {
    return arena_strdup(u->arena, json_string_value(json_object_get(row, name)));
}

static int64_t number(const json_t *row, const char *name) {
    return json_integer_value(json_object_get(row, name));
}

static bool truth(const json_t *row, const char *name) {
    return json_is_true(json_object_get(row, name));
}

static void free_text(void *p) {
    free(p);
}

static const char *document(struct unit *u, const json_t *row) {
    char *doc = json_dumps(json_object_get(row, "doc"), JSON_COMPACT);
    arena_defer(u->arena, free_text, doc);
    return doc;
}

static struct unit_resource read_resource(struct unit *u, const struct resource_type *rt,
                                          struct unit_workspace *w, const char *id, const json_t *row,
                                          bool doc) {
    bool user = rt->kind == RESOURCE_USER;
    struct unit_resource r = {.rt = rt,
                              .workspace = w,
                              .name = text(u, row, "name"),
                              .name_key = text(u, row, "nameKey"),
                              .display_name = text(u, row, "displayName"),
                              .display_name_key = text(u, row, "displayNameKey"),
                              .external_id = text(u, row, "externalId"),
                              .active = !user || truth(row, "active"),
                              .seat = truth(row, "seat"),
                              .managed =
                                  truth(row, "managed") || (!user && text(u, row, "managedBy") != NULL),
                              .managed_by = text(u, row, "managedBy"),
                              .version = number(row, "version"),
                              .created_us = number(row, "created"),
                              .modified_us = number(row, "modified"),
                              .doc = doc ? document(u, row) : NULL};
    snprintf(r.id, sizeof r.id, "%.36s", id);
    return r;
}

static const char *table_of(enum unit_kind kind) {
    return kind == UNIT_USERS || kind == UNIT_USER_NAMES   ? "users"
           : kind == UNIT_ROOMS || kind == UNIT_ROOM_NAMES ? "rooms"
                                                           : "resources";
}

static void fetch_workspace(struct unit *u, const struct want *x) {
    struct unit_workspace *w = x->workspace;
    const json_t *row = json_object_get(table(u, "workspaces"), w->id);
    if (row == NULL)
        return;
    w->state = ROW_LOADED;
    w->seats_used = number(row, "seatsUsed");
    w->membership_seq = number(row, "membershipSeq");
    w->audit_seq = number(row, "auditSeq");
    w->events_seq = number(row, "eventsSeq");
    w->users_total = number(row, "usersTotal");
    workspace_settings_init(&w->settings);
    for (size_t i = 0; i < workspace_setting_count; i++)
        workspace_setting_set(
            &w->settings, &workspace_setting_table[i],
            json_object_get(json_object_get(row, "settings"), workspace_setting_table[i].name), u->arena);
}

static void fetch_sliced(struct unit *u, const struct want *x) {
    const json_t *row = json_object_get(table(u, "slices"), x->workspace->id);
    if (row != NULL)
        snprintf(x->workspace->sliced, sizeof x->workspace->sliced, "%s", text(u, row, "txn"));
}

static void fetch_claim(struct unit *u, const struct want *x) {
    const json_t *row = wanted_row(u, "claims", x, "");
    if (row == NULL)
        return;
    const json_t *partition = json_object_get(row, "partition");
    struct unit_claim c = {.known = true,
                           .cancelled = json_object_get(row, "outcome") == NULL,
                           .outcome = text(u, row, "outcome"),
                           .origin_partition = partition != NULL ? (int)json_integer_value(partition) : -1,
                           .origin_offset = number(row, "offset"),
                           .records = text(u, row, "records")};
    unit_put_claim(u, x->workspace, x->a, &c);
}

static void fetch_key(struct unit *u, const struct want *x) {
    const json_t *row = wanted_row(u, "keys", x, "");
    if (row == NULL)
        return;
    struct unit_key k = {.workspace = x->workspace,
                         .name = text(u, row, "name"),
                         .token_hash_hex = text(u, row, "tokenHash"),
                         .prefix = text(u, row, "prefix"),
                         .dialect = text(u, row, "dialect"),
                         .created_by = text(u, row, "createdBy"),
                         .scopes = text(u, row, "scopes"),
                         .networks = text(u, row, "networks"),
                         .rate = number(row, "rate"),
                         .expires_us = number(row, "expires"),
                         .old_token_hash_hex = text(u, row, "oldTokenHash"),
                         .old_until_us = number(row, "oldUntil"),
                         .revoked = truth(row, "revoked"),
                         .revoked_by = text(u, row, "revokedBy"),
                         .jwks = text(u, row, "jwks"),
                         .jwks_uri = text(u, row, "jwksUri"),
                         .dry_since_us = number(row, "drySince")};
    snprintf(k.id, sizeof k.id, "%s", x->a);
    unit_put_key(u, &k);
}

static void fetch_owners(struct unit *u, const struct want *x) {
    const char *key;
    json_t *row;
    json_object_foreach(table(u, "owners"), key, row) {
        if (!of_workspace(key, x->workspace))
            continue;
        struct unit_owner o = {.workspace = x->workspace,
                               .name = text(u, row, "name"),
                               .role = text(u, row, "role"),
                               .token_hash_hex = text(u, row, "tokenHash"),
                               .prefix = text(u, row, "prefix"),
                               .created_by = text(u, row, "createdBy"),
                               .expires_us = number(row, "expires"),
                               .revoked = truth(row, "revoked"),
                               .revoked_by = text(u, row, "revokedBy")};
        snprintf(o.id, sizeof o.id, "%s", key + ID + 1);
        unit_put_owner(u, &o);
    }
}

static void fetch_deliveries(struct unit *u, const struct want *x) {
    const char *key;
    json_t *row;
    json_object_foreach(table(u, "deliveries"), key, row) {
        if (!of_workspace(key, x->workspace))
            continue;
        struct unit_delivery d = {
            .workspace = x->workspace, .doc = text(u, row, "doc"), .secrets = text(u, row, "secrets")};
        snprintf(d.id, sizeof d.id, "%s", key + ID + 1);
        unit_put_delivery(u, &d);
    }
}

static void fetch_sign_in(struct unit *u, const struct want *x) {
    const json_t *row = json_object_get(table(u, "signIn"), x->workspace->id);
    if (row == NULL)
        return;
    struct unit_sign_in s = {
        .workspace = x->workspace, .doc = text(u, row, "doc"), .secret = text(u, row, "secret")};
    unit_put_sign_in(u, &s);
}

static void fetch_login(struct unit *u, const struct want *x) {
    const json_t *row = wanted_row(u, "logins", x, "");
    if (row == NULL)
        return;
    struct unit_login l = {.workspace = x->workspace,
                           .first_us = number(row, "first"),
                           .last_us = number(row, "last"),
                           .times = number(row, "times")};
    snprintf(l.user, sizeof l.user, "%s", x->a);
    unit_put_login(u, &l);
}

static void fetch_guard(struct unit *u, const struct want *x) {
    const json_t *row = wanted_row(u, "guards", x, x->b), *slots = json_object_get(row, "slots");
    if (row == NULL)
        return;
    struct unit_guard g = {.workspace = x->workspace,
                           .kind = unit_guard_kind(x->b),
                           .head = number(row, "head"),
                           .base = number(row, "base"),
                           .base_at = number(row, "baseAt"),
                           .tripped_us = number(row, "tripped")};
    snprintf(g.key, sizeof g.key, "%s", x->a);
    for (size_t i = 0; i < GUARD_BUCKETS; i++)
        g.slots[i] = json_integer_value(json_array_get(slots, i));
    unit_put_guard(u, &g);
}

static void fetch_bulk(struct unit *u, const struct want *x) {
    const json_t *row = wanted_row(u, "bulks", x, "");
    if (row != NULL)
        unit_put_bulk(u, x->workspace, x->a, (int)number(row, "failures"));
}

static void fetch_resource(struct unit *u, enum unit_kind kind, const struct want *x) {
    const json_t *row = wanted_row(u, table_of(kind), x, "");
    const char *type = kind == UNIT_CUSTOM ? json_string_value(json_object_get(row, "type")) : "";
    if (row == NULL || (kind == UNIT_CUSTOM && strcmp(type, x->b) != 0))
        return;
    struct unit_resource r = read_resource(u, unit_type_of(kind, type), x->workspace, x->a, row, x->doc);
    (void)unit_put_resource(u, &r);
}

static void fetch_named(struct unit *u, enum unit_kind kind, const struct want *x) {
    const char *key;
    json_t *row;
    json_object_foreach(table(u, table_of(kind)), key, row) {
        if (!of_workspace(key, x->workspace) ||
            strcmp(json_string_value(json_object_get(row, "nameKey")), x->a) != 0)
            continue;
        struct unit_resource r =
            read_resource(u, unit_type_of(kind, NULL), x->workspace, key + ID + 1, row, false);
        (void)unit_put_resource(u, &r);
    }
}

static bool has_value(const json_t *row, const char *type, const char *path, const char *key) {
    return strcmp(json_string_value(json_object_get(row, "type")), type) == 0 &&
           strcmp(json_string_value(json_object_get(row, "path")), path) == 0 &&
           strcmp(json_string_value(json_object_get(row, "key")), key) == 0;
}

static void fetch_value(struct unit *u, const struct want *x) {
    const char *key;
    json_t *row;
    json_object_foreach(table(u, "values"), key, row) {
        if (of_workspace(key, x->workspace) && truth(row, "unique") && has_value(row, x->a, x->b, x->c))
            unit_put_value(u, x->workspace, x->a, x->b, x->c, json_string_value(json_object_get(row, "id")));
    }
}

static bool has_mail(const struct unit *u, const struct want *x, const char *id) {
    const char *key;
    json_t *row;
    json_object_foreach(table(u, "values"), key, row) {
        if (of_workspace(key, x->workspace) &&
            strcmp(json_string_value(json_object_get(row, "id")), id) == 0 &&
            has_value(row, "User", "emails.value", x->a))
            return true;
    }
    return false;
}

static void fetch_mail(struct unit *u, const struct want *x) {
    const char *key;
    json_t *row;
    json_object_foreach(table(u, "users"), key, row) {
        bool named = strcmp(json_string_value(json_object_get(row, "nameKey")), x->a) == 0;
        if (!of_workspace(key, x->workspace) || truth(row, "managed") ||
            (!named && !has_mail(u, x, key + ID + 1)))
            continue;
        struct unit_resource r =
            read_resource(u, resource_type_of(RESOURCE_USER), x->workspace, key + ID + 1, row, true);
        unit_put_mail(u, x->a, &r);
    }
}

static void fetch_pair(struct unit *u, const struct want *x) {
    const json_t *row = wanted_row(u, "members", x, x->b);
    if (row != NULL)
        unit_put_pair(u, x->workspace, x->a, x->b, truth(row, "transmit"), truth(row, "held"));
}

static void fetch_one(struct unit *u, enum unit_kind kind, const struct want *x) {
    static void (*const plain[UNIT_KINDS])(struct unit * u, const struct want *x) = {
        [UNIT_WORKSPACES] = fetch_workspace,
        [UNIT_CLAIMS] = fetch_claim,
        [UNIT_KEYS] = fetch_key,
        [UNIT_OWNERS] = fetch_owners,
        [UNIT_LOGINS] = fetch_login,
        [UNIT_GUARDS] = fetch_guard,
        [UNIT_VALUES] = fetch_value,
        [UNIT_BULKS] = fetch_bulk,
        [UNIT_MEMBERS] = fetch_pair,
        [UNIT_MAILS] = fetch_mail,
        [UNIT_SLICED] = fetch_sliced,
        [UNIT_DELIVERIES] = fetch_deliveries,
        [UNIT_SIGN_INS] = fetch_sign_in,
    };
    if (plain[kind] != NULL)
        plain[kind](u, x);
    else if (kind == UNIT_USER_NAMES || kind == UNIT_ROOM_NAMES)
        fetch_named(u, kind, x);
    else
        fetch_resource(u, kind, x);
}

static enum err_code memory_fetch(struct unit *u, bool begins, const enum unit_kind *kinds, size_t n,
                                  struct err *err) {
    struct memory *m = u->store.at;
    (void)err;
    if (begins) {
        assert(m->open == NULL);
        m->open = json_deep_copy(m->tables);
    }
    for (size_t i = 0; i < n; i++) {
        if (begins && m->lazy && kinds[i] != UNIT_WORKSPACES && kinds[i] != UNIT_SLICED &&
            kinds[i] != UNIT_MAILS)
            u->nwants[kinds[i]] = 0;
        for (size_t k = 0; k < u->nwants[kinds[i]]; k++)
            fetch_one(u, kinds[i], &u->wants[kinds[i]][k]);
    }
    return ERR_OK;
}

/* In the order of their keys, as PostgreSQL has them by the other side's id. */
static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err_code memory_members(struct unit *u, struct unit_resource *r, struct unit_page *page,
                                    struct err *err) {
    json_t *members = table(u, "members"), *row;
    bool user = r->rt->kind == RESOURCE_USER;
    size_t n = 0, mine = user ? 2 * (ID + 1) : ID + 1, theirs = user ? ID + 1 : 2 * (ID + 1);
    const char *key, **found = arena_alloc(u->arena, (json_object_size(members) + 1) * sizeof *found);
    (void)err;
    json_object_foreach(members, key, row) {
        if (of_workspace(key, r->workspace) && strncmp(key + mine, r->id, ID) == 0 &&
            strncmp(key + theirs, page->after, ID) > 0)
            found[n++] = key;
    }
    qsort(found, n, sizeof *found, compare_texts);
    page->n = n < page->limit ? n : page->limit;
    for (size_t i = 0; i < page->n; i++) {
        const struct resource_type *rt = resource_type_of(user ? RESOURCE_ROOM : RESOURCE_USER);
        char id[ID + 1];
        snprintf(id, sizeof id, "%.36s", found[i] + theirs);
        row = json_object_get(table(u, user ? "rooms" : "users"),
                              arena_printf(u->arena, "%s/%s", r->workspace->id, id));
        struct unit_resource x = read_resource(u, rt, r->workspace, id, row, false), *other;
        other = unit_put_resource(u, &x);
        row = json_object_get(members, found[i]);
        unit_put_member(u, user ? other : r, user ? r : other, truth(row, "transmit"), truth(row, "held"));
        memcpy(page->after, id, sizeof page->after);
    }
    return ERR_OK;
}

static enum err_code memory_name_free(struct unit *u, const char *name, bool *is_free, struct err *err) {
    const char *key;
    json_t *row;
    (void)err;
    *is_free = true;
    json_object_foreach(table(u, "workspaces"), key, row) {
        const char *taken = json_string_value(json_object_get(json_object_get(row, "settings"), "name"));
        *is_free = *is_free && strcmp(taken, name) != 0;
    }
    return ERR_OK;
}

static enum err_code memory_count(struct unit *u, const struct unit_workspace *w, enum guard_kind kind,
                                  int64_t *n, struct err *err) {
    const char *key;
    json_t *row;
    (void)err;
    *n = 0;
    json_object_foreach(table(u, kind == GUARD_USERS ? "users" : "members"), key, row) {
        *n += of_workspace(key, w) && (kind == GUARD_USERS ? truth(row, "active") : !truth(row, "held"));
    }
    return ERR_OK;
}

static enum err_code memory_count_keys(struct unit *u, const struct unit_workspace *w, int64_t *n,
                                       struct err *err) {
    const char *key;
    json_t *row;
    (void)err;
    *n = 0;
    json_object_foreach(table(u, "keys"), key, row) {
        *n += of_workspace(key, w) && !truth(row, "revoked");
    }
    return ERR_OK;
}

static enum err_code memory_recount(struct unit *u, const struct unit_workspace *w, bool on_login,
                                    struct unit_page *page, int64_t *n, struct err *err) {
    json_t *users = table(u, "users"), *row;
    const char *key, **found = arena_alloc(u->arena, (json_object_size(users) + 1) * sizeof *found);
    size_t all = 0;
    (void)err;
    json_object_foreach(users, key, row) {
        if (of_workspace(key, w) && strcmp(key + ID + 1, page->after) > 0)
            found[all++] = key;
    }
    qsort(found, all, sizeof *found, compare_texts);
    page->n = all < page->limit ? all : page->limit;
    *n = 0;
    for (size_t i = 0; i < page->n; i++) {
        row = json_object_get(users, found[i]);
        bool seat =
            truth(row, "active") && (!on_login || json_object_get(table(u, "logins"), found[i]) != NULL);
        json_object_set_new(row, "seat", json_boolean(seat));
        *n += seat;
        snprintf(page->after, sizeof page->after, "%s", found[i] + ID + 1);
    }
    return ERR_OK;
}

/* ---- large commands ---- */

static enum err_code memory_see_members(struct unit *u, const struct unit_resource *room, bool names,
                                        struct unit_page *page,
                                        void (*fn)(const struct unit_seen *m, void *ctx), void *ctx,
                                        struct err *err) {
    json_t *members = table(u, "members"), *row;
    const char *key, **found = arena_alloc(u->arena, (json_object_size(members) + 1) * sizeof *found);
    size_t n = 0;
    (void)err;
    json_object_foreach(members, key, row) {
        if (of_workspace(key, room->workspace) && strncmp(key + ID + 1, room->id, ID) == 0 &&
            strcmp(key + 2 * (ID + 1), page->after) > 0)
            found[n++] = key;
    }
    qsort(found, n, sizeof *found, compare_texts);
    page->n = n < page->limit ? n : page->limit;
    for (size_t i = 0; i < page->n; i++) {
        const char *id = found[i] + 2 * (ID + 1);
        const json_t *user =
            json_object_get(table(u, "users"), arena_printf(u->arena, "%s/%s", room->workspace->id, id));
        struct unit_seen m = {.id = id,
                              .held = truth(json_object_get(members, found[i]), "held"),
                              .name = names ? text(u, user, "name") : NULL,
                              .display_name = names ? text(u, user, "displayName") : NULL};
        fn(&m, ctx);
        snprintf(page->after, sizeof page->after, "%s", id);
    }
    return ERR_OK;
}

static void count_seen(const struct unit_seen *m, void *ctx) {
    *(int64_t *)ctx += !m->held;
}

static enum err_code memory_count_members(struct unit *u, const struct unit_resource *room, int64_t *n,
                                          struct err *err) {
    struct unit_page all = {.after = UUID_NIL, .limit = SIZE_MAX};
    *n = 0;
    return memory_see_members(u, room, false, &all, count_seen, n, err);
}

static enum err_code memory_known_users(struct unit *u, const struct unit_workspace *w,
                                        const struct unit_resource *room, const struct uuid_bytes *ids,
                                        size_t n, enum unit_known *known, struct err *err) {
    (void)err;
    for (size_t i = 0; i < n; i++) {
        struct uuid id = uuid_unpack(&ids[i]);
        const json_t *row = json_object_get(table(u, "users"), arena_printf(u->arena, "%s/%s", w->id, id.s)),
                     *member =
                         room == NULL
                             ? NULL
                             : json_object_get(table(u, "members"),
                                               arena_printf(u->arena, "%s/%s/%s", w->id, room->id, id.s));
        if (member != NULL)
            known[i] = truth(member, "held") ? UNIT_HELD : UNIT_MEMBER;
        else
            known[i] = row == NULL ? UNIT_UNKNOWN : truth(row, "active") ? UNIT_ACTIVE : UNIT_INACTIVE;
    }
    return ERR_OK;
}

/* The items of a list from `from` on, at most `limit`, where the list begins at `first` of all of them. */
static size_t next_of(struct unit *u, const json_t *list, int64_t done, int64_t first, size_t limit,
                      const char ***out) {
    int64_t n = (int64_t)json_array_size(list), from = done > first ? done - first : 0,
            end = done + (int64_t)limit - first;
    size_t some = 0;
    *out = arena_alloc(u->arena, (size_t)(n + 1) * sizeof **out);
    for (int64_t i = from; i < n && i < end; i++)
        (*out)[some++] = arena_strdup(u->arena, json_string_value(json_array_get(list, (size_t)i)));
    return some;
}

static const struct uuid_bytes *packed(struct unit *u, const char *const *texts, size_t n) {
    struct uuid_bytes *ids = arena_alloc(u->arena, (n + 1) * sizeof *ids);
    for (size_t i = 0; i < n; i++)
        if (!uuid_pack(texts[i], &ids[i]))
            abort();
    return ids;
}

static enum err_code memory_plan(struct unit *u, struct unit_workspace *w, size_t limit,
                                 struct unit_plan *plan, bool *found, struct err *err) {
    const json_t *row = json_object_get(table(u, "slices"), w->id), *removes, *adds, *unknown;
    const char **texts;
    (void)err;
    *found = row != NULL;
    if (row == NULL)
        return ERR_OK;
    removes = json_object_get(row, "removes");
    adds = json_object_get(row, "adds");
    unknown = json_object_get(row, "unknown");
    int64_t second = (int64_t)json_array_size(removes), third = second + (int64_t)json_array_size(adds);
    snprintf(plan->txn, sizeof plan->txn, "%s", text(u, row, "txn"));
    plan->partition = (int)number(row, "partition");
    plan->work = text(u, row, "work");
    snprintf(plan->hidden_room, sizeof plan->hidden_room, "%s", text(u, row, "hiddenRoom"));
    snprintf(plan->hidden_user, sizeof plan->hidden_user, "%s", text(u, row, "hiddenUser"));
    plan->user_gone = truth(row, "userGone");
    plan->done = number(row, "done");
    snprintf(plan->after, sizeof plan->after, "%s", text(u, row, "after"));
    plan->counted = number(row, "counted");
    plan->total = (size_t)third + json_array_size(unknown);
    plan->nremoves = next_of(u, removes, plan->done, 0, limit, &texts);
    plan->removes = packed(u, texts, plan->nremoves);
    plan->nadds = next_of(u, adds, plan->done, second, limit, &texts);
    plan->adds = packed(u, texts, plan->nadds);
    plan->nunknown = next_of(u, unknown, plan->done, third, limit, &texts);
    plan->unknown = texts;
    return ERR_OK;
}

/* ---- the end of a transaction ---- */

static void memory_rollback(struct unit *u) {
    struct memory *m = u->store.at;
    json_decref(m->open);
    m->open = NULL;
}

static enum err_code memory_commit(struct unit *u, struct err *err) {
    struct memory *m = u->store.at;
    enum err_code code = memory_store(u, m->open, err);
    if (code == ERR_OK) {
        json_decref(m->tables);
        m->tables = json_incref(m->open);
    }
    memory_rollback(u);
    return code;
}

static const struct unit_backend memory = {
    .fetch = memory_fetch,
    .members = memory_members,
    .see_members = memory_see_members,
    .known_users = memory_known_users,
    .count_members = memory_count_members,
    .plan = memory_plan,
    .name_free = memory_name_free,
    .count = memory_count,
    .count_keys = memory_count_keys,
    .recount_seats = memory_recount,
    .commit = memory_commit,
    .rollback = memory_rollback,
};

struct unit_store unit_memory(struct memory *m) {
    return (struct unit_store){.backend = &memory, .at = m};
}
