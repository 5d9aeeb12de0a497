#include "tests/support/case_state.h"

#include "schemas/api/workspace_settings.h"
#include "schemas/resource/resource.h"
#include "schemas/resource/resource_keys.h"
#include "schemas/text/fold.h"
#include "schemas/types/schema.h"
#include "tests/support/case_names.h"
#include "tests/support/memory_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID 36 /* characters of an id */

static void set_default(json_t *row, const char *name, json_t *value) {
    if (json_object_get(row, name) == NULL)
        json_object_set_new(row, name, value);
    else
        json_decref(value);
}

static const char *text_of(const json_t *row, const char *name) {
    return json_string_value(json_object_get(row, name));
}

static bool truth_of(const json_t *row, const char *name) {
    return json_is_true(json_object_get(row, name));
}

static const struct resource_type *type_in(const char *table, const json_t *row) {
    if (strcmp(table, "users") == 0)
        return resource_type_of(RESOURCE_USER);
    return strcmp(table, "rooms") == 0 ? resource_type_of(RESOURCE_ROOM)
                                       : resource_type_by_name(text_of(row, "type"));
}

static const char *const resource_tables[] = {"users", "rooms", "resources"};

/* ---- what follows from a document ---- */

static void derive_name(json_t *row, const json_t *doc, const char *attribute, const char *column,
                        const char *folded) {
    const char *name = resource_string(doc, attribute);
    if (name == NULL)
        return;
    char *key = fold_text(name);
    json_object_set_new(row, column, json_string(name));
    json_object_set_new(row, folded, json_string(key));
    free(key);
}

/* New reference: the columns of a row that its document gives. */
static json_t *derived_columns(const char *table, const json_t *row) {
    const struct resource_type *rt = type_in(table, row);
    const json_t *doc = json_object_get(row, "doc");
    json_t *out = json_object();
    char *search = resource_search_text(rt, doc);
    json_object_set_new(out, "search", json_loads(search, 0, NULL));
    free(search);
    if (resource_string(doc, "externalId") != NULL)
        json_object_set_new(out, "externalId", json_string(resource_string(doc, "externalId")));
    if (rt->kind == RESOURCE_USER) {
        derive_name(out, doc, "userName", "name", "nameKey");
        derive_name(out, doc, "displayName", "displayName", "displayNameKey");
        json_object_set_new(out, "active", json_boolean(resource_active(doc)));
    } else if (rt->kind == RESOURCE_ROOM) {
        derive_name(out, doc, "displayName", "name", "nameKey");
    }
    return out;
}

struct values {
    json_t *table;
    const char *type, *key; /* of the resource: "<workspace>/<id>" */
};

static void add_value(const char *path, const char *key, bool unique, void *ctx) {
    const struct values *v = ctx;
    char name[4096];
    snprintf(name, sizeof name, "%.36s/%s/%s/%s/%s", v->key, v->type, path, key, v->key + ID + 1);
    json_object_set_new(v->table, name,
                        json_pack("{s:s, s:s, s:s, s:s, s:b}", "type", v->type, "path", path, "key", key,
                                  "id", v->key + ID + 1, "unique", unique));
}

/* New reference: the table of values that all documents give. */
static json_t *derived_values(const json_t *tables) {
    json_t *all = json_object(), *row;
    const char *key;
    for (size_t t = 0; t < 3; t++)
        json_object_foreach(json_object_get(tables, resource_tables[t]), key, row) {
            const struct resource_type *rt = type_in(resource_tables[t], row);
            struct values v = {all, rt->name, key};
            resource_keys_each(rt, json_object_get(row, "doc"), add_value, &v);
        }
    return all;
}

/* ---- what follows from other rows ---- */

static const json_t *settings_of(const json_t *tables, const char *key) {
    char workspace[ID + 1];
    snprintf(workspace, sizeof workspace, "%.36s", key);
    return json_object_get(memory_row(tables, "workspaces", workspace), "settings");
}

static bool has_seat(const json_t *tables, const char *key, const json_t *user) {
    bool on_login = strcmp(text_of(settings_of(tables, key), "seatMode"), "on_first_login") == 0;
    return truth_of(user, "active") && (!on_login || memory_row(tables, "logins", key) != NULL);
}

static const json_t *user_of_member(const json_t *tables, const char *key) {
    char user[2 * ID + 2];
    snprintf(user, sizeof user, "%.36s/%s", key, key + 2 * (ID + 1));
    return memory_row(tables, "users", user);
}

