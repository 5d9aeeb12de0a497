/* Workspaces and keys: an operator's commands, in the same order and the same audit as everything else of a
 * workspace. */
#include "ops/runtime/jbuf.h"
#include "schemas/record_event.h"
#include "workers/apply.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings of a workspace: one row each ---- */

enum setting_type { SETTING_TEXT, SETTING_COUNT, SETTING_BOOL };

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset; /* in struct unit_workspace */
    int64_t min;
    bool nullable; /* null = no limit, kept as -1 */
};

static const struct setting settings[] = {
    {"name", SETTING_TEXT, offsetof(struct unit_workspace, name), 0, false},
    {"seats", SETTING_COUNT, offsetof(struct unit_workspace, seats_limit), 0, true},
    {"rate", SETTING_COUNT, offsetof(struct unit_workspace, rate_limit), 1, false},
    {"seatMode", SETTING_TEXT, offsetof(struct unit_workspace, seat_mode), 0, false},
    {"defaultRole", SETTING_TEXT, offsetof(struct unit_workspace, default_role), 0, false},
    {"requireEmail", SETTING_BOOL, offsetof(struct unit_workspace, require_email), 0, false},
    {"restoreRooms", SETTING_BOOL, offsetof(struct unit_workspace, restore_rooms), 0, false},
    {"uniqueRooms", SETTING_BOOL, offsetof(struct unit_workspace, unique_rooms), 0, false},
    {"events", SETTING_TEXT, offsetof(struct unit_workspace, events_mode), 0, false},
};

static const struct setting *setting_of(const char *name) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!strcmp(settings[i].name, name))
            return &settings[i];
    return NULL;
}

static bool text_allowed(const char *name, const char *value) {
    if (!strcmp(name, "seatMode"))
        return !strcmp(value, "on_provision") || !strcmp(value, "on_first_login");
    if (!strcmp(name, "defaultRole"))
        return !strcmp(value, "editor") || !strcmp(value, "viewer");
    enum events_mode mode;
    if (!strcmp(name, "events"))
        return events_mode_parse(value, &mode);
    return *value && strlen(value) < 128;
}

static enum err_code check_settings(struct task *t, json_t *given) {
    const char *name;
    json_t *v;
    json_object_foreach(given, name, v) {
        const struct setting *s = setting_of(name);
        bool ok = s != NULL;
        if (ok && s->type == SETTING_TEXT)
            ok = json_is_string(v) && text_allowed(name, json_string_value(v));
        else if (ok && s->type == SETTING_COUNT)
            ok = (s->nullable && json_is_null(v)) || (json_is_integer(v) && json_integer_value(v) >= s->min &&
                                                      json_integer_value(v) <= INT32_MAX);
        else if (ok)
            ok = json_is_boolean(v);
        if (!ok)
            return err_set_path(&t->err, ERR_INVALID_VALUE, name, "%s: %s", name,
                                s ? "not an allowed value" : "no such setting");
    }
    const char *wanted = json_string_value(json_object_get(given, "name"));
    bool renames = wanted && (!row_alive(t->workspace->state) || strcmp(wanted, t->workspace->name) != 0);
    if (renames && !unit_workspace_name_free(t->unit, wanted)) {
        if (unit_error(t->unit, &t->err) != ERR_OK)
            return t->err.code;
        return err_set_path(&t->err, ERR_UNIQUENESS, "name", "A workspace named \"%.100s\" exists already",
                            wanted);
    }
    return ERR_OK;
}

static void show(struct jbuf *b, const struct unit_workspace *w, const struct setting *s) {
    const char *at = (const char *)w + s->offset;
    if (s->type == SETTING_TEXT)
        jb_str(b, *(const char *const *)(const void *)at);
    else if (s->type == SETTING_BOOL)
        jb_bool(b, *(const bool *)(const void *)at);
    else if (*(const int64_t *)(const void *)at < 0)
        jb_raw(b, "null");
    else
        jb_int(b, *(const int64_t *)(const void *)at);
}

static void set(struct task *t, const struct setting *s, const json_t *v) {
    char *at = (char *)t->workspace + s->offset;
    if (s->type == SETTING_TEXT)
        *(const char **)(void *)at = arena_strdup(unit_arena(t->unit), json_string_value(v));
    else if (s->type == SETTING_BOOL)
        *(bool *)(void *)at = json_is_true(v);
    else
        *(int64_t *)(void *)at = json_is_null(v) ? -1 : json_integer_value(v);
}

