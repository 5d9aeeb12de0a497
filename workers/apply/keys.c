#include "workers/apply/keys.h"

#include "ops/runtime/net_range.h"
#include "schemas/api/credential.h"
#include "sql/ask/admit.h"
#include "sql/pg_array.h"
#include "workers/apply/credential.h"
#include "workers/apply/key_client.h"

#include <stdio.h>
#include <string.h>

#define RATE_MAX 100000000

void announce_key(struct unit *u, struct unit_workspace *w, const struct command *c) {
    unit_want_key(u, w, c->id.s);
}

/* As a PostgreSQL array, in the unit's arena; NULL where the list holds anything but scopes. */
static const char *key_scopes(struct decision *d, const json_t *scopes) {
    struct jbuf list = {0};
    size_t i;
    json_t *v;
    bool good = json_array_size(scopes) > 0;
    pg_array_begin(&list);
    json_array_foreach((json_t *)scopes, i, v) {
        good = good && json_is_string(v) && scope_parse(json_string_value(v)) != 0;
        if (good)
            pg_array_text(&list, json_string_value(v));
    }
    pg_array_end(&list);
    const char *text = good ? arena_strdup(unit_arena(d->unit), list.p) : NULL;
    jb_free(&list);
    return text;
}

/* Writes a range in its shortest form: a range of one address as that address. */
static bool key_range(const json_t *v, char out[NET_TEXT_SIZE + 8]) {
    struct net_range r;
    char first[NET_TEXT_SIZE];
    if (!json_is_string(v) || !net_range_parse(json_string_value(v), json_string_length(v), &r))
        return false;
    net_address_text(&r.first, first);
    bool v4 = strchr(first, ':') == NULL;
    unsigned bits = v4 ? r.bits - 96 : r.bits, all = v4 ? 32 : 128;
    if (v4 && r.bits < 96)
        return false;
    if (bits == all)
        snprintf(out, NET_TEXT_SIZE + 8, "%s", first);
    else
        snprintf(out, NET_TEXT_SIZE + 8, "%s/%u", first, bits);
    return true;
}

/* *out: a PostgreSQL array in the unit's arena; NULL where the key may be used from anywhere. */
static enum err_code key_networks(struct decision *d, const json_t *networks, const char **out) {
    struct jbuf list = {0};
    size_t i;
    json_t *v;
    char text[NET_TEXT_SIZE + 8];
    *out = NULL;
    if (networks == NULL || json_is_null(networks))
        return ERR_OK;
    if (!json_is_array(networks) || json_array_size(networks) == 0 ||
        json_array_size(networks) > KEY_NETWORKS_MAX)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "networks",
                            "networks must be a list of 1 to %d networks, or null", KEY_NETWORKS_MAX);
    pg_array_begin(&list);
    json_array_foreach((json_t *)networks, i, v) {
        if (key_range(v, text)) {
            pg_array_text(&list, text);
            continue;
        }
        jb_free(&list);
        return err_set_path(&d->err, ERR_INVALID_VALUE, "networks",
                            "\"%.60s\" is no network like 203.0.113.0/24 or 2001:db8::/32",
                            json_is_string(v) ? json_string_value(v) : "?");
    }
    pg_array_end(&list);
    *out = arena_strdup(unit_arena(d->unit), list.p);
    jb_free(&list);
    return ERR_OK;
}

static enum err_code key_check_rate(struct decision *d, const json_t *rate) {
    if (rate == NULL || json_is_null(rate) ||
        (json_is_integer(rate) && json_integer_value(rate) >= 1 && json_integer_value(rate) <= RATE_MAX))
        return ERR_OK;
    return err_set_path(&d->err, ERR_INVALID_VALUE, "rate",
                        "rate must be a whole number from 1 to %d, or null", RATE_MAX);
}

/* `dryRun` may be absent. */
static enum err_code key_check_dry_run(struct decision *d) {
    const json_t *given = json_object_get(d->command->resource, "dryRun");
    return given == NULL || json_is_boolean(given)
               ? ERR_OK
               : err_set_path(&d->err, ERR_INVALID_VALUE, "dryRun", "dryRun must be true or false");
}

static void key_audit(struct decision *d, enum audit_action action, const struct unit_key *k) {
    struct audit_target target = {.kind = TARGET_KEY, .id = k->id, .name = k->name};
    decision_audit(d, action, &target, NULL, NULL, NULL, 0);
}

enum err_code apply_key_create(struct decision *d) {
    const json_t *given = d->command->resource;
    const char *dialect = credential_text(given, "dialect"), *networks,
               *scopes = key_scopes(d, json_object_get(given, "scopes"));
    enum dialect parsed = DIALECT_RFC;
    struct credential f;
    struct key_client client;
    struct unit_key *k = unit_key(d->unit, d->workspace, d->command->id.s);
    if (k == NULL)
        return decision_db_error(d);
    if (k->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The key exists already");
    if (!credential_check(d, "key", &f) ||
        key_networks(d, json_object_get(given, "networks"), &networks) != ERR_OK ||
        key_check_rate(d, json_object_get(given, "rate")) != ERR_OK || key_check_dry_run(d) != ERR_OK ||
        key_client_read(d, given, &client) != ERR_OK)
        return d->err.code;
    if (scopes == NULL)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "scopes",
                            "A key needs at least one scope, and no unknown one");
    if (dialect != NULL && !dialect_parse(dialect, &parsed))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "dialect", "There is no dialect \"%.40s\"", dialect);
    if (credential_check_count(d, "keys", unit_count_keys(d->unit, d->workspace), d->bounds->keys,
                               "max-keys") != ERR_OK)
        return d->err.code;
    struct arena *a = unit_arena(d->unit);
    unit_row_touch(&k->state);
    k->name = arena_strdup(a, f.name);
    k->token_hash_hex = arena_strdup(a, f.hash);
    k->prefix = arena_strdup(a, f.prefix);
    k->dialect = dialect_name(parsed);
    k->created_by = d->command->actor.name;
    k->scopes = scopes;
    k->networks = networks;
    k->rate = json_integer_value(json_object_get(given, "rate"));
    k->expires_us = f.expires_us;
    k->jwks = client.jwks;
    k->jwks_uri = client.uri;
    k->dry_since_us = json_is_true(json_object_get(given, "dryRun")) ? d->now_us : 0;
    key_audit(d, ACTION_KEY_CREATED, k);
    return ERR_OK;
}