static int64_t count_in(const json_t *tables, const char *table, const char *workspace, const char *flag) {
    int64_t n = 0;
    const char *key;
    json_t *row;
    json_object_foreach(json_object_get(tables, table), key, row) {
        n += strncmp(key, workspace, ID) == 0 && (flag == NULL || truth_of(row, flag));
    }
    return n;
}

/* ---- from few words to rows ---- */

static void complete_workspace(json_t *row) {
    json_t *settings = json_object_get(row, "settings");
    if (settings == NULL) {
        settings = json_object();
        json_object_set_new(row, "settings", settings);
    }
    set_default(settings, "name", json_string("W"));
    set_default(settings, "events", json_string("off"));
    for (size_t i = 0; i < workspace_setting_count; i++)
        if (workspace_setting_table[i].initial != NULL)
            set_default(settings, workspace_setting_table[i].name,
                        json_loads(workspace_setting_table[i].initial, JSON_DECODE_ANY, NULL));
    set_default(row, "membershipSeq", json_integer(0));
    set_default(row, "auditSeq", json_integer(0));
    set_default(row, "eventsSeq", json_integer(0));
}

static void complete_resource(const char *table, json_t *row) {
    if (strcmp(table, "resources") == 0)
        set_default(row, "type", json_string("Device"));
    const struct resource_type *rt = type_in(table, row);
    json_t *doc = json_object_get(row, "doc");
    resource_default(rt, doc);
    resource_tidy(rt, doc);
    json_t *derived = derived_columns(table, row);
    json_object_update(row, derived);
    json_decref(derived);
    if (rt->kind == RESOURCE_USER)
        set_default(row, "managed", json_true());
    set_default(row, "version", json_integer(1));
    set_default(row, "created", json_integer(CASE_CREATED));
    set_default(row, "modified", json_integer(CASE_CREATED));
}

static void complete_credential(json_t *row, const char *name, const char *scopes) {
    char hash[65];
    memset(hash, '0', 64);
    hash[64] = '\0';
    set_default(row, "name", json_string(name));
    set_default(row, "tokenHash", json_string(hash));
    set_default(row, "prefix", json_string("ush_case"));
    set_default(row, "createdBy", json_string("root"));
    set_default(row, "revoked", json_false());
    if (scopes != NULL) {
        set_default(row, "scopes", json_string(scopes));
        set_default(row, "dialect", json_string("rfc"));
    } else {
        set_default(row, "role", json_string("owner"));
    }
}

static void complete_guard(json_t *row) {
    json_t *slots = json_object_get(row, "slots");
    if (slots == NULL) {
        slots = json_array();
        json_object_set_new(row, "slots", slots);
    }
    while (json_array_size(slots) < GUARD_BUCKETS)
        json_array_append_new(slots, json_integer(0));
    set_default(row, "head", json_integer(0));
    set_default(row, "base", json_integer(0));
    set_default(row, "baseAt", json_integer(0));
}

static void complete_row(const char *table, json_t *row) {
    if (strcmp(table, "workspaces") == 0) {
        complete_workspace(row);
    } else if (strcmp(table, "keys") == 0) {
        complete_credential(row, "Entra", "{scim:users:read,scim:users:write}");
    } else if (strcmp(table, "owners") == 0) {
        complete_credential(row, "Olga", NULL);
    } else if (strcmp(table, "guards") == 0) {
        complete_guard(row);
    } else if (strcmp(table, "logins") == 0) {
        set_default(row, "first", json_integer(CASE_CREATED));
        set_default(row, "last", json_integer(CASE_CREATED));
        set_default(row, "times", json_integer(1));
    } else if (strcmp(table, "deliveries") == 0) {
        set_default(
            row, "doc",
            json_string(
                "{\"name\":\"Hook\",\"url\":\"https://a.example/h\",\"events\":null,\"signature\":"
                "\"hmac\",\"prefix\":\"whsec_abcd\",\"publicKey\":null,\"state\":\"enabled\",\"reason\":null,"
                "\"oldSecretUntil\":null,\"created\":1700000000000000,\"createdBy\":\"root\"}"));
        set_default(row, "secrets", json_string("sealed"));
    } else if (strcmp(table, "members") == 0) {
        set_default(row, "transmit", json_true());
    } else if (strcmp(table, "claims") == 0) {
        set_default(row, "type", json_string("cancelled"));
    } else if (strcmp(table, "bulks") != 0 && strcmp(table, "signIn") != 0) {
        complete_resource(table, row);
    }
}

