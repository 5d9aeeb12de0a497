/* usherctl owner create|list|revoke: credentials of people who run a workspace. */
#include "ops/ctl/ctl.h"

#include "ops/runtime/clock.h"

#include <stdio.h>
#include <string.h>

void ctl_token_facts(const char *token, char hash_hex[CTL_HASH_SIZE], char prefix[TOKEN_PREFIX_SIZE]) {
    unsigned char hash[TOKEN_HASH_SIZE];
    token_hash(token, strlen(token), hash);
    token_show_prefix(token, prefix);
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
        snprintf(hash_hex + 2 * i, 3, "%02x", hash[i]);
}

struct owner {
    struct uuid workspace, id;
    char name[128];
    const char *role;
};

static void put_owner(struct jbuf *b, const struct owner *o, const char *expires) {
    jb_kstr(b, "id", o->id.s);
    jb_kstr(b, "workspace", o->workspace.s);
    jb_kstr(b, "name", o->name);
    jb_kstr(b, "role", o->role);
    jb_kstr(b, "expires", expires);
}

static void show_new(struct ctl *c, const struct owner *o, const char *workspace, const char *token,
                     const char *expires) {
    if (!c->json) {
        jb_printf(&c->out, "%s %s \"%s\" of workspace \"%s\", expires %s\n", o->role, o->id.s, o->name,
                  workspace, expires != NULL ? expires : "never");
        jb_printf(&c->out, "token    %s\n" CTL_SHOWN_ONCE, token);
        return;
    }
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "token", token);
    jb_key(&c->out, "owner");
    jb_raw(&c->out, "{");
    put_owner(&c->out, o, expires);
    jb_raw(&c->out, "}}\n");
}

static enum err_code create(struct ctl *c, const struct owner *o, const char *token, int64_t expires_us,
                            struct err *err) {
    char hex[CTL_HASH_SIZE], prefix[TOKEN_PREFIX_SIZE];
    ctl_token_facts(token, hex, prefix);
    struct command cmd = {.type = COMMAND_OWNER_CREATE,
                          .workspace = o->workspace,
                          .id = o->id,
                          .resource = json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", o->name, "role", o->role,
                                                "tokenHash", hex, "prefix", prefix, "expires",
                                                expires_us != 0 ? json_integer(expires_us) : json_null())};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

enum err_code ctl_owner_create(struct ctl *c, struct err *err) {
    static const char *const roles[] = {"owner", "administrator", NULL};
    const char *given, *name, *expires = ctl_flag(c->args, "expires"), *role = ctl_flag(c->args, "role");
    struct owner o = {.id = uuid_v7(), .role = role != NULL ? role : "owner"};
    struct ctl_workspace w;
    int64_t expires_us = 0;
    char token[TOKEN_TEXT_SIZE], until[RFC3339_SIZE];
    enum err_code code = ctl_flag_required(c->args, "workspace", &given, err);
    if (code == ERR_OK)
        code = ctl_flag_required(c->args, "name", &name, err);
    if (code == ERR_OK)
        code = ctl_name_check("owner", name, err);
    if (code == ERR_OK)
        code = ctl_value_choice("role", o.role, roles, err);
    if (code == ERR_OK && expires != NULL)
        code = ctl_value_expiry("expires", expires, clock_wall_us(), &expires_us, err);
    if (code == ERR_OK)
        code = ctl_workspace_find(c, given, &w, err);
    if (code != ERR_OK)
        return code;
    o.workspace = w.id;
    snprintf(o.name, sizeof o.name, "%s", name);
    token_new(TOKEN_OWNER, token);
    code = create(c, &o, token, expires_us, err);
    if (code == ERR_OK)
        show_new(c, &o, w.name, token, expires_us != 0 ? rfc3339_us(expires_us, until) : NULL);
    return code;
}

enum {
    O_ID,
    O_NAME,
    O_ROLE,
    O_PREFIX,
    O_CREATED,
    O_BY,
    O_EXPIRES,
    O_REVOKED,
    O_REVOKED_BY,
    O_USED,
    O_COLUMNS
};
static const char *const members[O_COLUMNS] = {"id",        "name",    "role",    "prefix",    "created",
                                               "createdBy", "expires", "revoked", "revokedBy", "lastUsed"};
#define OWNER_TIMES                                                                                          \
    CTL_TIME("o.created")                                                                                    \
    ", o.created_by, " CTL_TIME("o.expires") ", " CTL_TIME("o.revoked") ", o.revoked_by, " CTL_TIME(         \
        "r.last_used")
static const char list_sql[] =
    "SELECT o.id, o.name, o.role, o.prefix, " OWNER_TIMES
    " FROM usher.owners o LEFT JOIN usher.key_rates r ON r.workspace_id = o.workspace_id AND r.key_id = o.id"
    " WHERE o.workspace_id = $1::uuid ORDER BY o.created, o.id";

static void put_row(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_sep(b);
    jb_raw(b, "{");
    for (int i = 0; i < O_COLUMNS; i++)
        jb_kstr(b, members[i], db_is_null(r, row, i) ? NULL : db_text(r, row, i));
    jb_raw(b, "}");
}

