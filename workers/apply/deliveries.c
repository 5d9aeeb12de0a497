#include "workers/apply/deliveries.h"

#include "schemas/api/delivery.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/text/jsonx.h"
#include "workers/apply/credential.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REASON_MAX 200
#define SECRETS_MAX 400 /* of one, sealed */

void announce_deliveries(struct unit *u, struct unit_workspace *w, const struct command *c) {
    (void)c;
    unit_want_deliveries(u, w);
}

/* ---- what it shares ---- */

/* Administrators and operators; no key, whatever its scopes, but for a stream of its own. */
static enum err_code delivery_check_actor(struct decision *d) {
    return d->command->actor.kind != ACTOR_KEY
               ? ERR_OK
               : err_set(&d->err, ERR_FORBIDDEN, "Only owners and administrators may set where events go");
}

static enum err_code delivery_not_found(struct decision *d) {
    return err_set(&d->err, ERR_NOT_FOUND, "Delivery %s does not exist", d->command->id.s);
}

bool delivery_is_stream(const json_t *doc) {
    return json_is_object(json_object_get(doc, "stream"));
}

/* Another receiver's stream is not there for a key. */
static enum err_code delivery_check_whose(struct decision *d, const json_t *doc) {
    const struct actor *actor = &d->command->actor;
    if (actor->kind != ACTOR_KEY)
        return ERR_OK;
    if (!delivery_is_stream(doc))
        return delivery_check_actor(d);
    const char *receiver = credential_text(json_object_get(doc, "stream"), "receiver");
    return receiver != NULL && strcmp(receiver, actor->id) == 0 ? ERR_OK : delivery_not_found(d);
}

struct unit_delivery *delivery_target(struct decision *d, json_t **doc) {
    *doc = NULL;
    struct unit_delivery *x = unit_delivery(d->unit, d->workspace, d->command->id.s);
    if (x == NULL) {
        (void)decision_db_error(d);
        return NULL;
    }
    if (!row_alive(x->state)) {
        if (delivery_check_actor(d) == ERR_OK)
            (void)delivery_not_found(d);
        return NULL;
    }
    *doc = json_loads(x->doc, 0, NULL);
    if (delivery_check_whose(d, *doc) == ERR_OK)
        return x;
    json_decref(*doc);
    *doc = NULL;
    return NULL;
}

void delivery_write(struct decision *d, struct unit_delivery *x, const json_t *doc) {
    struct jbuf text = {0};
    jsonx_text(doc, &text);
    x->doc = arena_strdup(unit_arena(d->unit), text.p);
    unit_row_touch(&x->state);
    jb_free(&text);
}

struct audit_target delivery_audit_target(struct decision *d, const struct unit_delivery *x,
                                          const json_t *doc) {
    const char *name = json_string_value(json_object_get(doc, "name"));
    return (struct audit_target){
        .kind = TARGET_DELIVERY, .id = x->id, .name = arena_strdup(unit_arena(d->unit), name)};
}

void delivery_audit(struct decision *d, enum audit_action action, const struct unit_delivery *x,
                    const json_t *doc, const char *reason) {
    struct audit_target target = delivery_audit_target(d, x, doc);
    decision_audit(d, action, &target, NULL, reason, NULL, 0);
}

/* ---- what a command carries ---- */

static enum err_code check_secret(struct decision *d) {
    const json_t *given = d->command->resource;
    const char *secret = credential_text(given, "secret"), *key = credential_text(given, "publicKey"),
               *prefix = credential_text(given, "prefix");
    if (secret == NULL || *secret == '\0' || strlen(secret) > SECRETS_MAX || strchr(secret, ' ') != NULL ||
        prefix == NULL || strlen(prefix) >= DELIVERY_PREFIX_SIZE ||
        (key != NULL && strlen(key) >= DELIVERY_SECRET_TEXT))
        return err_set(&d->err, ERR_INVALID_VALUE, "An endpoint needs its secret, sealed");
    return ERR_OK;
}

static bool is_one_of(const char *text, const char *const *choices) {
    for (size_t i = 0; text != NULL && choices[i] != NULL; i++)
        if (strcmp(text, choices[i]) == 0)
            return true;
    return false;
}

/* Checks those of name, url, events and state that are given. */
static enum err_code check_settings(struct decision *d, const char *const *states) {
    const json_t *given = d->command->resource, *v;
    if ((v = json_object_get(given, "name")) != NULL) {
        if (!json_is_string(v))
            return err_set_path(&d->err, ERR_INVALID_VALUE, "name", "The endpoint needs a name");
        if (workspace_name_check("endpoint", json_string_value(v), &d->err) != ERR_OK)
            return d->err.code;
    }
    if ((v = json_object_get(given, "url")) != NULL &&
        delivery_check_url(json_is_string(v) ? json_string_value(v) : "", d->bounds->deliver_http, &d->err) !=
            ERR_OK)
        return d->err.code;
    if (delivery_check_events(json_object_get(given, "events"), &d->err) != ERR_OK)
        return d->err.code;
    if ((v = json_object_get(given, "state")) != NULL && !is_one_of(json_string_value(v), states))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "state", "state must be enabled%s",
                            states[2] != NULL ? ", paused or disabled" : " or paused");
    return ERR_OK;
}