/* How many ids or words a row's key has besides the workspace. */
static size_t key_parts(const char *table) {
    return strcmp(table, "workspaces") == 0 || strcmp(table, "signIn") == 0 ? 0
           : strcmp(table, "members") == 0 || strcmp(table, "guards") == 0  ? 2
                                                                            : 1;
}

static size_t count_parts(const char *key) {
    size_t n = 1;
    for (; *key != '\0'; key++)
        n += *key == '/';
    return n;
}

/* The id that #w stands for. */
static const char *default_workspace(void) {
    static char id[ID + 1];
    if (id[0] == '\0') {
        json_t *name = json_string("#w"), *w = case_names_to_ids(name);
        snprintf(id, sizeof id, "%s", json_string_value(w));
        json_decref(name);
        json_decref(w);
    }
    return id;
}

static void add_row(json_t *tables, const char *table, const char *key, const json_t *said) {
    char full[4 * (ID + 1)];
    json_t *rows = json_object_get(tables, table), *row = json_deep_copy(said);
    bool whole = count_parts(key) > key_parts(table) || strcmp(table, "workspaces") == 0;
    snprintf(full, sizeof full, "%s%s%s", whole ? "" : default_workspace(), whole ? "" : "/", key);
    complete_row(table, row);
    json_object_set_new(rows, full, row);
}

static void add_table(json_t *tables, const char *table, const json_t *said) {
    const char *key;
    json_t *row;
    if (json_object_get(tables, table) == NULL)
        json_object_set_new(tables, table, json_object());
    json_object_foreach((json_t *)said, key, row) {
        add_row(tables, table, key, row);
    }
}

static void add_what_follows(json_t *tables) {
    const char *key;
    json_t *row;
    json_object_set_new(tables, "values", derived_values(tables));
    json_object_foreach(json_object_get(tables, "users"), key, row) {
        json_object_set_new(row, "seat", json_boolean(has_seat(tables, key, row)));
    }
    json_object_foreach(json_object_get(tables, "members"), key, row) {
        json_object_set_new(row, "held", json_boolean(!truth_of(user_of_member(tables, key), "active")));
    }
    json_object_foreach(json_object_get(tables, "workspaces"), key, row) {
        json_object_set_new(row, "seatsUsed", json_integer(count_in(tables, "users", key, "seat")));
        json_object_set_new(row, "usersTotal", json_integer(count_in(tables, "users", key, NULL)));
        json_object_set_new(row, "roomsTotal", json_integer(count_in(tables, "rooms", key, NULL)));
    }
}

json_t *case_state(const json_t *said) {
    json_t *usual_said = json_pack("{s:{s:{}}, s:{s:{}}}", "workspaces", "#w", "keys", "#entra");
    json_t *usual = case_names_to_ids(usual_said), *tables = json_object(), *rows;
    const char *table;
    json_object_update(usual, (json_t *)said);
    json_object_foreach(usual, table, rows) {
        add_table(tables, table, rows);
    }
    json_decref(usual);
    json_decref(usual_said);
    struct memory m;
    memory_init(&m, tables); /* makes the tables that nobody named */
    add_what_follows(tables);
    return tables;
}

/* ---- what must hold ---- */

static void fault(json_t *faults, const char *what, const char *key) {
    json_array_append_new(faults, json_sprintf("%s: %s", what, key));
}

/* A document names the schemas that it has something of. */
static bool names_its_schemas(const char *table, const json_t *row) {
    json_t *doc = json_object_get(row, "doc"), *tidy = json_deep_copy(doc);
    resource_tidy(type_in(table, row), tidy);
    bool same = json_equal(doc, tidy) == 1;
    json_decref(tidy);
    return same;
}

static void judge_derived(const json_t *tables, const char *table, json_t *faults) {
    const char *key, *column;
    json_t *row, *value;
    json_object_foreach(json_object_get(tables, table), key, row) {
        json_t *derived = derived_columns(table, row);
        json_object_foreach(derived, column, value) {
            if (!json_equal(value, json_object_get(row, column)))
                fault(faults, column, key);
        }
        json_decref(derived);
        if (!names_its_schemas(table, row))
            fault(faults, "schemas", key);
    }
}