static void print_row(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_printf(b, "%s  %s  (%s, %s…)\n", db_text(r, row, O_ID), db_text(r, row, O_NAME),
              db_text(r, row, O_ROLE), db_text(r, row, O_PREFIX));
    jb_printf(b, "  made %s by %s, expires %s, last used %s\n", db_text(r, row, O_CREATED),
              db_text(r, row, O_BY), db_is_null(r, row, O_EXPIRES) ? "never" : db_text(r, row, O_EXPIRES),
              db_is_null(r, row, O_USED) ? "never" : db_text(r, row, O_USED));
    if (!db_is_null(r, row, O_REVOKED))
        jb_printf(b, "  REVOKED %s\n", db_text(r, row, O_REVOKED));
}

enum err_code ctl_owner_list(struct ctl *c, struct err *err) {
    const char *given;
    struct ctl_workspace w;
    struct db_result *r;
    enum err_code code = ctl_flag_required(c->args, "workspace", &given, err);
    if (code == ERR_OK)
        code = ctl_workspace_find(c, given, &w, err);
    if (code != ERR_OK)
        return code;
    const char *params[] = {w.id.s};
    if (db_run(c->db, list_sql, 1, params, &r, err) != ERR_OK)
        return err->code;
    if (c->json)
        jb_raw(&c->out, "{\"owners\":[");
    for (size_t i = 0; i < db_rows(r); i++) {
        if (c->json)
            put_row(&c->out, r, i);
        else
            print_row(&c->out, r, i);
    }
    if (c->json)
        jb_raw(&c->out, "]}\n");
    else if (db_rows(r) == 0)
        jb_raw(&c->out, "no owners yet: usherctl owner create --workspace W --name NAME\n");
    db_results_free(&r, 1);
    return ERR_OK;
}

/* By id, or by a name that only one has (of several, the one that is alive). */
static enum err_code find_owner(struct ctl *c, const char *given, const char *workspace, struct owner *out,
                                struct err *err) {
    static const char by_id[] = "SELECT workspace_id, id, name, revoked IS NULL FROM usher.owners"
                                " WHERE id = $1::uuid AND ($2::uuid IS NULL OR workspace_id = $2::uuid)";
    static const char by_name[] = "SELECT workspace_id, id, name, revoked IS NULL FROM usher.owners"
                                  " WHERE name = $1 AND ($2::uuid IS NULL OR workspace_id = $2::uuid)"
                                  " ORDER BY revoked IS NULL DESC";
    const char *params[] = {given, workspace};
    struct db_result *r;
    if (db_run(c->db, uuid_parse(given, &out->id) ? by_id : by_name, 2, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    size_t n = db_rows(r);
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no owner or administrator \"%s\"", given);
    else if (n > 1 && db_bool(r, 0, 3) == db_bool(r, 1, 3))
        code = err_set(err, ERR_CONFLICT, "several have the name \"%s\"; give the id", given);
    if (code == ERR_OK) {
        uuid_parse(db_text(r, 0, 0), &out->workspace);
        uuid_parse(db_text(r, 0, 1), &out->id);
        snprintf(out->name, sizeof out->name, "%s", db_text(r, 0, 2));
    }
    db_results_free(&r, 1);
    return code;
}

/* Dead in PostgreSQL first, as with keys. */
static enum err_code revoke_now(struct ctl *c, const struct owner *o, struct err *err) {
    struct actor who;
    struct db_result *r;
    ctl_actor(&who);
    const char *params[] = {o->workspace.s, o->id.s, who.name};
    if (db_run(c->db, "SELECT usher.owner_revoke_now($1::uuid, $2::uuid, $3)", 3, params, &r, err) != ERR_OK)
        return err->code;
    bool last = db_rows(r) == 1 && strcmp(db_text(r, 0, 0), "last") == 0;
    db_results_free(&r, 1);
    return last ? err_set(err, ERR_CONFLICT, "\"%s\" is the last owner; make another one first", o->name)
                : ERR_OK;
}

enum err_code ctl_owner_revoke(struct ctl *c, struct err *err) {
    const char *given = ctl_flag(c->args, "workspace");
    struct ctl_workspace w;
    struct owner o;
    struct err late = {0};
    enum err_code code = given != NULL ? ctl_workspace_find(c, given, &w, err) : ERR_OK;
    if (code == ERR_OK)
        code = find_owner(c, c->args->words[2], given != NULL ? w.id.s : NULL, &o, err);
    if (code == ERR_OK)
        code = revoke_now(c, &o, err);
    if (code != ERR_OK)
        return code;
    struct command cmd = {.type = COMMAND_OWNER_REVOKE, .workspace = o.workspace, .id = o.id};
    bool audited = ctl_command_run(c, &cmd, &late) == ERR_OK;
    if (!audited)
        fprintf(
            stderr,
            "usherctl: the credential is dead from now on, but the command that tells the audit stream did not go "
            "through (%s). Repeat it later.\n",
            err_text(&late));
    if (!c->json) {
        jb_printf(&c->out, "\"%s\" (%s) is revoked\n", o.name, o.id.s);
        return ERR_OK;
    }
    jb_raw(&c->out, "{\"owner\":{");
    jb_kstr(&c->out, "id", o.id.s);
    jb_kstr(&c->out, "workspace", o.workspace.s);
    jb_kstr(&c->out, "name", o.name);
    jb_kbool(&c->out, "revoked", true);
    jb_kbool(&c->out, "audited", audited);
    jb_raw(&c->out, "}}\n");
    return ERR_OK;
}
