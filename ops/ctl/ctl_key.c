/* usherctl key create|rotate|list|revoke */
#include "ops/ctl/ctl_client.h"
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/net_range.h"
#include "ops/runtime/token.h"
#include "schemas/api/credential.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/admit.h"

#include <stdio.h>
#include <stdlib.h>
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
    const char *name, *dialect;
    unsigned scopes;
    json_t *networks;   /* array of CIDRs, or null: any */
    json_t *client;     /* how an OAuth client authenticates, besides with the token */
    int64_t rate;       /* 0 = the workspace's */
    int64_t expires_us; /* 0 = never */
    char token[TOKEN_TEXT_SIZE];
};

/* CIDRs between commas; NULL or "any": from anywhere. */
static enum err_code read_networks(const char *text, json_t **out, struct err *err) {
    struct net_ranges ranges;
    const char *bad = NULL;
    *out = NULL;
    if (text == NULL || strcmp(text, "any") == 0) {
        *out = json_null();
        return ERR_OK;
    }
    if (!net_ranges_parse(text, &ranges, &bad))
        return err_set(err, ERR_USAGE,
                       "--networks: \"%.*s\" is no network like 203.0.113.0/24 or 2001:db8::/32",
                       (int)strcspn(bad, ", \t"), bad);
    bool some = ranges.n > 0;
    net_ranges_free(&ranges);
    if (!some)
        return err_set(err, ERR_USAGE, "--networks: name at least one, or any");
    *out = json_array();
    for (text += strspn(text, ", \t"); *text != '\0'; text += strspn(text, ", \t")) {
        size_t n = strcspn(text, ", \t");
        json_array_append_new(*out, json_stringn(text, n));
        text += n;
    }
    return ERR_OK;
}

static enum err_code read_new_key(const struct ctl_args *a, struct new_key *k, struct err *err) {
    static const char *const dialects[] = {"rfc", "entra", "okta", NULL};
    const char *scopes, *expires = ctl_flag(a, "expires"), *rate = ctl_flag(a, "rate");
    enum err_code code = ctl_flag_required(a, "name", &k->name, err);
    if (code == ERR_OK)
        code = ctl_value_name("key", k->name, err);
    if (code == ERR_OK)
        code = ctl_flag_required(a, "scopes", &scopes, err);
    if (code == ERR_OK)
        code = read_scopes(scopes, &k->scopes, err);
    if (code == ERR_OK && expires != NULL)
        code = ctl_value_expiry("expires", expires, clock_wall_us(), &k->expires_us, err);
    if (code == ERR_OK && rate != NULL)
        code = ctl_value_rate(rate, &k->rate, err);
    k->dialect = ctl_flag(a, "dialect") != NULL ? ctl_flag(a, "dialect") : "rfc";
    if (code == ERR_OK)
        code = ctl_value_choice("dialect", k->dialect, dialects, err);
    if (code == ERR_OK)
        code = read_networks(ctl_flag(a, "networks"), &k->networks, err);
    return code == ERR_OK ? ctl_client_read(a, k->client, err) : code;
}

static json_t *key_resource(const struct new_key *k) {
    json_t *key = json_pack("{s:s, s:o}", "name", k->name, "scopes", scope_array(k->scopes));
    credential_put_token(key, k->token);
    credential_put_moment(key, "expires", k->expires_us);
    jsonx_put(key, "dialect", json_string(k->dialect));
    jsonx_put(key, "networks", json_incref(k->networks));
    jsonx_put(key, "rate", k->rate != 0 ? json_integer(k->rate) : json_null());
    (void)json_object_update(key, k->client);
    return key;
}

static void show_new_key(struct ctl *c, const char *token, const json_t *key, const struct ctl_workspace *w) {
    static const char *const shown[] = {"scopes", "dialect", "networks", "rate", "expires"};
    if (!c->json) {
        jb_printf(&c->out, "key      %s \"%s\" of workspace \"%s\", expires %s\n", ctl_text(key, "id"),
                  ctl_text(key, "name"), w->name, ctl_or(ctl_text(key, "expires"), "never"));
        jb_printf(&c->out, "token    %s\n" CTL_SHOWN_ONCE, token);
        return;
    }
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "token", token);
    jb_key(&c->out, "key");
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", ctl_text(key, "id"));
    jb_kstr(&c->out, "workspace", w->id.s);
    jb_kstr(&c->out, "name", ctl_text(key, "name"));
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        jb_key(&c->out, shown[i]);
        ctl_put_json(&c->out, key, shown[i]);
    }
    jb_raw(&c->out, "}}\n");
}