static void judge_workspace(const json_t *tables, const char *key, const json_t *row, json_t *faults) {
    if (json_integer_value(json_object_get(row, "seatsUsed")) != count_in(tables, "users", key, "seat"))
        fault(faults, "seats used are not the users with a seat", key);
    if (json_integer_value(json_object_get(row, "usersTotal")) != count_in(tables, "users", key, NULL) ||
        json_integer_value(json_object_get(row, "roomsTotal")) != count_in(tables, "rooms", key, NULL))
        fault(faults, "totals are not the rows", key);
}

json_t *case_state_faults(const json_t *tables) {
    json_t *faults = json_array(), *row, *values = derived_values(tables);
    const char *key;
    for (size_t t = 0; t < 3; t++)
        judge_derived(tables, resource_tables[t], faults);
    if (!json_equal(values, json_object_get(tables, "values")))
        fault(faults, "values are not those of the documents", "");
    json_decref(values);
    json_object_foreach(json_object_get(tables, "users"), key, row) {
        if (truth_of(row, "seat") != has_seat(tables, key, row))
            fault(faults, "seat", key);
    }
    json_object_foreach(json_object_get(tables, "members"), key, row) {
        const json_t *user = user_of_member(tables, key);
        if (user == NULL || truth_of(row, "held") == truth_of(user, "active"))
            fault(faults, "held", key);
    }
    json_object_foreach(json_object_get(tables, "workspaces"), key, row) {
        judge_workspace(tables, key, row, faults);
    }
    return faults;
}

/* ---- what differs ---- */

static bool is_derived(const char *column) {
    static const char *const names[] = {"search",         "name",       "nameKey", "displayName",
                                        "displayNameKey", "externalId", "active"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(column, names[i]) == 0)
            return true;
    return false;
}

static json_t *shown(const json_t *value, int64_t now_us) {
    if (json_is_integer(value) && json_integer_value(value) == now_us)
        return json_string("now");
    return json_deep_copy(value);
}

/* New reference; NULL: nothing. */
static json_t *object_difference(const json_t *before, const json_t *after, int64_t now_us) {
    json_t *out = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)after, name, value) {
        const json_t *old = json_object_get(before, name);
        if (old != NULL && json_equal((json_t *)old, value))
            continue;
        json_t *inner = json_is_object(old) && json_is_object(value) ? object_difference(old, value, now_us)
                                                                     : shown(value, now_us);
        json_object_set_new(out, name, inner);
    }
    json_object_foreach((json_t *)before, name, value) {
        if (json_object_get(after, name) == NULL)
            json_object_set_new(out, name, json_null());
    }
    return out;
}

static void drop_derived(const char *table, json_t *row) {
    const char *name;
    json_t *value;
    void *next;
    if (strcmp(table, "users") != 0 && strcmp(table, "rooms") != 0 && strcmp(table, "resources") != 0)
        return;
    json_object_foreach_safe(row, next, name, value) {
        if (is_derived(name))
            json_object_del(row, name);
    }
    json_object_del(json_object_get(row, "doc"), "schemas");
}

static const char *shown_key(const char *key) {
    bool usual = strncmp(key, default_workspace(), ID) == 0 && key[ID] == '/';
    return usual ? key + ID + 1 : key;
}

static json_t *table_difference(const char *table, const json_t *before, const json_t *after,
                                int64_t now_us) {
    json_t *out = json_object(), *row;
    const char *key;
    json_object_foreach((json_t *)after, key, row) {
        const json_t *old = json_object_get(before, key);
        if (old != NULL && json_equal((json_t *)old, row))
            continue;
        json_t *difference = object_difference(old, row, now_us);
        drop_derived(table, difference);
        json_object_set_new(out, shown_key(key), difference);
    }
    json_object_foreach((json_t *)before, key, row) {
        if (json_object_get(after, key) == NULL)
            json_object_set_new(out, shown_key(key), json_null());
    }
    return out;
}

json_t *case_state_difference(const json_t *before, const json_t *after, int64_t now_us) {
    json_t *out = json_object(), *rows;
    const char *table;
    json_object_foreach((json_t *)after, table, rows) {
        if (strcmp(table, "values") == 0 || strcmp(table, "claims") == 0 || strcmp(table, "outbox") == 0)
            continue;
        json_t *difference = table_difference(table, json_object_get(before, table), rows, now_us);
        if (json_object_size(difference) > 0)
            json_object_set(out, table, difference);
        json_decref(difference);
    }
    return out;
}
