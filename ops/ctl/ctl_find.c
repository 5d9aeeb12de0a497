#include "ops/ctl/ctl_find.h"

#include "ops/ctl/ctl_far.h"
#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- workspaces ---- */

static enum err_code find_far(struct ctl *c, const char *given, struct ctl_workspace *out, struct err *err) {
    if (ctl_far_workspace(c, err) != ERR_OK)
        return err->code;
    *out = c->far->workspace;
    struct uuid id;
    bool same = given == NULL || strcmp(given, out->name) == 0 ||
                (uuid_parse(given, &id) && strcmp(id.s, out->id.s) == 0);
    return same ? ERR_OK
                : err_set(err, ERR_NOT_FOUND, "there is no workspace \"%s\": this token is for \"%s\"", given,
                          out->name);
}

enum err_code ctl_workspace_find(struct ctl *c, const char *given, struct ctl_workspace *out,
                                 struct err *err) {
    if (c->far != NULL)
        return find_far(c, given, out, err);
    const char *params[] = {given};
    struct db_result *r;
    bool is_id = uuid_parse(given, &out->id);
    if (db_run(c->db, is_id ? SQL_CTL_WORKSPACE_BY_ID : SQL_CTL_WORKSPACE_BY_NAME, params, &r, err) != ERR_OK)
        return err->code;
    size_t n = db_rows(r);
    enum err_code code = ERR_OK;
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no workspace \"%s\"", given);
    else if (n > 1) /* the worker keeps names unique, so this is a restored or mended database */
        code = err_set(err, ERR_CONFLICT, "%zu workspaces have the name \"%s\"; give the id", n, given);
    if (code == ERR_OK) {
        (void)uuid_parse(db_text(r, 0, 0), &out->id);
        strncpy(out->name, db_text(r, 0, 1), sizeof out->name - 1);
        out->name[sizeof out->name - 1] = '\0';
    }
    db_results_free(&r, 1);
    return code;
}

enum err_code ctl_workspace_flag(struct ctl *c, struct ctl_workspace *out, struct err *err) {
    const char *given = ctl_flag(c->args, "workspace");
    if (c->far != NULL)
        return find_far(c, given, out, err);
    if (ctl_flag_required(c->args, "workspace", &given, err) != ERR_OK)
        return err->code;
    return ctl_workspace_find(c, given, out, err);
}

/* ---- rows ---- */

const char *ctl_text(const json_t *row, const char *name) {
    return json_string_value(json_object_get(row, name));
}

int64_t ctl_number(const json_t *row, const char *name) {
    return json_integer_value(json_object_get(row, name));
}

void ctl_put_json(struct jbuf *b, const json_t *row, const char *name) {
    jsonx_text(json_object_get(row, name), b);
}

const char *ctl_or(const char *text, const char *none) {
    return text != NULL ? text : none;
}

json_t *ctl_rows(const struct ctl_list *list, const struct db_result *r) {
    struct jbuf text = {0};
    jb_raw(&text, "[");
    for (size_t i = 0; i < db_rows(r); i++)
        list->put(&text, r, i);
    jb_raw(&text, "]");
    json_t *rows = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    jb_free(&text);
    return rows;
}

void ctl_show_items(struct ctl *c, const struct ctl_list *list, const json_t *rows) {
    const json_t *row;
    size_t i;
    if (c->json) {
        jb_raw(&c->out, "{");
        jb_key(&c->out, list->name);
        jsonx_text(rows, &c->out);
        jb_raw(&c->out, "}\n");
        return;
    }
    json_array_foreach(rows, i, row) list->print(&c->out, row);
    if (json_array_size(rows) == 0)
        jb_raw(&c->out, list->none);
}

void ctl_show_item(struct ctl *c, const struct ctl_list *list, const char *name, const json_t *row) {
    if (!c->json) {
        list->print(&c->out, row);
        return;
    }
    jb_raw(&c->out, "{");
    jb_key(&c->out, name);
    jsonx_text(row, &c->out);
    jb_raw(&c->out, "}\n");
}