/* As the service shows it. */
static json_t *shown_key(const struct new_key *k, char expires[RFC3339_SIZE]) {
    json_t *key = json_pack("{s:s, s:s, s:o, s:s, s:O}", "id", k->id.s, "name", k->name, "scopes",
                            scope_array(k->scopes), "dialect", k->dialect, "networks", k->networks);
    jsonx_put(key, "rate", k->rate != 0 ? json_integer(k->rate) : json_null());
    jsonx_put(key, "expires",
              k->expires_us != 0 ? json_string(rfc3339_us(k->expires_us, expires)) : json_null());
    return key;
}

static enum err_code create_near(struct ctl *c, struct new_key *k, const struct ctl_workspace *w,
                                 struct err *err) {
    char expires[RFC3339_SIZE];
    token_new(TOKEN_KEY, k->token);
    struct command cmd = {
        .type = COMMAND_KEY_CREATE, .workspace = w->id, .id = k->id, .resource = key_resource(k)};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    if (code != ERR_OK)
        return code;
    json_t *key = shown_key(k, expires);
    show_new_key(c, k->token, key, w);
    json_decref(key);
    return ERR_OK;
}

/* The service makes id and token. */
static enum err_code create_far(struct ctl *c, const struct new_key *k, const struct ctl_workspace *w,
                                struct err *err) {
    char expires[RFC3339_SIZE];
    json_t *asked = shown_key(k, expires), *made = NULL;
    json_object_del(asked, "id");
    (void)json_object_update(asked, k->client);
    enum err_code code = ctl_far_ask(c, "POST", "/keys", asked, &made, err);
    if (code == ERR_OK)
        show_new_key(c, ctl_text(made, "token"), json_object_get(made, "key"), w);
    json_decref(made);
    return code;
}

enum err_code ctl_key_create(struct ctl *c, struct err *err) {
    struct new_key k = {.id = uuid_v7(), .client = json_object()};
    struct ctl_workspace w;
    enum err_code code = read_new_key(c->args, &k, err);
    if (code == ERR_OK)
        code = ctl_workspace_flag(c, &w, err);
    if (code == ERR_OK)
        code = c->far != NULL ? create_far(c, &k, &w, err) : create_near(c, &k, &w, err);
    json_decref(k.networks);
    json_decref(k.client);
    return code;
}

enum {
    K_ID,
    K_NAME,
    K_PREFIX,
    K_SCOPES,
    K_DIALECT,
    K_NETWORKS,
    K_RATE,
    K_CREATED,
    K_BY,
    K_EXPIRES,
    K_OLD_UNTIL,
    K_REVOKED,
    K_REVOKED_BY,
    K_USED,
    K_JWKS,
    K_JWKS_URI,
    K_DRY_SINCE
};

static const char *text_or_null(const struct db_result *r, size_t row, int col) {
    return db_is_null(r, row, col) ? NULL : db_text(r, row, col);
}

static void put_key(struct jbuf *b, const struct db_result *r, size_t row) {
    static const struct {
        const char *name;
        int column;
        bool json; /* the column is JSON text already */
    } members[] = {{"id", K_ID, false},
                   {"name", K_NAME, false},
                   {"prefix", K_PREFIX, false},
                   {"scopes", K_SCOPES, true},
                   {"dialect", K_DIALECT, false},
                   {"networks", K_NETWORKS, true},
                   {"rate", K_RATE, true},
                   {"created", K_CREATED, false},
                   {"createdBy", K_BY, false},
                   {"expires", K_EXPIRES, false},
                   {"oldTokenUntil", K_OLD_UNTIL, false},
                   {"revoked", K_REVOKED, false},
                   {"revokedBy", K_REVOKED_BY, false},
                   {"lastUsed", K_USED, false},
                   {"jwks", K_JWKS, true},
                   {"jwksUri", K_JWKS_URI, false},
                   {"dryRunSince", K_DRY_SINCE, false}};
    jb_sep(b);
    jb_raw(b, "{");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *value = text_or_null(r, row, members[i].column);
        if (members[i].json)
            jb_kraw(b, members[i].name, value);
        else
            jb_kstr(b, members[i].name, value);
        if (members[i].column == K_JWKS_URI)
            jb_kbool(b, "dryRun", !db_is_null(r, row, K_DRY_SINCE));
    }
    jb_raw(b, "}");
}

