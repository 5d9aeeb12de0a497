#include "schemas/api/workspace_settings.h"

#include "ops/runtime/id.h"
#include "schemas/text/fold.h"
#include "schemas/types/strictness.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const seat_modes[] = {"on_provision", "on_first_login", NULL};
static const char *const roles[] = {"editor", "viewer", NULL};
static const char *const events_modes[] = {"notice", "full", "off", NULL};
static const char *const guard_modes[] = {"off", "refuse", "hold", NULL};

#define AT(field) offsetof(struct workspace_settings, field)
#define TRUTH(json, cli, col, field, init, text)                                                             \
    { json, cli, col, SETTING_BOOL, false, 0, 0, NULL, AT(field), init, text }
#define CHOICE(json, cli, col, list, field, init, text)                                                      \
    { json, cli, col, SETTING_CHOICE, false, 0, 0, list, AT(field), init, text }
#define COUNT(json, cli, col, least, most, field, init, text)                                                \
    { json, cli, col, SETTING_COUNT, false, least, most, NULL, AT(field), init, text }

const struct workspace_setting workspace_setting_table[] = {
    {"name", NULL, "name", SETTING_NAME, false, 0, 0, NULL, AT(name), NULL, "The workspace's name."},
    {"seats", "seats", "seats_limit", SETTING_COUNT, true, 0, 1000000000, NULL, AT(seats), "null",
     "How many seats there are; null: no limit."},
    COUNT("rate", "rate", "rate_limit", 1, 100000000, rate, "600",
          "Requests in any 60 seconds, per key; a key may have its own."),
    CHOICE("seatMode", "seat-mode", "seat_mode", seat_modes, seat_mode, "\"on_provision\"",
           "When a user takes a seat: as soon as active, or with the first login."),
    CHOICE("defaultRole", "default-role", "default_role", roles, default_role, "\"viewer\"",
           "The role of a user who is created without one."),
    TRUTH("defaultTransmit", "default-transmit", "default_transmit", default_transmit, "true",
          "Whether a new member of a room may transmit."),
    TRUTH("requireEmail", "require-email", "require_email", require_email, "false",
          "userName must be an e-mail address."),
    TRUTH("linkByEmail", "link-by-email", "link_by_email", link_by_email, "false",
          "A user created through SCIM takes over the unmanaged account with the same e-mail address."),
    TRUTH("restoreRooms", "restore-rooms", "restore_rooms", restore_rooms, "true",
          "A reactivated user gets back the rooms of before."),
    TRUTH("uniqueRooms", "unique-rooms", "unique_rooms", unique_rooms, "true",
          "No two rooms have the same name."),
    TRUTH("requireSso", "require-sso", "require_sso", require_sso, "false",
          "SCIM is refused until single sign-on is marked as set up."),
    TRUTH("ssoReady", "sso-ready", "sso_ready", sso_ready, "false", "Single sign-on is set up."),
    TRUTH("managedLock", "managed-lock", "managed_lock", managed_lock, "false",
          "Users and rooms of an identity provider are not changed through the Management API."),
    CHOICE("strictness", "strictness", "strictness", strictness_names, strictness, "\"standard\"",
           "strict: unknown attributes, a PATCH operation without path and text for a boolean are refused. "
           "interop: and all else that the SCIM interoperability profile forbids."),
    TRUTH(
        "passwords", "passwords", "passwords", passwords, "true",
        "Users have the attribute password, which is accepted and never kept. A new workspace of strictness "
        "interop is made without."),
    CHOICE("events", "events", "events_mode", events_modes, events, "\"notice\"",
           "SCIM events: attribute names, whole resources, or none."),
    CHOICE(
        "guardMode", "guard-mode", "guard_mode", guard_modes, guard_mode, "\"off\"",
        "What happens when one key removes more than the guarded share: refused until the window has passed, or "
        "held until it is released."),
    COUNT("guardShare", "guard-share", "guard_share", 1, 100, guard_share, "20",
          "Percent of the users, or of the memberships, that one key may remove within the window."),
    COUNT("guardWindow", "guard-window", "guard_window", 60, 604800, guard_window, "3600",
          "Length of the window in seconds."),
    COUNT("guardMin", "guard-min", "guard_min", 0, 1000000, guard_min, "10",
          "So many removals within the window are let through, whatever share they are."),
    COUNT("auditDays", "audit-days", "audit_days", 1, 36500, audit_days, "365",
          "How many days the records of the audit are kept; their hashes stay, so that proofs go on."),
};
const size_t workspace_setting_count = sizeof workspace_setting_table / sizeof *workspace_setting_table;

