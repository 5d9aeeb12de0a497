#include "workers/apply/workspace.h"

#include "ops/runtime/jbuf.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/strictness.h"
#include "workers/apply/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum err_code settings_check(struct decision *d, const json_t *given) {
    const struct unit_workspace *w = d->workspace;
    if (workspace_settings_check(given, &d->err) != ERR_OK)
        return d->err.code;
    const char *wanted = json_string_value(json_object_get(given, "name"));
    bool renames = wanted != NULL && (!row_alive(w->state) || strcmp(wanted, w->settings.name) != 0);
    if (renames && !unit_workspace_name_free(d->unit, wanted)) {
        if (unit_error(d->unit, &d->err) != ERR_OK)
            return d->err.code;
        return err_set_path(&d->err, ERR_UNIQUENESS, "name", "A workspace named \"%.100s\" exists already",
                            wanted);
    }
    return ERR_OK;
}

static void settings_put_change(struct jbuf *changes, const char *path, bool created, const char *from,
                                const char *to) {
    if (strcmp(from, to) == 0)
        return;
    jb_sep(changes);
    jb_raw(changes, "{");
    jb_kstr(changes, "path", path);
    jb_kstr(changes, "op", created ? "add" : "replace");
    jb_kraw(changes, "from", from);
    jb_kraw(changes, "to", to);
    jb_raw(changes, "}");
}

/* The interoperability profile goes together with no passwords: a workspace that is made for it has none,
 * unless it is said. A new reference. */
static json_t *settings_with_defaults(const json_t *given) {
    const char *strictness = json_string_value(json_object_get(given, "strictness"));
    json_t *all = jsonx_copy(given);
    if (strictness != NULL && strictness_of(strictness) == STRICTNESS_INTEROP &&
        json_object_get(given, "passwords") == NULL)
        jsonx_put(all, "passwords", json_false());
    return all;
}

/* Sets what is given. Returns the changes for the audit, malloc'ed: the settings that differ afterwards. */
static char *settings_set(struct decision *d, const json_t *given, bool created) {
    struct workspace_settings *s = &d->workspace->settings;
    struct jbuf changes = {0};
    const char *name;
    json_t *v;
    jb_raw(&changes, "[");
    json_object_foreach((json_t *)given, name, v) {
        const struct workspace_setting *row = workspace_setting_of(name);
        struct jbuf before = {0}, after = {0};
        if (created)
            jb_raw(&before, "null");
        else
            workspace_setting_put(s, row, &before);
        workspace_setting_set(s, row, v, unit_arena(d->unit));
        workspace_setting_put(s, row, &after);
        settings_put_change(&changes, name, created, before.p, after.p);
        jb_free(&before);
        jb_free(&after);
    }
    jb_raw(&changes, "]");
    return jb_take(&changes);
}

enum err_code apply_workspace_create(struct decision *d) {
    struct unit_workspace *w = d->workspace;
    const json_t *given = d->command->resource;
    if (w->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The workspace exists already");
    if (json_object_get(given, "name") == NULL)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "name", "A workspace needs a name");
    if (settings_check(d, given) != ERR_OK)
        return d->err.code;
    w->state = ROW_NEW;
    workspace_settings_init(&w->settings);
    json_t *all = settings_with_defaults(given);
    char *changes = settings_set(d, all, true);
    json_decref(all);
    struct audit_target target = {.kind = TARGET_WORKSPACE, .id = w->id, .name = w->settings.name};
    decision_audit_json(d, ACTION_WORKSPACE_CREATED, &target, changes);
    free(changes);
    return ERR_OK;
}

/* The seat mode has changed. One record says how many seats are used now; there is none for each user. */
static enum err_code seats_recount(struct decision *d, bool many) {
    struct unit_workspace *w = d->workspace;
    int64_t before = w->seats_used;
    if (many) {
        (void)plan_begin(d, (struct plan){.kind = PLAN_SEATS, .before = before});
        return ERR_OK;
    }
    if (!unit_recount_seats(d->unit, w))
        return decision_db_error(d);
    decision_audit_recount(d, before);
    return ERR_OK;
}

enum err_code apply_workspace_set(struct decision *d) {
    struct unit_workspace *w = d->workspace;
    const char *seat_mode = w->settings.seat_mode,
               *wanted = json_string_value(json_object_get(d->command->resource, "seatMode"));
    bool recounts = wanted != NULL && strcmp(wanted, seat_mode) != 0,
         many = recounts && w->users_total > (int64_t)unit_slice_rows(d->unit);
    if (settings_check(d, d->command->resource) != ERR_OK || (many && decision_alone(d) != ERR_OK))
        return d->err.code;
    char *changes = settings_set(d, d->command->resource, false);
    if (strcmp(changes, "[]") != 0) {
        w->settings_changed = true;
        struct audit_target target = {.kind = TARGET_WORKSPACE, .id = w->id, .name = w->settings.name};
        decision_audit_json(d, ACTION_SETTINGS_CHANGED, &target, changes);
    }
    free(changes);
    return recounts ? seats_recount(d, many) : ERR_OK;
}

#define NOTE_MEMBERS 20
#define NOTE_TEXT 1024

/* Nothing is changed but the audit, which has the texts that the command carries. */
static enum err_code put_on_record(struct decision *d, enum audit_action action, const char *what) {
    struct unit_workspace *w = d->workspace;
    struct audit_target target = {.kind = TARGET_WORKSPACE, .id = w->id, .name = w->settings.name};
    struct jbuf changes = {0};
    const char *name;
    json_t *value;
    if (json_object_size(d->command->resource) > NOTE_MEMBERS)
        return err_set(&d->err, ERR_INVALID_VALUE, "%s has at most %d words", what, NOTE_MEMBERS);
    json_object_foreach(d->command->resource, name, value) {
        if (!json_is_string(value) || json_string_length(value) > NOTE_TEXT)
            return err_set_path(&d->err, ERR_INVALID_VALUE, name, "%.40s must be a text of at most %d bytes",
                                name, NOTE_TEXT);
    }
    jb_raw(&changes, "[");
    json_object_foreach(d->command->resource, name, value) {
        struct jbuf text = {0};
        jb_str(&text, json_string_value(value));
        settings_put_change(&changes, name, true, "null", text.p);
        jb_free(&text);
    }
    jb_raw(&changes, "]");
    decision_audit_json(d, action, &target, changes.p);
    jb_free(&changes);
    return ERR_OK;
}

enum err_code apply_audit_export(struct decision *d) {
    return put_on_record(d, ACTION_AUDIT_EXPORTED, "An export");
}

enum err_code apply_audit_resume(struct decision *d) {
    return put_on_record(d, ACTION_AUDIT_RESUMED, "A decision about a tree");
}