static void print_key(struct jbuf *b, const json_t *key) {
    const char *by = ctl_text(key, "revokedBy");
    bool uploaded = json_is_object(json_object_get(key, "jwks"));
    jb_printf(b, "%s  %s  (%s…, %s)\n  scopes ", ctl_text(key, "id"), ctl_text(key, "name"),
              ctl_text(key, "prefix"), ctl_text(key, "dialect"));
    ctl_put_json(b, key, "scopes");
    jb_raw(b, "\n  networks ");
    if (json_is_array(json_object_get(key, "networks")))
        ctl_put_json(b, key, "networks");
    else
        jb_raw(b, "any");
    jb_raw(b, ", rate ");
    if (ctl_number(key, "rate") != 0)
        jb_int(b, ctl_number(key, "rate"));
    else
        jb_raw(b, "as the workspace");
    jb_printf(b, "\n  made %s by %s, expires %s, last used %s\n", ctl_text(key, "created"),
              ctl_text(key, "createdBy"), ctl_or(ctl_text(key, "expires"), "never"),
              ctl_or(ctl_text(key, "lastUsed"), "never"));
    if (uploaded || ctl_text(key, "jwksUri") != NULL)
        jb_printf(b, "  signs assertions; its public keys are %s\n",
                  uploaded ? "uploaded" : ctl_text(key, "jwksUri"));
    if (ctl_text(key, "dryRunSince") != NULL)
        jb_printf(b, "  DRY RUN since %s: every change is only tried\n", ctl_text(key, "dryRunSince"));
    if (ctl_text(key, "oldTokenUntil") != NULL)
        jb_printf(b, "  rotated; the token before it is good until %s\n", ctl_text(key, "oldTokenUntil"));
    if (ctl_text(key, "revoked") != NULL)
        jb_printf(b, "  REVOKED %s%s%s\n", ctl_text(key, "revoked"), by != NULL ? " by " : "",
                  by != NULL ? by : "");
}

enum err_code ctl_key_list(struct ctl *c, struct err *err) {
    static const struct ctl_list list = {
        "keys", "no keys yet: usherctl key create --workspace W --name NAME --scopes all\n", put_key,
        print_key, "/keys"};
    return ctl_list_workspace(c, &list, SQL_CTL_LIST_KEYS, err);
}

static void show_rotated(struct ctl *c, const struct ctl_credential *k, const char *token,
                         const char *until) {
    if (!c->json) {
        jb_printf(&c->out, "key      %s \"%s\" is rotated; the old token is %s%s\n", k->id.s, k->name,
                  until != NULL ? "good until " : "dead", until != NULL ? until : "");
        jb_printf(&c->out, "token    %s\n" CTL_SHOWN_ONCE, token);
        return;
    }
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "token", token);
    jb_key(&c->out, "key");
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "id", k->id.s);
    jb_kstr(&c->out, "workspace", k->workspace.s);
    jb_kstr(&c->out, "name", k->name);
    jb_kstr(&c->out, "oldTokenUntil", until);
    jb_raw(&c->out, "}}\n");
}

static enum err_code rotate_near(struct ctl *c, const struct ctl_credential *k, int64_t until_us,
                                 struct err *err) {
    char token[TOKEN_TEXT_SIZE], until[RFC3339_SIZE];
    token_new(TOKEN_KEY, token);
    json_t *change = json_object();
    credential_put_token(change, token);
    credential_put_moment(change, "overlapUntil", until_us);
    struct command cmd = {
        .type = COMMAND_KEY_ROTATE, .workspace = k->workspace, .id = k->id, .resource = change};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    if (code == ERR_OK)
        show_rotated(c, k, token, until_us != 0 ? rfc3339_us(until_us, until) : NULL);
    return code;
}

static enum err_code rotate_far(struct ctl *c, const struct ctl_credential *k, int64_t until_us,
                                struct err *err) {
    char *path = xasprintf("/keys/%s/rotate", k->id.s);
    json_t *asked = json_object(), *made = NULL;
    if (until_us != 0)
        jsonx_put(asked, "overlapSeconds", json_integer((until_us - clock_wall_us() + 999999) / 1000000));
    enum err_code code = ctl_far_ask(c, "POST", path, asked, &made, err);
    free(path);
    if (code == ERR_OK)
        show_rotated(c, k, ctl_text(made, "token"), ctl_text(json_object_get(made, "key"), "oldTokenUntil"));
    json_decref(made);
    return code;
}

enum err_code ctl_key_rotate(struct ctl *c, struct err *err) {
    const char *overlap = ctl_flag(c->args, "overlap");
    int64_t until_us = 0;
    struct ctl_credential k;
    enum err_code code = ctl_credential_named(c, CTL_KEY, &k, err);
    if (code == ERR_OK && overlap != NULL)
        code = ctl_value_expiry("overlap", overlap, clock_wall_us(), &until_us, err);
    if (code != ERR_OK)
        return code;
    return c->far != NULL ? rotate_far(c, &k, until_us, err) : rotate_near(c, &k, until_us, err);
}

enum err_code ctl_key_revoke(struct ctl *c, struct err *err) {
    struct ctl_credential k;
    enum err_code code = ctl_credential_revoke(c, CTL_KEY, &k, err);
    if (code == ERR_OK && !c->json)
        jb_printf(&c->out, "key %s \"%s\" is revoked\n", k.id.s, k.name);
    return code;
}
