#include "workers/apply/streams.h"

#include "schemas/api/delivery.h"
#include "schemas/api/ssf_set.h"
#include "schemas/text/jsonx.h"
#include "workers/apply/credential.h"
#include "workers/apply/deliveries.h"

#include <stdio.h>
#include <string.h>

#define SEALED_MAX 1200 /* of an Authorization header */

/* What a command may set of a stream itself, and where it stands in the document. */
static const char *const own[] = {"method", "requested", "description", "format", NULL};

/* Is a stream to be made, or another endpoint? */
static bool stream_is_given(const json_t *resource) {
    const char *kind = credential_text(resource, "kind");
    return kind != NULL && strcmp(kind, SSF_KIND) == 0;
}

/* ---- what a command carries ---- */

static bool is_text(const json_t *given, const char *name, size_t most) {
    const json_t *v = json_object_get(given, name);
    return json_is_string(v) && json_string_length(v) > 0 && json_string_length(v) <= most;
}

static enum err_code stream_refuse(struct decision *d, const char *path) {
    return err_set_path(&d->err, ERR_INVALID_VALUE, path, "A stream needs its %s", path);
}

/* The URL of a push is the receiver's; that of a poll is ours. */
static enum err_code check_delivery(struct decision *d) {
    const json_t *given = d->command->resource;
    const char *method = credential_text(given, "method"), *url = credential_text(given, "url"),
               *header = credential_text(given, "secret");
    if (method == NULL || (strcmp(method, SSF_PUSH) != 0 && strcmp(method, SSF_POLL) != 0))
        return stream_refuse(d, "method");
    if (header == NULL || strlen(header) > SEALED_MAX || strchr(header, ' ') != NULL)
        return stream_refuse(d, "secret");
    if (url == NULL)
        return stream_refuse(d, "url");
    return delivery_check_url(url, strcmp(method, SSF_POLL) == 0 || d->bounds->deliver_http, &d->err);
}

static enum err_code check_list(struct decision *d, const char *name, size_t most) {
    const json_t *v = json_object_get(d->command->resource, name);
    return v == NULL || json_is_null(v) || (json_is_array(v) && json_array_size(v) <= most)
               ? ERR_OK
               : stream_refuse(d, name);
}

/* Checks those members that are given. */
static enum err_code stream_check(struct decision *d) {
    const json_t *given = d->command->resource;
    const char *state = credential_text(given, "state"), *reason = credential_text(given, "reason");
    if (json_object_get(given, "method") != NULL && check_delivery(d) != ERR_OK)
        return d->err.code;
    if (json_object_get(given, "format") != NULL && !is_text(given, "format", 20))
        return stream_refuse(d, "format");
    if (json_object_get(given, "signature") != NULL && !is_text(given, "signature", 20))
        return stream_refuse(d, "signature");
    if (json_object_get(given, "state") != NULL &&
        (state == NULL ||
         (strcmp(state, "enabled") != 0 && strcmp(state, "paused") != 0 && strcmp(state, "disabled") != 0)))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "state", "state must be enabled, paused or disabled");
    if (reason != NULL && strlen(reason) > SSF_TEXT_MAX)
        return err_set_path(&d->err, ERR_INVALID_VALUE, "reason", "reason has at most %d bytes",
                            SSF_TEXT_MAX);
    return check_list(d, "requested", SSF_REQUESTED_MAX);
}

/* ---- documents ---- */

/* What is delivered follows from what is requested, and what is read from the log follows from that. */
static void stream_derive(json_t *doc) {
    json_t *stream = json_object_get(doc, "stream"),
           *delivered = ssf_delivered(json_object_get(stream, "requested"));
    jsonx_put(doc, "events", ssf_sources(delivered));
    jsonx_put(stream, "delivered", delivered);
}

static json_t *given_copy(const json_t *given, const char *name) {
    const json_t *v = json_object_get(given, name);
    return v != NULL ? jsonx_copy(v) : json_null();
}

static json_t *new_stream(const struct decision *d) {
    const json_t *given = d->command->resource;
    json_t *stream = json_object();
    jsonx_put(stream, "receiver", json_string(d->command->actor.id));
    jsonx_put(stream, "iss", given_copy(given, "iss"));
    jsonx_put(stream, "aud", given_copy(given, "aud"));
    for (size_t i = 0; own[i] != NULL; i++)
        jsonx_put(stream, own[i], given_copy(given, own[i]));
    jsonx_put(stream, "from", json_integer(0));
    jsonx_put(stream, "verified", json_integer(0));
    jsonx_put(stream, "removed", json_array());
    return stream;
}

static enum err_code check_stream_new(struct decision *d) {
    static const char *const needed[] = {"iss", "aud", "method", "format", "signature", NULL};
    const json_t *given = d->command->resource;
    if (d->command->actor.kind != ACTOR_KEY)
        return err_set(&d->err, ERR_FORBIDDEN, "A stream belongs to a key, which makes it itself");
    for (size_t i = 0; needed[i] != NULL; i++)
        if (json_object_get(given, needed[i]) == NULL)
            return stream_refuse(d, needed[i]);
    if (!is_text(given, "iss", DELIVERY_URL_MAX))
        return stream_refuse(d, "iss");
    return stream_check(d) == ERR_OK ? delivery_check_count(d) : d->err.code;
}