static void put_given(json_t *doc, const json_t *given, const char *name) {
    json_t *v = json_object_get(given, name);
    jsonx_put(doc, name, v != NULL ? jsonx_copy(v) : json_null());
}

/* ---- verbs ---- */

static enum err_code check_new(struct decision *d) {
    static const char *const states[] = {"enabled", "paused", NULL}, *const signatures[] = {
                                                                         DELIVERY_SIGNATURE_HMAC,
                                                                         DELIVERY_SIGNATURE_ED25519, NULL};
    const json_t *given = d->command->resource;
    if (json_object_get(given, "name") == NULL)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "name", "The endpoint needs a name");
    if (json_object_get(given, "url") == NULL)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "url", "The endpoint needs a url");
    if (check_settings(d, states) != ERR_OK || check_secret(d) != ERR_OK)
        return d->err.code;
    if (!is_one_of(credential_text(given, "signature"), signatures))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "signature", "signature must be hmac or ed25519");
    return delivery_check_count(d);
}

enum err_code delivery_check_count(struct decision *d) {
    int64_t n = unit_count_deliveries(d->unit, d->workspace);
    if (n < 0)
        return decision_db_error(d);
    return n < d->bounds->deliveries ? ERR_OK
                                     : err_set(&d->err, ERR_CONFLICT,
                                               "The workspace has %" PRId64 " endpoints, at most %" PRId64
                                               " are allowed (max-deliveries): delete one first",
                                               n, d->bounds->deliveries);
}

struct unit_delivery *delivery_new_one(struct decision *d) {
    struct unit_delivery *x = unit_delivery(d->unit, d->workspace, d->command->id.s);
    if (x == NULL)
        (void)decision_db_error(d);
    else if (x->state != ROW_ABSENT)
        (void)err_set(&d->err, ERR_CONFLICT, "The endpoint exists already");
    else
        return x;
    return NULL;
}

enum err_code apply_delivery_create(struct decision *d) {
    const json_t *given = d->command->resource;
    if (delivery_check_actor(d) != ERR_OK)
        return d->err.code;
    struct unit_delivery *x = delivery_new_one(d);
    if (x == NULL || check_new(d) != ERR_OK)
        return d->err.code;
    json_t *doc = json_object();
    const char *state = credential_text(given, "state");
    put_given(doc, given, "name");
    put_given(doc, given, "url");
    put_given(doc, given, "events");
    put_given(doc, given, "signature");
    put_given(doc, given, "prefix");
    put_given(doc, given, "publicKey");
    jsonx_put(doc, "state", json_string(state != NULL ? state : "enabled"));
    jsonx_put(doc, "reason", json_null());
    jsonx_put(doc, "oldSecretUntil", json_null());
    jsonx_put(doc, "created", json_integer(d->now_us));
    jsonx_put(doc, "createdBy", json_string(d->command->actor.name));
    delivery_write(d, x, doc);
    x->secrets = arena_strdup(unit_arena(d->unit), credential_text(given, "secret"));
    delivery_audit(d, ACTION_DELIVERY_CREATED, x, doc, NULL);
    json_decref(doc);
    return ERR_OK;
}

void delivery_put_change(struct jbuf *b, const char *path, const json_t *from, const json_t *to) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "path", path);
    jb_kstr(b, "op", "replace");
    jb_key(b, "from");
    jsonx_text(from, b);
    jb_key(b, "to");
    jsonx_text(to, b);
    jb_raw(b, "}");
}

/* Takes over what is given and differs. False: nothing does. */
static bool take_changes(json_t *doc, const json_t *given, struct jbuf *changes) {
    static const char *const members[] = {"name", "url", "events", "state"};
    jb_raw(changes, "[");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *to = json_object_get(given, members[i]);
        const json_t *from = json_object_get(doc, members[i]);
        if (to == NULL || json_equal(from, to))
            continue;
        delivery_put_change(changes, members[i], from, to);
        jsonx_put(doc, members[i], jsonx_copy(to));
    }
    jb_raw(changes, "]");
    return changes->n > 2;
}

/* Whoever disables says why; whoever sets another state takes the reason off. */
static const char *take_reason(struct decision *d, json_t *doc) {
    const char *state = json_string_value(json_object_get(doc, "state")),
               *given = credential_text(d->command->resource, "reason");
    bool off = strcmp(state, "disabled") == 0;
    if (json_object_get(d->command->resource, "state") != NULL)
        jsonx_put(doc, "reason", off && given != NULL ? json_string(given) : json_null());
    return off ? arena_strdup(unit_arena(d->unit), given) : NULL;
}