const struct workspace_setting *workspace_setting_of(const char *name) {
    for (size_t i = 0; i < workspace_setting_count; i++)
        if (strcmp(workspace_setting_table[i].name, name) == 0)
            return &workspace_setting_table[i];
    return NULL;
}

const struct workspace_setting *workspace_setting_by_flag(const char *flag) {
    for (size_t i = 0; i < workspace_setting_count; i++)
        if (workspace_setting_table[i].flag != NULL && strcmp(workspace_setting_table[i].flag, flag) == 0)
            return &workspace_setting_table[i];
    return NULL;
}

static const char *choice_of(const struct workspace_setting *row, const char *text) {
    for (size_t i = 0; row->choices[i] != NULL; i++)
        if (strcmp(row->choices[i], text) == 0)
            return row->choices[i];
    return NULL;
}

enum err_code workspace_name_check(const char *what, const char *name, struct err *err) {
    size_t n = strlen(name);
    struct uuid id;
    json_t *text = json_string(name); /* NULL unless UTF-8 */
    bool utf8 = text != NULL;
    json_decref(text);
    if (n == 0 || n > 120)
        return err_set_path(err, ERR_INVALID_VALUE, "name", "the %s's name must have 1 to 120 bytes", what);
    if (!utf8)
        return err_set_path(err, ERR_INVALID_VALUE, "name", "the %s's name is not UTF-8", what);
    for (size_t i = 0; i < n; i++)
        if (iscntrl((unsigned char)name[i]) || name[i] == '/')
            return err_set_path(err, ERR_INVALID_VALUE, "name",
                                "the %s's name must have neither control characters nor '/'", what);
    if (fold_is_blank(name))
        return err_set_path(err, ERR_INVALID_VALUE, "name", "the %s's name must not be blank", what);
    if (name[0] == ' ' || name[n - 1] == ' ')
        return err_set_path(err, ERR_INVALID_VALUE, "name",
                            "the %s's name must not begin or end with a blank", what);
    if (uuid_parse(name, &id))
        return err_set_path(err, ERR_INVALID_VALUE, "name", "the %s's name must not look like an id", what);
    return ERR_OK;
}

static enum err_code check_choice(const struct workspace_setting *row, const json_t *value, struct err *err) {
    char all[128] = "";
    if (json_is_string(value) && choice_of(row, json_string_value(value)) != NULL)
        return ERR_OK;
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        strncat(all, i > 0 ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, row->choices[i], sizeof all - strlen(all) - 1);
    }
    return err_set_path(err, ERR_INVALID_VALUE, row->name, "%s must be one of: %s", row->name, all);
}

static enum err_code check_count(const struct workspace_setting *row, const json_t *value, struct err *err) {
    if (row->nullable && json_is_null(value))
        return ERR_OK;
    if (json_is_integer(value) && json_integer_value(value) >= row->min &&
        json_integer_value(value) <= row->max)
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, row->name,
                        "%s must be a whole number from %" PRId64 " to %" PRId64 "%s", row->name, row->min,
                        row->max, row->nullable ? ", or null" : "");
}