/* All of a list, near or far; a new reference. */
static enum err_code rows_of(struct ctl *c, const struct ctl_list *list, enum statement statement,
                             const struct ctl_workspace *w, json_t **rows, struct err *err) {
    struct db_result *r;
    const char *params[] = {w->id.s};
    if (c->far != NULL)
        return ctl_far_items(c, list->path, SIZE_MAX, rows, err);
    if (db_run(c->db, statement, params, &r, err) != ERR_OK)
        return err->code;
    *rows = ctl_rows(list, r);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code ctl_list_workspace(struct ctl *c, const struct ctl_list *list, enum statement statement,
                                 struct err *err) {
    struct ctl_workspace w;
    json_t *rows = NULL;
    enum err_code code = ctl_workspace_flag(c, &w, err);
    if (code == ERR_OK)
        code = rows_of(c, list, statement, &w, &rows, err);
    if (code == ERR_OK)
        ctl_show_items(c, list, rows);
    json_decref(rows);
    return code;
}

/* ---- credentials ---- */

static const struct kind {
    const char *member;               /* JSON */
    const char *one, *several, *dead; /* in sentences */
    enum statement by_id, by_name;
    enum command_type revoke;
    const char *path; /* below /api/v1/admin */
} kinds[] = {
    [CTL_KEY] = {"key", "key", "several keys", "key", SQL_CTL_CREDENTIAL_KEY_BY_ID,
                 SQL_CTL_CREDENTIAL_KEY_BY_NAME, COMMAND_KEY_REVOKE, "/keys"},
    [CTL_OWNER] = {"owner", "owner or administrator", "several", "credential", SQL_CTL_CREDENTIAL_OWNER_BY_ID,
                   SQL_CTL_CREDENTIAL_OWNER_BY_NAME, COMMAND_OWNER_REVOKE, "/owners"},
};

/* What the items of a list are called, as the statements of ctl_credential.sql find it: by id, or by name,
 * those that are not revoked first. Gives how many are as good as the first. */
static size_t pick_credential(const json_t *items, const char *given, bool by_id, const json_t **first) {
    const json_t *one;
    size_t i, n = 0;
    bool dead = true;
    *first = NULL;
    json_array_foreach(items, i, one) {
        const char *text = ctl_or(ctl_text(one, by_id ? "id" : "name"), "");
        bool revoked = ctl_text(one, "revoked") != NULL;
        if (strcmp(text, given) != 0 || (revoked && !dead))
            continue;
        if (*first == NULL || (dead && !revoked)) {
            *first = one;
            dead = revoked;
            n = 0;
        }
        n++;
    }
    return n;
}

static enum err_code find_credential_far(struct ctl *c, const struct kind *kind, const char *given,
                                         struct ctl_credential *out, struct err *err) {
    json_t *items;
    const json_t *one;
    struct uuid id;
    if (ctl_far_workspace(c, err) != ERR_OK || ctl_far_items(c, kind->path, SIZE_MAX, &items, err) != ERR_OK)
        return err->code;
    bool by_id = uuid_parse(given, &id);
    size_t n = pick_credential(items, by_id ? id.s : given, by_id, &one);
    enum err_code code = ERR_OK;
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no %s \"%s\"", kind->one, given);
    else if (n > 1)
        code = err_set(err, ERR_CONFLICT, "%s have the name \"%s\"; give the id", kind->several, given);
    else if (!uuid_parse(ctl_or(ctl_text(one, "id"), ""), &out->id))
        code = err_set(err, ERR_INTERNAL, "a %s without an id", kind->one);
    if (code == ERR_OK) {
        out->workspace = c->far->workspace.id;
        snprintf(out->name, sizeof out->name, "%s", ctl_or(ctl_text(one, "name"), ""));
    }
    json_decref(items);
    return code;
}

