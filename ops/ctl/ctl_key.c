/* usherctl key create|list|revoke */
#include "ops/ctl/ctl.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/token.h"
#include "sql/admit.h"

#include <stdio.h>
#include <string.h>

#define SCOPES_ALL 0xffu

/* "all", or names between commas. */
static enum err_code read_scopes(const char *text, unsigned *out, struct err *err) {
    *out = strcmp(text, "all") == 0 ? SCOPES_ALL : 0;
    while (*out != SCOPES_ALL && *text != '\0') {
        char name[40];
        size_t n = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), text);
        unsigned bit = n < sizeof name ? scope_parse(name) : 0;
        if (bit == 0)
            return err_set(
                err, ERR_USAGE,
                "--scopes: \"%s\" is not a scope; there are scim:users:read, scim:users:write, "
                "scim:rooms:read, "
                "scim:rooms:write, api:users:read, api:users:write, api:rooms:read, api:rooms:write, and all",
                name);
        *out |= bit;
        text += text[n] == ',' ? n + 1 : n;
    }
    return *out != 0 ? ERR_OK : err_set(err, ERR_USAGE, "--scopes: name at least one");
}

static json_t *scope_array(unsigned scopes) {
    json_t *array = json_array();
    for (unsigned bit = 1; bit <= SCOPES_ALL; bit <<= 1) {
        if (scopes & bit)
            json_array_append_new(array, json_string(scope_name(bit)));
    }
    return array;
}

struct new_key {
    struct uuid id;
    const char *workspace, *name, *dialect;
    unsigned scopes;
    int64_t expires_us; /* 0 = never */
    char token[TOKEN_TEXT_SIZE];
};

static enum err_code read_new_key(const struct ctl_args *a, struct new_key *k, struct err *err) {
    static const char *const dialects[] = {"rfc", "entra", "okta", NULL};
    const char *scopes, *expires = ctl_flag(a, "expires");
    enum err_code code = ctl_flag_required(a, "workspace", &k->workspace, err);
    if (code == ERR_OK)
        code = ctl_flag_required(a, "name", &k->name, err);
    if (code == ERR_OK)
        code = ctl_name_check("key", k->name, err);
    if (code == ERR_OK)
        code = ctl_flag_required(a, "scopes", &scopes, err);
    if (code == ERR_OK)
        code = read_scopes(scopes, &k->scopes, err);
    if (code == ERR_OK && expires != NULL)
        code = ctl_value_expiry("expires", expires, clock_wall_us(), &k->expires_us, err);
    k->dialect = ctl_flag(a, "dialect") != NULL ? ctl_flag(a, "dialect") : "rfc";
    return code == ERR_OK ? ctl_value_choice("dialect", k->dialect, dialects, err) : code;
}

/* What the command carries: the token's hash and its first digits, never the token. */
static json_t *key_resource(const struct new_key *k) {
    unsigned char hash[TOKEN_HASH_SIZE];
    char hex[2 * TOKEN_HASH_SIZE + 1], prefix[TOKEN_PREFIX_SIZE];
    token_hash(k->token, strlen(k->token), hash);
    token_show_prefix(k->token, prefix);
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:s}", "name", k->name, "scopes", scope_array(k->scopes),
                     "tokenHash", hex, "prefix", prefix, "expires",
                     k->expires_us != 0 ? json_integer(k->expires_us) : json_null(), "dialect", k->dialect);
}