static enum err_code apply_stream_create(struct decision *d) {
    const json_t *given = d->command->resource;
    struct unit_delivery *x = check_stream_new(d) == ERR_OK ? delivery_new_one(d) : NULL;
    if (x == NULL)
        return d->err.code;
    json_t *doc = json_object();
    jsonx_put(doc, "name", json_string(arena_printf(unit_arena(d->unit), "stream %s", x->id)));
    jsonx_put(doc, "url", given_copy(given, "url"));
    jsonx_put(doc, "events", json_null());
    jsonx_put(doc, "signature", given_copy(given, "signature"));
    jsonx_put(doc, "prefix", json_null());
    jsonx_put(doc, "publicKey", json_null());
    jsonx_put(doc, "state", json_string("enabled"));
    jsonx_put(doc, "reason", json_null());
    jsonx_put(doc, "oldSecretUntil", json_null());
    jsonx_put(doc, "created", json_integer(d->now_us));
    jsonx_put(doc, "createdBy", json_string(d->command->actor.name));
    jsonx_put(doc, "stream", new_stream(d));
    stream_derive(doc);
    delivery_write(d, x, doc);
    x->secrets = arena_strdup(unit_arena(d->unit), credential_text(given, "secret"));
    delivery_audit(d, ACTION_DELIVERY_CREATED, x, doc, NULL);
    json_decref(doc);
    return ERR_OK;
}

enum err_code apply_endpoint_create(struct decision *d) {
    return stream_is_given(d->command->resource) ? apply_stream_create(d) : apply_delivery_create(d);
}

/* ---- changes ---- */

/* Sets a member of an object, where another value is given. False: nothing changes. */
static bool take_member(json_t *object, const char *name, json_t *to, struct jbuf *changes) {
    const json_t *from = json_object_get(object, name);
    if (to == NULL || json_equal(from, to))
        return false;
    delivery_put_change(changes, name, from, to);
    jsonx_put(object, name, jsonx_copy(to));
    return true;
}

static size_t subject_place(const json_t *list, const json_t *subject) {
    size_t i = 0;
    while (i < json_array_size(list) && !json_equal(json_array_get(list, i), subject))
        i++;
    return i;
}

/* "remove" takes a subject out of the stream, "add" takes it in again. Its text stands in no record: that
 * would tell who was looked for. */
static enum err_code take_subjects(struct decision *d, json_t *stream, bool *changed) {
    const json_t *given = d->command->resource;
    json_t *list = json_object_get(stream, "removed"), *added = json_object_get(given, "add"),
           *removed = json_object_get(given, "remove");
    if ((added != NULL && ssf_check_subject(added, &d->err) != ERR_OK) ||
        (removed != NULL && ssf_check_subject(removed, &d->err) != ERR_OK))
        return d->err.code;
    if (added != NULL && subject_place(list, added) < json_array_size(list)) {
        json_array_remove(list, subject_place(list, added));
        *changed = true;
    }
    if (removed == NULL || subject_place(list, removed) < json_array_size(list))
        return ERR_OK;
    if (json_array_size(list) >= SSF_REMOVED_MAX)
        return err_set(&d->err, ERR_FORBIDDEN, "At most %d subjects can be removed from a stream",
                       SSF_REMOVED_MAX);
    jsonx_push(list, jsonx_copy(removed));
    *changed = true;
    return ERR_OK;
}

/* What happened while it was disabled is not told: the cursor goes to the end of the log, and what is not in
 * the log yet is known by its time. */
static void stream_skip(struct decision *d, struct unit_delivery *x, json_t *stream) {
    x->moves = true;
    x->since_us = d->now_us;
    jsonx_put(stream, "from", json_integer(d->now_us));
}

/* event: what stands for its ce_id, behind the workspace. value: is emptied. */
static void stream_say(struct decision *d, struct unit_delivery *x, const char *type, const char *event,
                       struct jbuf *value) {
    struct arena *a = unit_arena(d->unit);
    struct unit_saying *m = arena_alloc(a, sizeof *m), **last = &x->says;
    *m =
        (struct unit_saying){.type = type,
                             .event = arena_printf(a, "%s/%s/%s", d->workspace->id, event, d->command->txn.s),
                             .value = arena_strndup(a, value->p, value->n),
                             .at_once = ssf_is_told_at_once(type)};
    while (*last != NULL)
        last = &(*last)->next;
    *last = m;
    jb_free(value);
}

/* Its receiver does not know of it yet. */
static void say_updated(struct decision *d, struct unit_delivery *x, const json_t *doc) {
    struct jbuf value = {0};
    ssf_put_updated(&value, x->id, d->command->txn.s, credential_text(doc, "state"),
                    credential_text(doc, "reason"));
    stream_say(d, x, SSF_UPDATED, "stream-updated", &value);
}

