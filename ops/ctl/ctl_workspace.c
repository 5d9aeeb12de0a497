/* usherctl workspace create|set|list */
#include "ops/ctl/ctl.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* Settings: flag of the command line, name in the command, kind of value. */
enum setting_kind { SETTING_NUMBER, SETTING_NUMBER_OR_NONE, SETTING_BOOL, SETTING_CHOICE };
static const char *const seat_modes[] = {"on_provision", "on_first_login", NULL};
static const char *const roles[] = {"editor", "viewer", NULL};
static const char *const events[] = {"notice", "full", "off", NULL};
static const struct setting {
    const char *flag, *name;
    enum setting_kind kind;
    int64_t min, max;
    const char *const *choices;
} settings[] = {
    {"seats", "seats", SETTING_NUMBER_OR_NONE, 0, 1000000000, NULL},
    {"rate", "rate", SETTING_NUMBER, 1, 100000000, NULL},
    {"seat-mode", "seatMode", SETTING_CHOICE, 0, 0, seat_modes},
    {"default-role", "defaultRole", SETTING_CHOICE, 0, 0, roles},
    {"require-email", "requireEmail", SETTING_BOOL, 0, 0, NULL},
    {"restore-rooms", "restoreRooms", SETTING_BOOL, 0, 0, NULL},
    {"unique-rooms", "uniqueRooms", SETTING_BOOL, 0, 0, NULL},
    {"events", "events", SETTING_CHOICE, 0, 0, events},
};

enum err_code ctl_name_check(const char *what, const char *name, struct err *err) {
    size_t n = strlen(name);
    struct uuid id;
    json_t *text = json_string(name); /* NULL unless UTF-8 */
    bool utf8 = text != NULL;
    json_decref(text);
    if (n == 0 || n > 120)
        return err_set(err, ERR_USAGE, "the %s's name must have 1 to 120 bytes", what);
    if (!utf8)
        return err_set(err, ERR_USAGE, "the %s's name is not UTF-8", what);
    for (size_t i = 0; i < n; i++) {
        if (iscntrl((unsigned char)name[i]) || name[i] == '/')
            return err_set(err, ERR_USAGE, "the %s's name must have neither control characters nor '/'",
                           what);
    }
    if (name[0] == ' ' || name[n - 1] == ' ')
        return err_set(err, ERR_USAGE, "the %s's name must not begin or end with a blank", what);
    if (uuid_parse(name, &id))
        return err_set(err, ERR_USAGE, "the %s's name must not look like an id", what);
    return ERR_OK;
}

static enum err_code read_setting(const struct setting *s, const char *text, json_t **value,
                                  struct err *err) {
    int64_t number = 0;
    bool flag = false;
    enum err_code code = ERR_OK;
    switch (s->kind) {
    case SETTING_NUMBER_OR_NONE:
        if (strcmp(text, "none") == 0) {
            *value = json_null();
            return ERR_OK;
        }
        /* fall through */
    case SETTING_NUMBER:
        code = ctl_value_int(s->flag, text, s->min, s->max, &number, err);
        *value = code == ERR_OK ? json_integer(number) : NULL;
        break;
    case SETTING_BOOL:
        code = ctl_value_bool(s->flag, text, &flag, err);
        *value = code == ERR_OK ? json_boolean(flag) : NULL;
        break;
    case SETTING_CHOICE:
        code = ctl_value_choice(s->flag, text, s->choices, err);
        *value = code == ERR_OK ? json_string(text) : NULL;
        break;
    }
    return code;
}

/* The settings given on the command line, and only those. */
static enum err_code read_settings(const struct ctl_args *a, const char *name, json_t **out,
                                   struct err *err) {
    json_t *object = json_object();
    enum err_code code = name != NULL ? ctl_name_check("workspace", name, err) : ERR_OK;
    if (name != NULL)
        json_object_set_new(object, "name", json_string(name));
    for (size_t i = 0; code == ERR_OK && i < sizeof settings / sizeof settings[0]; i++) {
        const char *text = ctl_flag(a, settings[i].flag);
        json_t *value = NULL;
        if (text == NULL)
            continue;
        code = read_setting(&settings[i], text, &value, err);
        if (code == ERR_OK)
            json_object_set_new(object, settings[i].name, value);
    }
    if (code != ERR_OK)
        json_decref(object);
    *out = code == ERR_OK ? object : NULL;
    return code;
}

enum err_code ctl_workspace_find(struct ctl *c, const char *given, struct ctl_workspace *out,
                                 struct err *err) {
    static const char by_id[] =
        "SELECT workspace_id, name FROM usher.workspaces WHERE workspace_id = $1::uuid";
    static const char by_name[] = "SELECT workspace_id, name FROM usher.workspaces WHERE name = $1";
    const char *params[] = {given};
    struct db_result *r;
    if (db_run(c->db, uuid_parse(given, &out->id) ? by_id : by_name, 1, params, &r, err) != ERR_OK)
        return err->code;
    size_t n = db_rows(r);
    enum err_code code = ERR_OK;
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no workspace \"%s\"", given);
    else if (n > 1) /* the worker keeps names unique, so this is a restored or mended database */
        code = err_set(err, ERR_CONFLICT, "%zu workspaces have the name \"%s\"; give the id", n, given);
    if (code == ERR_OK) {
        uuid_parse(db_text(r, 0, 0), &out->id);
        strncpy(out->name, db_text(r, 0, 1), sizeof out->name - 1);
        out->name[sizeof out->name - 1] = '\0';
    }
    db_results_free(&r, 1);
    return code;
}