static void show_new_key(struct ctl *c, const struct new_key *k, const struct ctl_workspace *w) {
    char expires[RFC3339_SIZE];
    const char *until = k->expires_us != 0 ? rfc3339_us(k->expires_us, expires) : NULL;
    if (!c->json) {
        jb_printf(&c->out, "key      %s \"%s\" of workspace \"%s\", expires %s\n", k->id.s, k->name, w->name,
                  until != NULL ? until : "never");
        jb_printf(&c->out, "token    %s\nIt is shown this once; only its hash is stored.\n", k->token);
        return;
    }
    json_t *scopes = scope_array(k->scopes);
    char *text = json_dumps(scopes, JSON_COMPACT);
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "token", k->token);
    jb_key(&c->out, "key");
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", k->id.s);
    jb_kstr(&c->out, "workspace", w->id.s);
    jb_kstr(&c->out, "name", k->name);
    jb_kraw(&c->out, "scopes", text);
    jb_kstr(&c->out, "dialect", k->dialect);
    jb_kstr(&c->out, "expires", until);
    jb_raw(&c->out, "}}\n");
    free(text);
    json_decref(scopes);
}

enum err_code ctl_key_create(struct ctl *c, struct err *err) {
    struct new_key k = {.id = uuid_v7()};
    struct ctl_workspace w;
    enum err_code code = read_new_key(c->args, &k, err);
    if (code == ERR_OK)
        code = ctl_workspace_find(c, k.workspace, &w, err);
    if (code != ERR_OK)
        return code;
    token_new(TOKEN_KEY, k.token);
    struct command cmd = {
        .type = COMMAND_KEY_CREATE, .workspace = w.id, .id = k.id, .resource = key_resource(&k)};
    code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    if (code == ERR_OK)
        show_new_key(c, &k, &w);
    return code;
}

enum { K_ID, K_NAME, K_PREFIX, K_SCOPES, K_DIALECT, K_CREATED, K_BY, K_EXPIRES, K_REVOKED, K_USED };
#define KEY_TIMES                                                                                            \
    CTL_TIME("k.created")                                                                                    \
    ", k.created_by, " CTL_TIME("k.expires") ", " CTL_TIME("k.revoked") ", " CTL_TIME("r.last_used")
static const char list_sql[] =
    "SELECT k.id, k.name, k.prefix, to_json(k.scopes)::text, k.dialect, " KEY_TIMES
    " FROM usher.keys k LEFT JOIN usher.key_rates r ON r.workspace_id = k.workspace_id AND r.key_id = k.id"
    " WHERE k.workspace_id = $1::uuid ORDER BY k.created, k.id";

static const char *text_or_null(const struct db_result *r, size_t row, int col) {
    return db_is_null(r, row, col) ? NULL : db_text(r, row, col);
}

static void put_key(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", db_text(r, row, K_ID));
    jb_kstr(b, "name", db_text(r, row, K_NAME));
    jb_kstr(b, "prefix", db_text(r, row, K_PREFIX));
    jb_kraw(b, "scopes", db_text(r, row, K_SCOPES));
    jb_kstr(b, "dialect", db_text(r, row, K_DIALECT));
    jb_kstr(b, "created", db_text(r, row, K_CREATED));
    jb_kstr(b, "createdBy", db_text(r, row, K_BY));
    jb_kstr(b, "expires", text_or_null(r, row, K_EXPIRES));
    jb_kstr(b, "revoked", text_or_null(r, row, K_REVOKED));
    jb_kstr(b, "lastUsed", text_or_null(r, row, K_USED));
    jb_raw(b, "}");
}

static void print_key(struct jbuf *b, const struct db_result *r, size_t row) {
    const char *expires = text_or_null(r, row, K_EXPIRES), *used = text_or_null(r, row, K_USED);
    jb_printf(b, "%s  %s  (%s…, %s)\n", db_text(r, row, K_ID), db_text(r, row, K_NAME),
              db_text(r, row, K_PREFIX), db_text(r, row, K_DIALECT));
    jb_printf(b, "  scopes %s\n  made %s by %s, ", db_text(r, row, K_SCOPES), db_text(r, row, K_CREATED),
              db_text(r, row, K_BY));
    if (db_is_null(r, row, K_REVOKED))
        jb_printf(b, "expires %s, last used %s\n", expires != NULL ? expires : "never",
                  used != NULL ? used : "never");
    else
        jb_printf(b, "REVOKED %s\n", db_text(r, row, K_REVOKED));
}