static enum err_code check_one(const struct workspace_setting *row, const json_t *value, struct err *err) {
    switch (row->kind) {
    case SETTING_NAME:
        if (!json_is_string(value))
            break;
        return workspace_name_check("workspace", json_string_value(value), err);
    case SETTING_COUNT:
        return check_count(row, value, err);
    case SETTING_CHOICE:
        return check_choice(row, value, err);
    case SETTING_BOOL:
        if (json_is_boolean(value))
            return ERR_OK;
        return err_set_path(err, ERR_INVALID_VALUE, row->name, "%s must be true or false", row->name);
    }
    return err_set_path(err, ERR_INVALID_VALUE, row->name, "%s must be a text", row->name);
}

enum err_code workspace_settings_check(const json_t *given, struct err *err) {
    const char *name;
    json_t *value;
    if (!json_is_object(given))
        return err_set(err, ERR_INVALID_VALUE, "The settings must be an object");
    json_object_foreach((json_t *)given, name, value) {
        const struct workspace_setting *row = workspace_setting_of(name);
        if (row == NULL)
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no setting \"%.100s\"", name);
        if (check_one(row, value, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

/* ---- values ---- */

static int64_t *count_at(struct workspace_settings *s, const struct workspace_setting *row) {
    return (int64_t *)(void *)((char *)s + row->offset);
}
static bool *truth_at(struct workspace_settings *s, const struct workspace_setting *row) {
    return (bool *)(void *)((char *)s + row->offset);
}
static const char **text_at(struct workspace_settings *s, const struct workspace_setting *row) {
    return (const char **)(void *)((char *)s + row->offset);
}

void workspace_setting_set(struct workspace_settings *s, const struct workspace_setting *row,
                           const json_t *value, struct arena *a) {
    switch (row->kind) {
    case SETTING_NAME:
        *text_at(s, row) = arena_strdup(a, json_string_value(value));
        break;
    case SETTING_CHOICE: /* the table's own text, which lives for ever */
        *text_at(s, row) = choice_of(row, json_string_value(value));
        break;
    case SETTING_COUNT:
        *count_at(s, row) = json_is_null(value) ? -1 : json_integer_value(value);
        break;
    case SETTING_BOOL:
        *truth_at(s, row) = json_is_true(value);
        break;
    }
}

void workspace_settings_init(struct workspace_settings *s) {
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *row = &workspace_setting_table[i];
        if (row->initial == NULL)
            continue;
        json_t *value = json_loads(row->initial, JSON_DECODE_ANY, NULL);
        if (value == NULL)
            abort(); /* the table is ours */
        workspace_setting_set(s, row, value, NULL);
        json_decref(value);
    }
}

void workspace_setting_put(const struct workspace_settings *settings, const struct workspace_setting *row,
                           struct jbuf *out) {
    struct workspace_settings *s = (struct workspace_settings *)(uintptr_t)settings; /* only read here */
    if (row->kind == SETTING_BOOL)
        jb_bool(out, *truth_at(s, row));
    else if (row->kind != SETTING_COUNT)
        jb_str(out, *text_at(s, row));
    else if (*count_at(s, row) < 0)
        jb_raw(out, "null");
    else
        jb_int(out, *count_at(s, row));
}

const char *workspace_setting_column(const struct workspace_settings *settings,
                                     const struct workspace_setting *row, struct arena *a) {
    struct workspace_settings *s = (struct workspace_settings *)(uintptr_t)settings; /* only read here */
    if (row->kind == SETTING_BOOL)
        return *truth_at(s, row) ? "t" : "f";
    if (row->kind != SETTING_COUNT)
        return *text_at(s, row);
    return *count_at(s, row) < 0 ? NULL : arena_printf(a, "%" PRId64, *count_at(s, row));
}

void workspace_setting_load(struct workspace_settings *s, const struct workspace_setting *row,
                            const char *column, struct arena *a) {
    if (row->kind == SETTING_BOOL)
        *truth_at(s, row) = column != NULL && column[0] == 't';
    else if (row->kind == SETTING_COUNT)
        *count_at(s, row) = column != NULL ? strtoll(column, NULL, 10) : -1;
    else
        *text_at(s, row) = arena_strdup(a, column);
}
