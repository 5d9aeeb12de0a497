/* Credentials: keys, and those of owners and administrators. */
#include "ops/runtime/net_range.h"
#include "sql/ask/admit.h"
#include "sql/pg_array.h"
#include "workers/apply/decision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX 100000000

static const char *text_of(const json_t *o, const char *name) {
    return json_string_value(json_object_get(o, name));
}

/* What all credentials have. Texts are borrowed from the command. */
struct token_facts {
    const char *name, *hash, *prefix;
    int64_t expires_us;
};

/* False, and d->err says why, where they are not good. */
static bool check_hash(struct decision *d, struct token_facts *f) {
    const json_t *given = d->command->resource;
    f->hash = text_of(given, "tokenHash");
    f->prefix = text_of(given, "prefix");
    if (f->hash == NULL || strlen(f->hash) != 64 || strspn(f->hash, "0123456789abcdef") != 64 ||
        f->prefix == NULL || !*f->prefix || strlen(f->prefix) > 32) {
        (void)err_set(&d->err, ERR_INVALID_VALUE, "A credential needs its token's hash and prefix");
        return false;
    }
    return true;
}

static bool check_facts(struct decision *d, const char *what, struct token_facts *f) {
    const json_t *given = d->command->resource, *expires = json_object_get(given, "expires");
    f->name = text_of(given, "name");
    if (f->name == NULL) {
        (void)err_set_path(&d->err, ERR_INVALID_VALUE, "name", "The %s needs a name", what);
        return false;
    }
    if (workspace_name_check(what, f->name, &d->err) != ERR_OK)
        return false;
    if (expires != NULL && !json_is_null(expires) &&
        (!json_is_integer(expires) || json_integer_value(expires) <= 0)) {
        (void)err_set_path(&d->err, ERR_INVALID_VALUE, "expires", "expires must be a moment, or null");
        return false;
    }
    f->expires_us = json_integer_value(expires); /* (0 for null) */
    return check_hash(d, f);
}

/* ---- keys ---- */