/* Sets what is given; the audit's changes are the settings that differ afterwards. */
static char *set_all(struct task *t, json_t *given, bool created) {
    struct jbuf changes = {0};
    const char *name;
    json_t *v;
    jb_raw(&changes, "[");
    json_object_foreach(given, name, v) {
        const struct setting *s = setting_of(name);
        struct jbuf before = {0}, after = {0};
        if (created)
            jb_raw(&before, "null");
        else
            show(&before, t->workspace, s);
        set(t, s, v);
        show(&after, t->workspace, s);
        if (strcmp(before.p, after.p) != 0) {
            jb_sep(&changes);
            jb_raw(&changes, "{");
            jb_kstr(&changes, "path", name);
            jb_kstr(&changes, "op", created ? "add" : "replace");
            jb_kraw(&changes, "from", before.p);
            jb_kraw(&changes, "to", after.p);
            jb_raw(&changes, "}");
        }
        jb_free(&before);
        jb_free(&after);
    }
    jb_raw(&changes, "]");
    return jb_take(&changes);
}

enum err_code apply_workspace_create(struct task *t) {
    struct unit_workspace *w = t->workspace;
    json_t *given = t->command->resource;
    if (w->state != ROW_ABSENT)
        return err_set(&t->err, ERR_CONFLICT, "The workspace exists already");
    if (!json_is_object(given) || !json_object_get(given, "name"))
        return err_set_path(&t->err, ERR_INVALID_VALUE, "name", "A workspace needs a name");
    if (check_settings(t, given) != ERR_OK)
        return t->err.code;
    w->state = ROW_NEW;
    w->seats_limit = -1;
    w->rate_limit = 600;
    w->seat_mode = "on_provision";
    w->default_role = "viewer";
    w->events_mode = "notice";
    w->default_transmit = w->restore_rooms = w->unique_rooms = true;
    char *changes = set_all(t, given, true);
    struct audit_target target = {"Workspace", w->id, w->name};
    task_audit_json(t, "workspace.created", &target, changes);
    free(changes);
    return ERR_OK;
}

enum err_code apply_workspace_set(struct task *t) {
    struct unit_workspace *w = t->workspace;
    json_t *given = t->command->resource;
    if (!json_is_object(given))
        return err_set(&t->err, ERR_INVALID_VALUE, "No settings are given");
    if (check_settings(t, given) != ERR_OK)
        return t->err.code;
    char *changes = set_all(t, given, false);
    if (strcmp(changes, "[]") != 0) {
        w->settings_changed = true;
        struct audit_target target = {"Workspace", w->id, w->name};
        task_audit_json(t, "settings.changed", &target, changes);
    }
    free(changes);
    return ERR_OK;
}

/* ---- keys ---- */

static const char *text_of(const json_t *o, const char *name) {
    return json_string_value(json_object_get(o, name));
}

enum err_code apply_key_create(struct task *t) {
    const json_t *given = t->command->resource, *scopes = json_object_get(given, "scopes");
    struct unit_key *k = unit_key(t->unit, t->workspace, t->command->id.s);
    if (!k)
        return task_db_error(t);
    if (k->state != ROW_ABSENT)
        return err_set(&t->err, ERR_CONFLICT, "The key exists already");
    const char *name = text_of(given, "name"), *hash = text_of(given, "tokenHash"),
               *prefix = text_of(given, "prefix");
    enum dialect dialect = DIALECT_RFC;
    const char *dialect_text = text_of(given, "dialect");
    if (!name || !*name || strlen(name) >= 128 || !hash || strlen(hash) != 64 ||
        strspn(hash, "0123456789abcdef") != 64 || !prefix || json_array_size(scopes) == 0 ||
        (dialect_text && !dialect_parse(dialect_text, &dialect)))
        return err_set(&t->err, ERR_INVALID_VALUE, "A key needs a name, a token hash and scopes");
    struct arena *a = unit_arena(t->unit);
    char *list = json_dumps(scopes, JSON_COMPACT);
    list[0] = '{'; /* a JSON array of plain words, written as PostgreSQL writes arrays */
    list[strlen(list) - 1] = '}';
    k->state = ROW_NEW;
    k->name = arena_strdup(a, name);
    k->token_hash_hex = arena_strdup(a, hash);
    k->prefix = arena_strdup(a, prefix);
    k->dialect = dialect_name(dialect);
    k->created_by = t->command->actor.name;
    k->scopes = arena_strdup(a, list);
    k->expires_us = json_integer_value(json_object_get(given, "expires"));
    free(list);
    struct audit_target target = {"Key", k->id, k->name};
    task_audit(t, "key.created", &target, NULL, NULL, NULL, 0);
    return ERR_OK;
}

enum err_code apply_key_revoke(struct task *t) {
    struct unit_key *k = unit_key(t->unit, t->workspace, t->command->id.s);
    if (!k)
        return task_db_error(t);
    if (!row_alive(k->state))
        return err_set(&t->err, ERR_NOT_FOUND, "Key %s does not exist", t->command->id.s);
    k->revoked = true;
    if (k->state == ROW_LOADED)
        k->state = ROW_CHANGED;
    struct audit_target target = {"Key", k->id, k->name};
    task_audit(t, "key.revoked", &target, NULL, NULL, NULL, 0);
    return ERR_OK;
}
