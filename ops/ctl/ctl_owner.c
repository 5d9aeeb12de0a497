/* usherctl owner create|list|revoke: credentials of people who run a workspace. */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/token.h"
#include "schemas/api/credential.h"
#include "schemas/text/jsonx.h"

#include <stdio.h>

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

static enum err_code create_owner(struct ctl *c, const struct owner *o, const char *token, int64_t expires_us,
                                  struct err *err) {
    json_t *owner = json_pack("{s:s, s:s}", "name", o->name, "role", o->role);
    credential_put_token(owner, token);
    credential_put_moment(owner, "expires", expires_us);
    struct command cmd = {
        .type = COMMAND_OWNER_CREATE, .workspace = o->workspace, .id = o->id, .resource = owner};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

/* The service makes id and token. */
static enum err_code create_owner_far(struct ctl *c, struct owner *o, const char *workspace,
                                      int64_t expires_us, struct err *err) {
    char until[RFC3339_SIZE];
    json_t *asked = json_pack("{s:s, s:s}", "name", o->name, "role", o->role), *made = NULL;
    if (expires_us != 0)
        jsonx_put(asked, "expires", json_string(rfc3339_us(expires_us, until)));
    enum err_code code = ctl_far_ask(c, "POST", "/owners", asked, &made, err);
    const json_t *owner = json_object_get(made, "owner");
    if (code == ERR_OK && !uuid_parse(ctl_or(ctl_text(owner, "id"), ""), &o->id))
        code = err_set(err, ERR_INTERNAL, "an owner without an id");
    if (code == ERR_OK)
        show_new(c, o, workspace, ctl_text(made, "token"), ctl_text(owner, "expires"));
    json_decref(made);
    return code;
}

enum err_code ctl_owner_create(struct ctl *c, struct err *err) {
    static const char *const roles[] = {"owner", "administrator", NULL};
    const char *name, *expires = ctl_flag(c->args, "expires"), *role = ctl_flag(c->args, "role");
    struct owner o = {.id = uuid_v7(), .role = role != NULL ? role : "owner"};
    struct ctl_workspace w;
    int64_t expires_us = 0;
    char token[TOKEN_TEXT_SIZE], until[RFC3339_SIZE];
    enum err_code code = ctl_flag_required(c->args, "name", &name, err);
    if (code == ERR_OK)
        code = ctl_value_name("owner", name, err);
    if (code == ERR_OK)
        code = ctl_value_choice("role", o.role, roles, err);
    if (code == ERR_OK && expires != NULL)
        code = ctl_value_expiry("expires", expires, clock_wall_us(), &expires_us, err);
    if (code == ERR_OK)
        code = ctl_workspace_flag(c, &w, err);
    if (code != ERR_OK)
        return code;
    o.workspace = w.id;
    snprintf(o.name, sizeof o.name, "%s", name);
    if (c->far != NULL)
        return create_owner_far(c, &o, w.name, expires_us, err);
    token_new(TOKEN_OWNER, token);
    code = create_owner(c, &o, token, expires_us, err);
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

static void put_row(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_sep(b);
    jb_raw(b, "{");
    for (int i = 0; i < O_COLUMNS; i++)
        jb_kstr(b, members[i], db_is_null(r, row, i) ? NULL : db_text(r, row, i));
    jb_raw(b, "}");
}

static void print_owner(struct jbuf *b, const json_t *o) {
    jb_printf(b, "%s  %s  (%s, %s…)\n", ctl_text(o, "id"), ctl_text(o, "name"), ctl_text(o, "role"),
              ctl_text(o, "prefix"));
    jb_printf(b, "  made %s by %s, expires %s, last used %s\n", ctl_text(o, "created"),
              ctl_text(o, "createdBy"), ctl_or(ctl_text(o, "expires"), "never"),
              ctl_or(ctl_text(o, "lastUsed"), "never"));
    if (ctl_text(o, "revoked") != NULL)
        jb_printf(b, "  REVOKED %s\n", ctl_text(o, "revoked"));
}

enum err_code ctl_owner_list(struct ctl *c, struct err *err) {
    static const struct ctl_list list = {"owners",
                                         "no owners yet: usherctl owner create --workspace W --name NAME\n",
                                         put_row, print_owner, "/owners"};
    return ctl_list_workspace(c, &list, SQL_CTL_LIST_OWNERS, err);
}

enum err_code ctl_owner_revoke(struct ctl *c, struct err *err) {
    struct ctl_credential o;
    enum err_code code = ctl_credential_revoke(c, CTL_OWNER, &o, err);
    if (code == ERR_OK && !c->json)
        jb_printf(&c->out, "\"%s\" (%s) is revoked\n", o.name, o.id.s);
    return code;
}
