/* usherctl workspace create|set|list */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"

#include "schemas/api/workspace_settings.h"
#include "schemas/text/jsonx.h"

#include <inttypes.h>
#include <string.h>

static enum err_code read_setting(const struct workspace_setting *s, const char *text, json_t **value,
                                  struct err *err) {
    int64_t number = 0;
    bool flag = false;
    enum err_code code = ERR_OK;
    switch (s->kind) {
    case SETTING_COUNT:
        if (s->nullable && strcmp(text, "none") == 0) {
            *value = json_null();
            break;
        }
        code = strcmp(s->flag, "rate") == 0 ? ctl_value_rate(text, &number, err)
                                            : ctl_value_int(s->flag, text, s->min, s->max, &number, err);
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
    case SETTING_NAME: /* has no flag of the table */
        *value = json_string(text);
        break;
    }
    return code;
}

/* The settings given on the command line, and only those. */
static enum err_code read_settings(const struct ctl_args *a, const char *name, json_t **out,
                                   struct err *err) {
    json_t *object = json_object();
    enum err_code code = name != NULL ? ctl_value_name("workspace", name, err) : ERR_OK;
    if (name != NULL)
        json_object_set_new(object, "name", json_string(name));
    for (size_t i = 0; code == ERR_OK && i < workspace_setting_count; i++) {
        const struct workspace_setting *row = &workspace_setting_table[i];
        const char *text = row->flag != NULL ? ctl_flag(a, row->flag) : NULL;
        json_t *value = NULL;
        if (text == NULL)
            continue;
        code = read_setting(row, text, &value, err);
        if (code == ERR_OK)
            json_object_set_new(object, row->name, value);
    }
    if (code != ERR_OK)
        json_decref(object);
    *out = code == ERR_OK ? object : NULL;
    return code;
}

enum { W_ID, W_USED, W_CREATED, W_SETTINGS }; /* then the settings, in the order of their table */

/* The rows of a part of statements/ctl_workspace.sql, with the settings' columns put in. */
static enum err_code workspace_rows(struct ctl *c, const char *part, int nparams, const char *const *params,
                                    struct db_result **r, struct err *err) {
    struct jbuf columns = {0}, sql = {0};
    for (size_t i = 0; i < workspace_setting_count; i++)
        jb_printf(&columns, "%s%s", i > 0 ? ", " : "", workspace_setting_table[i].column);
    SQL_FILL(&sql, part, {"settings", columns.p});
    enum err_code code = db_run_text(c->db, sql.p, nparams, params, r, err);
    jb_free(&columns);
    jb_free(&sql);
    return code;
}

static void put_setting(struct jbuf *b, const struct db_result *r, size_t row, size_t i, struct arena *a) {
    struct workspace_settings s;
    int col = W_SETTINGS + (int)i;
    workspace_setting_load(&s, &workspace_setting_table[i],
                           db_is_null(r, row, col) ? NULL : db_text(r, row, col), a);
    workspace_setting_put(&s, &workspace_setting_table[i], b);
}

static void put_workspace(struct jbuf *b, const struct db_result *r, size_t row) {
    struct arena *a = arena_new();
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", db_text(r, row, W_ID));
    for (size_t i = 0; i < workspace_setting_count; i++) {
        jb_key(b, workspace_setting_table[i].name);
        put_setting(b, r, row, i, a);
    }
    jb_kint(b, "seatsUsed", db_int(r, row, W_USED));
    jb_kstr(b, "created", db_text(r, row, W_CREATED));
    jb_raw(b, "}");
    arena_free(a);
}

static void print_value(struct jbuf *b, const json_t *value) {
    if (json_is_string(value))
        jb_raw(b, json_string_value(value));
    else if (value == NULL || json_is_null(value))
        jb_raw(b, "none");
    else
        jsonx_text(value, b);
}

static void print_workspace(struct jbuf *b, const json_t *w) {
    jb_printf(b, "%s  %s\n  seats-used %lld", ctl_text(w, "id"), ctl_text(w, "name"),
              (long long)ctl_number(w, "seatsUsed"));
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *s = &workspace_setting_table[i];
        if (s->flag == NULL)
            continue;
        jb_printf(b, "%s%s ", i % 5 == 0 ? "\n  " : ", ", s->flag);
        print_value(b, json_object_get(w, s->name));
    }
    jb_raw(b, "\n");
}

static const struct ctl_list workspaces = {"workspaces",
                                           "no workspaces yet: usherctl workspace create NAME\n",
                                           put_workspace, print_workspace, NULL};

/* Shows one workspace as it now is. */
static enum err_code show(struct ctl *c, const struct uuid *id, struct err *err) {
    const char *params[] = {id->s};
    struct db_result *r;
    enum err_code code = workspace_rows(c, sql_part_ctl_workspace_show, 1, params, &r, err);
    if (code != ERR_OK)
        return code;
    if (db_rows(r) == 0) {
        code = err_set(err, ERR_INTERNAL, "workspace %s was applied but is not there", id->s);
    } else {
        json_t *rows = ctl_rows(&workspaces, r);
        ctl_show_item(c, &workspaces, "workspace", json_array_get(rows, 0));
        json_decref(rows);
    }
    db_results_free(&r, 1);
    return code;
}

/* given NULL: it is only shown. */
static enum err_code ask_far(struct ctl *c, json_t *given, struct err *err) {
    json_t *now = NULL;
    enum err_code code = ctl_far_ask(c, given != NULL ? "PATCH" : "GET", "/workspace", given, &now, err);
    if (code == ERR_OK)
        ctl_show_item(c, &workspaces, "workspace", now);
    json_decref(now);
    return code;
}

enum err_code ctl_workspace_show(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    if (ctl_workspace_find(c, c->args->words[2], &w, err) != ERR_OK)
        return err->code;
    return c->far != NULL ? ask_far(c, NULL, err) : show(c, &w.id, err);
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
        return c->far != NULL ? ask_far(c, given, err) : change(c, COMMAND_WORKSPACE_SET, &w.id, given, err);
    json_decref(given);
    return code;
}

enum err_code ctl_workspace_list(struct ctl *c, struct err *err) {
    struct db_result *r;
    enum err_code code = workspace_rows(c, sql_part_ctl_workspace_list, 0, NULL, &r, err);
    if (code != ERR_OK)
        return code;
    json_t *rows = ctl_rows(&workspaces, r);
    ctl_show_items(c, &workspaces, rows);
    json_decref(rows);
    db_results_free(&r, 1);
    return ERR_OK;
}