/* workspace NULL: in any. */
static enum err_code find_credential(struct ctl *c, const struct kind *kind, const char *given,
                                     const char *workspace, struct ctl_credential *out, struct err *err) {
    const char *params[] = {given, workspace};
    struct db_result *r;
    if (c->far != NULL)
        return find_credential_far(c, kind, given, out, err);
    if (db_run(c->db, uuid_parse(given, &out->id) ? kind->by_id : kind->by_name, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    size_t n = db_rows(r);
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no %s \"%s\"", kind->one, given);
    else if (n > 1 && db_bool(r, 0, 3) == db_bool(r, 1, 3))
        code = err_set(err, ERR_CONFLICT, "%s have the name \"%s\"; give the id", kind->several, given);
    if (code == ERR_OK) {
        (void)uuid_parse(db_text(r, 0, 0), &out->workspace);
        (void)uuid_parse(db_text(r, 0, 1), &out->id);
        snprintf(out->name, sizeof out->name, "%s", db_text(r, 0, 2));
    }
    db_results_free(&r, 1);
    return code;
}

enum err_code ctl_credential_find(struct ctl *c, enum ctl_credential_kind kind, const char *given,
                                  const struct ctl_workspace *w, struct ctl_credential *out,
                                  struct err *err) {
    return find_credential(c, &kinds[kind], given, w->id.s, out, err);
}

enum err_code ctl_credential_named(struct ctl *c, enum ctl_credential_kind kind, struct ctl_credential *out,
                                   struct err *err) {
    const char *given = ctl_flag(c->args, "workspace");
    struct ctl_workspace w;
    enum err_code code = given != NULL ? ctl_workspace_find(c, given, &w, err) : ERR_OK;
    return code == ERR_OK
               ? find_credential(c, &kinds[kind], c->args->words[2], given != NULL ? w.id.s : NULL, out, err)
               : code;
}

static enum err_code revoke_now(struct ctl *c, const struct kind *kind, const struct ctl_credential *k,
                                struct err *err) {
    struct actor who;
    ctl_actor(&who);
    struct revocation r = {.owner = kind->revoke == COMMAND_OWNER_REVOKE,
                           .workspace = k->workspace.s,
                           .id = k->id.s,
                           .by = who.name};
    if (credential_revoke_now(c->db, &r, err) != ERR_OK)
        return err->code;
    return r.last ? err_set(err, ERR_CONFLICT, "\"%s\" is the last owner; make another one first", k->name)
                  : ERR_OK;
}

/* The command that tells the audit. From afar the service has done both, or says that it has not. */
static bool tell_audit(struct ctl *c, const struct kind *kind, const struct ctl_credential *k) {
    struct err late = {0};
    struct command cmd = {.type = kind->revoke, .workspace = k->workspace, .id = k->id};
    if (c->far != NULL)
        return true;
    bool audited = ctl_command_run(c, &cmd, &late) == ERR_OK;
    if (!audited)
        fprintf(stderr,
                "usherctl: the %s is dead from now on, but the command that tells the audit stream did not "
                "go through (%s). Repeat it later.\n",
                kind->dead, err_text(&late));
    return audited;
}

static enum err_code revoke_far(struct ctl *c, const struct kind *kind, const struct ctl_credential *k,
                                struct err *err) {
    char *path = xasprintf("%s/%s", kind->path, k->id.s);
    enum err_code code = ctl_far_ask(c, "DELETE", path, NULL, NULL, err);
    free(path);
    return code;
}

enum err_code ctl_credential_revoke(struct ctl *c, enum ctl_credential_kind which, struct ctl_credential *out,
                                    struct err *err) {
    const struct kind *kind = &kinds[which];
    enum err_code code = ctl_credential_named(c, which, out, err);
    if (code == ERR_OK)
        code = c->far != NULL ? revoke_far(c, kind, out, err) : revoke_now(c, kind, out, err);
    if (code != ERR_OK)
        return code;
    bool audited = tell_audit(c, kind, out);
    if (!c->json)
        return ERR_OK;
    jb_raw(&c->out, "{");
    jb_key(&c->out, kind->member);
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", out->id.s);
    jb_kstr(&c->out, "workspace", out->workspace.s);
    jb_kstr(&c->out, "name", out->name);
    jb_kbool(&c->out, "revoked", true);
    jb_kbool(&c->out, "audited", audited);
    jb_raw(&c->out, "}}\n");
    return ERR_OK;
}