enum {
    W_ID,
    W_NAME,
    W_SEATS,
    W_USED,
    W_MODE,
    W_RATE,
    W_ROLE,
    W_EMAIL,
    W_RESTORE,
    W_UNIQUE,
    W_EVENTS,
    W_CREATED
};
#define WORKSPACE_COLUMNS                                                                                    \
    "SELECT workspace_id, name, seats_limit, seats_used, seat_mode, rate_limit, default_role, "              \
    "require_email, "                                                                                        \
    "restore_rooms, unique_rooms, events_mode, " CTL_TIME("created") " FROM usher.workspaces"

static void put_workspace(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", db_text(r, row, W_ID));
    jb_kstr(b, "name", db_text(r, row, W_NAME));
    jb_kraw(b, "seats", db_is_null(r, row, W_SEATS) ? NULL : db_text(r, row, W_SEATS));
    jb_kint(b, "seatsUsed", db_int(r, row, W_USED));
    jb_kstr(b, "seatMode", db_text(r, row, W_MODE));
    jb_kint(b, "rate", db_int(r, row, W_RATE));
    jb_kstr(b, "defaultRole", db_text(r, row, W_ROLE));
    jb_kbool(b, "requireEmail", db_bool(r, row, W_EMAIL));
    jb_kbool(b, "restoreRooms", db_bool(r, row, W_RESTORE));
    jb_kbool(b, "uniqueRooms", db_bool(r, row, W_UNIQUE));
    jb_kstr(b, "events", db_text(r, row, W_EVENTS));
    jb_kstr(b, "created", db_text(r, row, W_CREATED));
    jb_raw(b, "}");
}

static void print_workspace(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_printf(b, "%s  %s\n", db_text(r, row, W_ID), db_text(r, row, W_NAME));
    jb_printf(b, "  seats %s of %s (%s), rate %s a minute and key, default role %s\n",
              db_text(r, row, W_USED), db_is_null(r, row, W_SEATS) ? "any number" : db_text(r, row, W_SEATS),
              db_text(r, row, W_MODE), db_text(r, row, W_RATE), db_text(r, row, W_ROLE));
    jb_printf(b, "  userName %s an e-mail address, rooms %s on reactivation, room names %s, events %s\n",
              db_bool(r, row, W_EMAIL) ? "must be" : "need not be",
              db_bool(r, row, W_RESTORE) ? "come back" : "do not come back",
              db_bool(r, row, W_UNIQUE) ? "unique" : "may repeat", db_text(r, row, W_EVENTS));
}

/* Shows one workspace as it now is. */
static enum err_code show(struct ctl *c, const struct uuid *id, struct err *err) {
    const char *params[] = {id->s};
    struct db_result *r;
    if (db_run(c->db, WORKSPACE_COLUMNS " WHERE workspace_id = $1::uuid", 1, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    if (db_rows(r) == 0) {
        code = err_set(err, ERR_INTERNAL, "workspace %s was applied but is not there", id->s);
    } else if (c->json) {
        jb_raw(&c->out, "{\"workspace\":");
        put_workspace(&c->out, r, 0);
        jb_raw(&c->out, "}\n");
    } else {
        print_workspace(&c->out, r, 0);
    }
    db_results_free(&r, 1);
    return code;
}

static enum err_code change(struct ctl *c, enum command_type type, const struct uuid *id, json_t *given,
                            struct err *err) {
    struct command cmd = {.type = type, .workspace = *id, .id = *id, .resource = given};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code == ERR_OK ? show(c, id, err) : code;
}

enum err_code ctl_workspace_create(struct ctl *c, struct err *err) {
    json_t *given;
    struct uuid id = uuid_v7();
    enum err_code code = read_settings(c->args, c->args->words[2], &given, err);
    return code == ERR_OK ? change(c, COMMAND_WORKSPACE_CREATE, &id, given, err) : code;
}

enum err_code ctl_workspace_set(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    json_t *given;
    enum err_code code = read_settings(c->args, ctl_flag(c->args, "name"), &given, err);
    if (code != ERR_OK)
        return code;
    if (json_object_size(given) == 0)
        code = err_set(err, ERR_USAGE, "nothing to set: give at least one flag");
    else
        code = ctl_workspace_find(c, c->args->words[2], &w, err);
    if (code == ERR_OK)
        return change(c, COMMAND_WORKSPACE_SET, &w.id, given, err);
    json_decref(given);
    return code;
}

enum err_code ctl_workspace_list(struct ctl *c, struct err *err) {
    struct db_result *r;
    if (db_run(c->db, WORKSPACE_COLUMNS " ORDER BY name, workspace_id", 0, NULL, &r, err) != ERR_OK)
        return err->code;
    if (c->json)
        jb_raw(&c->out, "{\"workspaces\":[");
    for (size_t i = 0; i < db_rows(r); i++) {
        if (c->json)
            put_workspace(&c->out, r, i);
        else
            print_workspace(&c->out, r, i);
    }
    if (c->json)
        jb_raw(&c->out, "]}\n");
    else if (db_rows(r) == 0)
        jb_raw(&c->out, "no workspaces yet: usherctl workspace create NAME\n");
    db_results_free(&r, 1);
    return ERR_OK;
}