enum err_code apply_delivery_set(struct decision *d) {
    static const char *const states[] = {"enabled", "paused", "disabled", NULL};
    const char *reason = credential_text(d->command->resource, "reason");
    struct jbuf changes = {0};
    json_t *doc;
    struct unit_delivery *x = delivery_target(d, &doc);
    if (x == NULL)
        return d->err.code;
    if (check_settings(d, states) != ERR_OK ||
        (reason != NULL && strlen(reason) > REASON_MAX &&
         err_set_path(&d->err, ERR_INVALID_VALUE, "reason", "reason has at most %d bytes", REASON_MAX))) {
        json_decref(doc);
        return d->err.code;
    }
    if (take_changes(doc, d->command->resource, &changes)) {
        bool off = json_object_get(d->command->resource, "state") != NULL &&
                   strcmp(credential_text(d->command->resource, "state"), "disabled") == 0;
        const char *why = take_reason(d, doc);
        delivery_write(d, x, doc);
        struct audit_target target = delivery_audit_target(d, x, doc);
        if (off)
            decision_audit(d, ACTION_DELIVERY_DISABLED, &target, NULL, why, NULL, 0);
        else
            decision_audit_json(d, ACTION_DELIVERY_CHANGED, &target,
                                arena_strdup(unit_arena(d->unit), changes.p));
    }
    jb_free(&changes);
    json_decref(doc);
    return ERR_OK;
}

enum err_code apply_delivery_rotate(struct decision *d) {
    const json_t *given = d->command->resource;
    json_t *doc;
    struct unit_delivery *x = delivery_target(d, &doc);
    if (x == NULL)
        return d->err.code;
    if (delivery_is_stream(doc))
        (void)err_set(&d->err, ERR_CONFLICT,
                      "A stream has no secret: its tokens are signed with the service's keys");
    if (d->err.code != ERR_OK || check_secret(d) != ERR_OK) {
        json_decref(doc);
        return d->err.code;
    }
    int64_t until = json_integer_value(json_object_get(given, "overlapUntil"));
    bool both = until > d->now_us;
    /* Of the two that may be there, the first is the present one. */
    x->secrets = arena_printf(unit_arena(d->unit), "%s%s%.*s", credential_text(given, "secret"),
                              both ? " " : "", both ? (int)strcspn(x->secrets, " ") : 0, x->secrets);
    put_given(doc, given, "prefix");
    put_given(doc, given, "publicKey");
    jsonx_put(doc, "oldSecretUntil", both ? json_integer(until) : json_null());
    delivery_write(d, x, doc);
    delivery_audit(d, ACTION_DELIVERY_ROTATED, x, doc, NULL);
    json_decref(doc);
    return ERR_OK;
}

/* Exactly one of since, after and number, as numbers that are not negative. */
static const char *replay_kind(const json_t *given) {
    static const char *const kinds[] = {"since", "after", "number"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const json_t *v = json_object_get(given, kinds[i]);
        if (v == NULL)
            continue;
        if (found != NULL || !json_is_integer(v) || json_integer_value(v) < 0)
            return NULL;
        found = kinds[i];
    }
    return found;
}

enum err_code apply_delivery_replay(struct decision *d) {
    const char *kind = replay_kind(d->command->resource);
    json_t *doc;
    struct unit_delivery *x = delivery_check_actor(d) == ERR_OK ? delivery_target(d, &doc) : NULL;
    if (x == NULL)
        return d->err.code;
    if (kind == NULL) {
        json_decref(doc);
        return err_set(&d->err, ERR_INVALID_VALUE, "Exactly one of since, after and number is needed");
    }
    int64_t n = json_integer_value(json_object_get(d->command->resource, kind));
    if (strcmp(kind, "number") == 0) {
        /* Several commands of one transaction ask one after the other. */
        size_t before = x->asked != NULL ? strlen(x->asked) - 1 : 0;
        x->asked = arena_printf(unit_arena(d->unit), "%.*s%s%" PRId64 "}", (int)before,
                                x->asked != NULL ? x->asked : "", x->asked != NULL ? "," : "{", n);
    } else {
        x->moves = true;
        x->since_us = strcmp(kind, "since") == 0 ? (n > 0 ? n : 1) : 0;
        x->after = n;
    }
    unit_row_touch(&x->state);
    struct audit_target target = delivery_audit_target(d, x, doc);
    decision_audit_json(d, ACTION_DELIVERY_REPLAYED, &target,
                        arena_printf(unit_arena(d->unit),
                                     "[{\"path\":\"%s\",\"op\":\"add\",\"from\":null,\"to\":%" PRId64 "}]",
                                     kind, n));
    json_decref(doc);
    return ERR_OK;
}

enum err_code apply_delivery_delete(struct decision *d) {
    json_t *doc;
    struct unit_delivery *x = delivery_target(d, &doc);
    if (x == NULL)
        return d->err.code;
    delivery_audit(d, ACTION_DELIVERY_DELETED, x, doc, NULL);
    x->state = x->state == ROW_NEW ? ROW_ABSENT : ROW_DELETED;
    json_decref(doc);
    return ERR_OK;
}
