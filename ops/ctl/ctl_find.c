#include "ops/ctl/ctl_find.h"

#include "sql/ask/revocation.h"

#include <stdio.h>
#include <string.h>

/* ---- workspaces ---- */

enum err_code ctl_workspace_find(struct ctl *c, const char *given, struct ctl_workspace *out,
                                 struct err *err) {
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

/* ---- lists ---- */

void ctl_show_rows(struct ctl *c, const struct ctl_list *list, const struct db_result *r) {
    if (c->json) {
        jb_raw(&c->out, "{");
        jb_key(&c->out, list->name);
        jb_raw(&c->out, "[");
    }
    for (size_t i = 0; i < db_rows(r); i++) {
        if (c->json)
            list->put(&c->out, r, i);
        else
            list->print(&c->out, r, i);
    }
    if (c->json)
        jb_raw(&c->out, "]}\n");
    else if (db_rows(r) == 0)
        jb_raw(&c->out, list->none);
}

enum err_code ctl_list_workspace(struct ctl *c, const struct ctl_list *list, enum statement rows,
                                 struct err *err) {
    const char *given;
    struct ctl_workspace w;
    struct db_result *r;
    enum err_code code = ctl_flag_required(c->args, "workspace", &given, err);
    if (code == ERR_OK)
        code = ctl_workspace_find(c, given, &w, err);
    if (code != ERR_OK)
        return code;
    const char *params[] = {w.id.s};
    if (db_run(c->db, rows, params, &r, err) != ERR_OK)
        return err->code;
    ctl_show_rows(c, list, r);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* ---- credentials ---- */

static const struct kind {
    const char *member;               /* JSON */
    const char *one, *several, *dead; /* in sentences */
    enum statement by_id, by_name;
    enum command_type revoke;
} kinds[] = {
    [CTL_KEY] = {"key", "key", "several keys", "key", SQL_CTL_CREDENTIAL_KEY_BY_ID,
                 SQL_CTL_CREDENTIAL_KEY_BY_NAME, COMMAND_KEY_REVOKE},
    [CTL_OWNER] = {"owner", "owner or administrator", "several", "credential", SQL_CTL_CREDENTIAL_OWNER_BY_ID,
                   SQL_CTL_CREDENTIAL_OWNER_BY_NAME, COMMAND_OWNER_REVOKE},
};

/* workspace NULL: in any. */
static enum err_code find_credential(struct ctl *c, const struct kind *kind, const char *given,
                                     const char *workspace, struct ctl_credential *out, struct err *err) {
    const char *params[] = {given, workspace};
    struct db_result *r;
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

enum err_code ctl_credential_revoke(struct ctl *c, enum ctl_credential_kind which, struct ctl_credential *out,
                                    struct err *err) {
    const struct kind *kind = &kinds[which];
    struct err late = {0};
    enum err_code code = ctl_credential_named(c, which, out, err);
    if (code == ERR_OK)
        code = revoke_now(c, kind, out, err);
    if (code != ERR_OK)
        return code;
    struct command cmd = {.type = kind->revoke, .workspace = out->workspace, .id = out->id};
    bool audited = ctl_command_run(c, &cmd, &late) == ERR_OK;
    if (!audited)
        fprintf(stderr,
                "usherctl: the %s is dead from now on, but the command that tells the audit stream did not "
                "go through (%s). Repeat it later.\n",
                kind->dead, err_text(&late));
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