/* The key that the command is about; NULL: the error says why. */
static struct unit_key *key_target(struct decision *d) {
    struct unit_key *k = unit_key(d->unit, d->workspace, d->command->id.s);
    if (k != NULL && row_alive(k->state))
        return k;
    if (k != NULL)
        (void)err_set(&d->err, ERR_NOT_FOUND, "Key %s does not exist", d->command->id.s);
    else
        (void)decision_db_error(d);
    return NULL;
}

/* The key may be revoked already: whoever revokes a key writes that at once, and sends this command behind
 * it. */
enum err_code apply_key_revoke(struct decision *d) {
    struct unit_key *k = key_target(d);
    if (k == NULL)
        return d->err.code;
    k->revoked = true;
    if (k->revoked_by == NULL) /* the first one stays on record */
        k->revoked_by = d->command->actor.name;
    unit_row_touch(&k->state);
    key_audit(d, ACTION_KEY_REVOKED, k);
    return ERR_OK;
}

/* Sets a new token. The old one dies now, or at overlapUntil. It stays known, so that who still sends it is
 * told why it is refused. One that was replaced before dies now in any case. */
enum err_code apply_key_rotate(struct decision *d) {
    struct unit_key *k = key_target(d);
    struct credential f;
    if (k == NULL || !credential_check_token(d, &f))
        return d->err.code;
    if (k->revoked || (k->expires_us && k->expires_us <= d->now_us))
        return err_set(&d->err, ERR_CONFLICT, "Key %s is %s", k->id, k->revoked ? "revoked" : "expired");
    struct arena *a = unit_arena(d->unit);
    int64_t until = json_integer_value(json_object_get(d->command->resource, "overlapUntil"));
    k->old_token_hash_hex = k->token_hash_hex;
    k->old_until_us = until > d->now_us ? until : 0;
    k->token_hash_hex = arena_strdup(a, f.hash);
    k->prefix = arena_strdup(a, f.prefix);
    unit_row_touch(&k->state);
    key_audit(d, ACTION_KEY_ROTATED, k);
    return ERR_OK;
}

static void key_put_change(struct jbuf *b, const char *path, const char *from, const char *to, bool json) {
    if (from == to || (from != NULL && to != NULL && strcmp(from, to) == 0))
        return;
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "path", path);
    jb_kstr(b, "op", from == NULL ? "add" : to == NULL ? "remove" : "replace");
    json ? jb_kraw(b, "from", from) : jb_kstr(b, "from", from);
    json ? jb_kraw(b, "to", to) : jb_kstr(b, "to", to);
    jb_raw(b, "}");
}

/* How long it has tried already is kept where it goes on. */
static void key_set_dry_run(struct decision *d, struct unit_key *k, bool dry, struct jbuf *changes) {
    key_put_change(changes, "dryRun", k->dry_since_us != 0 ? "true" : "false", dry ? "true" : "false", true);
    if (dry != (k->dry_since_us != 0))
        k->dry_since_us = dry ? d->now_us : 0;
}

static void key_set_client(struct unit_key *k, const struct key_client *client, struct jbuf *changes) {
    key_put_change(changes, "jwks", k->jwks, client->jwks, true);
    key_put_change(changes, "jwksUri", k->jwks_uri, client->uri, false);
    k->jwks = client->jwks;
    k->jwks_uri = client->uri;
}

enum err_code apply_key_set(struct decision *d) {
    const json_t *dry = json_object_get(d->command->resource, "dryRun");
    struct unit_key *k = key_target(d);
    struct key_client client;
    struct jbuf changes = {0};
    if (k == NULL || key_client_read(d, d->command->resource, &client) != ERR_OK ||
        key_check_dry_run(d) != ERR_OK)
        return d->err.code;
    if (!client.given && dry == NULL)
        return err_set(&d->err, ERR_INVALID_VALUE,
                       "There is nothing to change: jwks, jwksUri or dryRun is needed");
    if (k->revoked)
        return err_set(&d->err, ERR_CONFLICT, "Key %s is revoked", k->id);
    jb_raw(&changes, "[");
    if (client.given)
        key_set_client(k, &client, &changes);
    if (dry != NULL)
        key_set_dry_run(d, k, json_is_true(dry), &changes);
    jb_raw(&changes, "]");
    unit_row_touch(&k->state);
    struct audit_target target = {.kind = TARGET_KEY, .id = k->id, .name = k->name};
    decision_audit_json(d, ACTION_KEY_CHANGED, &target, arena_strdup(unit_arena(d->unit), changes.p));
    jb_free(&changes);
    return ERR_OK;
}