static void take_state(struct decision *d, struct unit_delivery *x, json_t *doc, struct jbuf *changes) {
    json_t *to = json_object_get(d->command->resource, "state");
    bool was_off = strcmp(json_string_value(json_object_get(doc, "state")), "disabled") == 0,
         changed = take_member(doc, "state", to, changes);
    if (changed && was_off)
        stream_skip(d, x, json_object_get(doc, "stream"));
    if (to != NULL) {
        json_t *reason = json_object_get(d->command->resource, "reason");
        (void)take_member(doc, "reason", json_is_string(reason) ? reason : json_null(), changes);
    }
    if (changed && d->command->actor.kind != ACTOR_KEY)
        say_updated(d, x, doc);
}

static enum err_code check_stream_changes(struct decision *d) {
    if (d->command->actor.kind != ACTOR_KEY) {
        const char *name;
        json_t *value;
        json_object_foreach(d->command->resource, name, value) {
            if (strcmp(name, "state") != 0 && strcmp(name, "reason") != 0)
                return err_set_path(&d->err, ERR_INVALID_VALUE, name,
                                    "Of a stream only the state can be set: the rest is its receiver's");
        }
    }
    return stream_check(d);
}

static void audit_changes(struct decision *d, const struct unit_delivery *x, const json_t *doc,
                          const char *changes) {
    struct audit_target target = delivery_audit_target(d, x, doc);
    const char *state = credential_text(d->command->resource, "state");
    if (state != NULL && strcmp(state, "disabled") == 0 && strstr(changes, "\"state\"") != NULL)
        decision_audit(d, ACTION_DELIVERY_DISABLED, &target, NULL,
                       arena_strdup(unit_arena(d->unit), credential_text(doc, "reason")), NULL, 0);
    else
        decision_audit_json(d, ACTION_DELIVERY_CHANGED, &target, arena_strdup(unit_arena(d->unit), changes));
}

static enum err_code apply_stream_set(struct decision *d, struct unit_delivery *x, json_t *doc) {
    json_t *given = d->command->resource, *stream = json_object_get(doc, "stream");
    const char *header = credential_text(given, "secret");
    struct jbuf changes = {0};
    bool changed = false;
    if (check_stream_changes(d) != ERR_OK || take_subjects(d, stream, &changed) != ERR_OK)
        return d->err.code;
    jb_raw(&changes, "[");
    for (size_t i = 0; own[i] != NULL; i++)
        (void)take_member(stream, own[i], json_object_get(given, own[i]), &changes);
    (void)take_member(doc, "url", json_object_get(given, "url"), &changes);
    (void)take_member(doc, "signature", json_object_get(given, "signature"), &changes);
    take_state(d, x, doc, &changes);
    jb_raw(&changes, "]");
    if (header != NULL) {
        x->secrets = arena_strdup(unit_arena(d->unit), header);
        changed = true;
    }
    if (changed || changes.n > 2) {
        stream_derive(doc);
        delivery_write(d, x, doc);
        audit_changes(d, x, doc, changes.p);
    }
    jb_free(&changes);
    return ERR_OK;
}

enum err_code apply_endpoint_set(struct decision *d) {
    json_t *doc;
    struct unit_delivery *x = delivery_target(d, &doc);
    if (x == NULL)
        return d->err.code;
    bool is_stream = delivery_is_stream(doc);
    enum err_code code = is_stream ? apply_stream_set(d, x, doc) : ERR_OK;
    json_decref(doc);
    return is_stream ? code : apply_delivery_set(d);
}

/* ---- verification ---- */

static enum err_code check_verify(struct decision *d, const json_t *doc) {
    const json_t *state = json_object_get(d->command->resource, "state");
    int64_t last = json_integer_value(json_object_get(json_object_get(doc, "stream"), "verified"));
    if (!delivery_is_stream(doc))
        return err_set(&d->err, ERR_CONFLICT, "Only a stream can be verified");
    if (state != NULL && !json_is_null(state) &&
        (!json_is_string(state) || json_string_length(state) > SSF_TEXT_MAX))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "state", "state must be a text of at most %d bytes",
                            SSF_TEXT_MAX);
    return d->now_us - last >= SSF_VERIFY_EVERY_S * INT64_C(1000000)
               ? ERR_OK
               : err_set(&d->err, ERR_RATE_LIMITED,
                         "The stream was verified less than %d s ago (min_verification_interval)",
                         SSF_VERIFY_EVERY_S);
}

enum err_code apply_delivery_verify(struct decision *d) {
    struct jbuf value = {0};
    json_t *doc;
    struct unit_delivery *x = delivery_target(d, &doc);
    if (x == NULL)
        return d->err.code;
    if (check_verify(d, doc) != ERR_OK) {
        json_decref(doc);
        return d->err.code;
    }
    ssf_put_verification(&value, x->id, d->command->txn.s, credential_text(d->command->resource, "state"));
    stream_say(d, x, SSF_VERIFICATION, "verification", &value);
    jsonx_put(json_object_get(doc, "stream"), "verified", json_integer(d->now_us));
    delivery_write(d, x, doc);
    delivery_audit(d, ACTION_DELIVERY_VERIFIED, x, doc, NULL);
    json_decref(doc);
    return ERR_OK;
}