enum err_code ctl_key_list(struct ctl *c, struct err *err) {
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
        jb_raw(&c->out, "{\"keys\":[");
    for (size_t i = 0; i < db_rows(r); i++) {
        if (c->json)
            put_key(&c->out, r, i);
        else
            print_key(&c->out, r, i);
    }
    if (c->json)
        jb_raw(&c->out, "]}\n");
    else if (db_rows(r) == 0)
        jb_raw(&c->out, "no keys yet: usherctl key create --workspace W --name NAME --scopes all\n");
    db_results_free(&r, 1);
    return ERR_OK;
}

struct old_key {
    struct uuid workspace, id;
    char name[128];
};

/* By id, or by a name that only one key has (of several, the one that is alive). */
static enum err_code find_key(struct ctl *c, const char *given, const char *workspace, struct old_key *out,
                              struct err *err) {
    static const char by_id[] = "SELECT workspace_id, id, name, revoked IS NULL FROM usher.keys"
                                " WHERE id = $1::uuid AND ($2::uuid IS NULL OR workspace_id = $2::uuid)";
    static const char by_name[] = "SELECT workspace_id, id, name, revoked IS NULL FROM usher.keys"
                                  " WHERE name = $1 AND ($2::uuid IS NULL OR workspace_id = $2::uuid)"
                                  " ORDER BY revoked IS NULL DESC";
    const char *params[] = {given, workspace};
    struct db_result *r;
    if (db_run(c->db, uuid_parse(given, &out->id) ? by_id : by_name, 2, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    size_t n = db_rows(r);
    if (n == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no key \"%s\"", given);
    else if (n > 1 && db_bool(r, 0, 3) == db_bool(r, 1, 3))
        code = err_set(err, ERR_CONFLICT, "several keys have the name \"%s\"; give the id", given);
    if (code == ERR_OK) {
        uuid_parse(db_text(r, 0, 0), &out->workspace);
        uuid_parse(db_text(r, 0, 1), &out->id);
        snprintf(out->name, sizeof out->name, "%s", db_text(r, 0, 2));
    }
    db_results_free(&r, 1);
    return code;
}

/* Dead in PostgreSQL first, so that it needs no log; then through the log, for the order and the audit. */
enum err_code ctl_key_revoke(struct ctl *c, struct err *err) {
    const char *given = ctl_flag(c->args, "workspace");
    struct ctl_workspace w;
    struct old_key k;
    struct err late = {0};
    enum err_code code = given != NULL ? ctl_workspace_find(c, given, &w, err) : ERR_OK;
    if (code == ERR_OK)
        code = find_key(c, c->args->words[2], given != NULL ? w.id.s : NULL, &k, err);
    if (code != ERR_OK)
        return code;
    const char *params[] = {k.workspace.s, k.id.s};
    if (db_run(c->db, "SELECT usher.key_revoke_now($1::uuid, $2::uuid)", 2, params, NULL, err) != ERR_OK)
        return err->code;

    struct command cmd = {.type = COMMAND_KEY_REVOKE, .workspace = k.workspace, .id = k.id};
    bool audited = ctl_command_run(c, &cmd, &late) == ERR_OK;
    if (!audited)
        fprintf(stderr,
                "usherctl: the key is dead from now on, but the command that tells the audit stream did not "
                "go through "
                "(%s). Repeat it later.\n",
                err_text(&late));
    if (!c->json) {
        jb_printf(&c->out, "key %s \"%s\" is revoked\n", k.id.s, k.name);
        return ERR_OK;
    }
    jb_raw(&c->out, "{\"key\":{");
    jb_kstr(&c->out, "id", k.id.s);
    jb_kstr(&c->out, "workspace", k.workspace.s);
    jb_kstr(&c->out, "name", k.name);
    jb_kbool(&c->out, "revoked", true);
    jb_kbool(&c->out, "audited", audited);
    jb_raw(&c->out, "}}\n");
    return ERR_OK;
}