/* As a PostgreSQL array, in the unit's arena; NULL where the list holds anything but scopes. */
static const char *scope_list(struct decision *d, const json_t *scopes) {
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

/* One range in its shortest form: an address alone is a range of one. */
static bool canonical_range(const json_t *v, char out[NET_TEXT_SIZE + 8]) {
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
static enum err_code network_list(struct decision *d, const json_t *networks, const char **out) {
    struct jbuf list = {0};
    size_t i;
    json_t *v;
    char text[NET_TEXT_SIZE + 8];
    *out = NULL;
    if (networks == NULL || json_is_null(networks))
        return ERR_OK;
    if (!json_is_array(networks) || json_array_size(networks) == 0)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "networks",
                            "networks must be a list of at least one network, or null");
    pg_array_begin(&list);
    json_array_foreach((json_t *)networks, i, v) {
        if (canonical_range(v, text)) {
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

static enum err_code check_rate(struct decision *d, const json_t *rate) {
    if (rate == NULL || json_is_null(rate) ||
        (json_is_integer(rate) && json_integer_value(rate) >= 1 && json_integer_value(rate) <= RATE_MAX))
        return ERR_OK;
    return err_set_path(&d->err, ERR_INVALID_VALUE, "rate",
                        "rate must be a whole number from 1 to %d, or null", RATE_MAX);
}

static void audit_key(struct decision *d, enum audit_action action, const struct unit_key *k) {
    struct audit_target target = {.kind = TARGET_KEY, .id = k->id, .name = k->name};
    decision_audit(d, action, &target, NULL, NULL, NULL, 0);
}

enum err_code apply_key_create(struct decision *d) {
    const json_t *given = d->command->resource;
    const char *dialect = text_of(given, "dialect"), *networks,
               *scopes = scope_list(d, json_object_get(given, "scopes"));
    enum dialect parsed = DIALECT_RFC;
    struct token_facts f;
    struct unit_key *k = unit_key(d->unit, d->workspace, d->command->id.s);
    if (k == NULL)
        return decision_db_error(d);
    if (k->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The key exists already");
    if (!check_facts(d, "key", &f) ||
        network_list(d, json_object_get(given, "networks"), &networks) != ERR_OK ||
        check_rate(d, json_object_get(given, "rate")) != ERR_OK)
        return d->err.code;
    if (scopes == NULL)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "scopes", "A key needs scopes that there are");
    if (dialect != NULL && !dialect_parse(dialect, &parsed))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "dialect", "There is no dialect \"%.40s\"", dialect);
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
    audit_key(d, ACTION_KEY_CREATED, k);
    return ERR_OK;
}

/* The key that the command is about; NULL: the error says why. */
static struct unit_key *key_of(struct decision *d) {
    struct unit_key *k = unit_key(d->unit, d->workspace, d->command->id.s);
    if (k != NULL && row_alive(k->state))
        return k;
    if (k != NULL)
        (void)err_set(&d->err, ERR_NOT_FOUND, "Key %s does not exist", d->command->id.s);
    else
        (void)decision_db_error(d);
    return NULL;
}

/* It may be revoked already: that is written at once, and this command follows. */
enum err_code apply_key_revoke(struct decision *d) {
    struct unit_key *k = key_of(d);
    if (k == NULL)
        return d->err.code;
    k->revoked = true;
    k->revoked_by = d->command->actor.name;
    unit_row_touch(&k->state);
    audit_key(d, ACTION_KEY_REVOKED, k);
    return ERR_OK;
}

/* A new token. The old one dies now, or at overlapUntil; one before that dies now in any case. */
enum err_code apply_key_rotate(struct decision *d) {
    struct unit_key *k = key_of(d);
    struct token_facts f;
    if (k == NULL || !check_hash(d, &f))
        return d->err.code;
    if (k->revoked || (k->expires_us && k->expires_us <= d->now_us))
        return err_set(&d->err, ERR_CONFLICT, "Key %s is %s", k->id, k->revoked ? "revoked" : "expired");
    struct arena *a = unit_arena(d->unit);
    int64_t until = json_integer_value(json_object_get(d->command->resource, "overlapUntil"));
    k->old_token_hash_hex = until > d->now_us ? k->token_hash_hex : NULL;
    k->old_until_us = until > d->now_us ? until : 0;
    k->token_hash_hex = arena_strdup(a, f.hash);
    k->prefix = arena_strdup(a, f.prefix);
    unit_row_touch(&k->state);
    audit_key(d, ACTION_KEY_ROTATED, k);
    return ERR_OK;
}

/* ---- owners and administrators ---- */

/* Administrators do everything but this. */
static enum err_code check_owners_actor(struct decision *d) {
    const struct actor *a = &d->command->actor;
    if (a->kind == ACTOR_OPERATOR)
        return ERR_OK;
    const struct unit_owner *o = a->kind == ACTOR_OWNER ? unit_owner(d->unit, d->workspace, a->id) : NULL;
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    return o != NULL && o->role != NULL && strcmp(o->role, "owner") == 0
               ? ERR_OK
               : err_set(&d->err, ERR_FORBIDDEN, "Only owners may change who owns the workspace");
}

static void audit_owner(struct decision *d, enum audit_action action, const struct unit_owner *o) {
    struct audit_target target = {.kind = TARGET_OWNER, .id = o->id, .name = o->name};
    decision_audit(d, action, &target, NULL, NULL, NULL, 0);
}

enum err_code apply_owner_create(struct decision *d) {
    const char *role = text_of(d->command->resource, "role");
    struct token_facts f;
    struct unit_owner *o = unit_owner(d->unit, d->workspace, d->command->id.s);
    if (o == NULL)
        return decision_db_error(d);
    if (check_owners_actor(d) != ERR_OK)
        return d->err.code;
    if (o->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The owner exists already");
    if (!check_facts(d, "owner", &f))
        return d->err.code;
    if (role == NULL || (strcmp(role, "owner") != 0 && strcmp(role, "administrator") != 0))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "role", "role must be owner or administrator");
    struct arena *a = unit_arena(d->unit);
    unit_row_touch(&o->state);
    o->name = arena_strdup(a, f.name);
    o->role = arena_strdup(a, role);
    o->token_hash_hex = arena_strdup(a, f.hash);
    o->prefix = arena_strdup(a, f.prefix);
    o->created_by = d->command->actor.name;
    o->expires_us = f.expires_us;
    audit_owner(d, ACTION_OWNER_CREATED, o);
    return ERR_OK;
}

/* Somebody must be left who can do everything. Who is revoked already was judged when that was written. */
enum err_code apply_owner_revoke(struct decision *d) {
    struct unit_owner *o = unit_owner(d->unit, d->workspace, d->command->id.s);
    if (o == NULL)
        return decision_db_error(d);
    if (check_owners_actor(d) != ERR_OK)
        return d->err.code;
    if (!row_alive(o->state))
        return err_set(&d->err, ERR_NOT_FOUND, "Owner %s does not exist", d->command->id.s);
    if (!o->revoked && strcmp(o->role, "owner") == 0 &&
        !unit_other_owner(d->unit, d->workspace, o, d->now_us)) {
        if (unit_error(d->unit, &d->err) != ERR_OK)
            return d->err.code;
        return err_set(&d->err, ERR_CONFLICT, "The last owner cannot be removed");
    }
    o->revoked = true;
    o->revoked_by = d->command->actor.name;
    unit_row_touch(&o->state);
    audit_owner(d, ACTION_OWNER_REVOKED, o);
    return ERR_OK;
}
