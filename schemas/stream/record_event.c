#include "schemas/stream/record_event.h"

#include "ops/runtime/clock.h"
#include "schemas/patch/patch_path.h"
#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/scim_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENT "urn:ietf:params:scim:event:"

static const char *const modes[] = {[EVENTS_OFF] = "off", [EVENTS_NOTICE] = "notice", [EVENTS_FULL] = "full"};

bool events_mode_parse(const char *text, enum events_mode *mode) {
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(text, modes[i]) == 0) {
            *mode = (enum events_mode)i;
            return true;
        }
    }
    return false;
}

/* ---- the token around an event ---- */

/* As the other streams name the resource. One that was never created is named by its command. */
static const char *ce_subject(const struct record_context *c, const struct event_subject *s) {
    if (s->rt == NULL || s->id == NULL)
        return arena_printf(c->arena, "commands/%s", c->txn);
    return arena_printf(c->arena, "%s/%s", target_row(target_of_type(s->rt))->collection, s->id);
}

/* Relative to the base URI (rule Y1). */
static void put_uri(struct jbuf *b, const struct event_subject *s) {
    struct jbuf uri = {0};
    jb_printf(&uri, "%s%s%s", s->rt != NULL ? s->rt->endpoint : "/Bulk", s->id != NULL ? "/" : "",
              s->id != NULL ? s->id : "");
    jb_kstr(b, "uri", uri.p);
    jb_free(&uri);
}

/* type: static text. payload: an object's text. */
static void append_token(struct record_context *c, const struct event_subject *s, const char *type,
                         const char *payload) {
    int64_t seq = ++*c->events_seq;
    const char *id = arena_printf(c->arena, "%s/events/%" PRId64, c->workspace, seq);
    struct jbuf b = {0};

    jb_raw(&b, "{");
    jb_kstr(&b, "iss", c->events_issuer);
    jb_key(&b, "aud");
    jb_printf(&b, "[\"%s\"]", c->workspace);
    jb_kint(&b, "iat", c->time_us / 1000000);
    jb_kstr(&b, "jti", id);
    jb_kstr(&b, "txn", c->events_txn);
    jb_key(&b, "sub_id");
    jb_raw(&b, "{");
    jb_kstr(&b, "format", "scim");
    put_uri(&b, s);
    if (s->external_id != NULL)
        jb_kstr(&b, "externalId", s->external_id);
    jb_raw(&b, "}");
    jb_key(&b, "events");
    jb_raw(&b, "{");
    jb_kraw(&b, type, payload);
    jb_raw(&b, "}}");

    *record_list_add(c->out) = (struct record){
        .topic = RECORD_EVENTS,
        .key = arena_strdup(c->arena, c->workspace),
        .value = arena_strndup(c->arena, b.p, b.n),
        .ce_id = id,
        .ce_type = type,
        .ce_subject = ce_subject(c, s),
        .time_us = c->time_us,
        .epoch = c->epoch,
        .seq = seq,
    };
    jb_free(&b);
}

static void put_version(struct jbuf *b, int64_t version) {
    char etag[32];
    if (version > 0)
        jb_kstr(b, "version", resource_etag(version, etag));
}

/* ---- changes ---- */

static void put_paths(struct jbuf *b, const struct event_change *e) {
    jb_key(b, "attributes");
    jb_raw(b, "[");
    for (size_t i = 0; i < e->nchanges; i++) {
        jb_sep(b);
        jb_str(b, e->changes[i].path);
    }
    if (e->members || e->nchanges == 0) { /* a resource can be made of nothing but its schemas */
        jb_sep(b);
        jb_str(b, e->members ? "members" : "schemas");
    }
    jb_raw(b, "]");
}

/* Exactly one of data and attributes, as the type's name says (rule Y3). */
void record_event_change(struct record_context *c, const struct event_change *e) {
    static const char *const types[][2] = {
        [EVENT_CREATE] = {EVENT "prov:create:notice", EVENT "prov:create:full"},
        [EVENT_PUT] = {EVENT "prov:put:notice", EVENT "prov:put:full"},
        [EVENT_PATCH] = {EVENT "prov:patch:notice", EVENT "prov:patch:full"},
    };
    struct jbuf data = {0}, payload = {0};
    if (e->data != NULL && c->events_mode == EVENTS_FULL)
        jsonx_text(e->data, &data);
    json_decref(e->data);
    if (c->events_mode != EVENTS_OFF) {
        bool full = data.n > 0 && data.n <= EVENT_DATA_MAX;
        jb_raw(&payload, "{");
        if (full)
            jb_kraw(&payload, "data", data.p);
        else
            put_paths(&payload, e);
        put_version(&payload, e->version);
        jb_raw(&payload, "}");
        append_token(c, &e->subject, types[e->kind][full], payload.p);
    }
    jb_free(&data);
    jb_free(&payload);
}

void record_event_deleted(struct record_context *c, const struct event_subject *s) {
    if (c->events_mode != EVENTS_OFF)
        append_token(c, s, EVENT "prov:delete", "{}");
}

void record_event_active(struct record_context *c, const struct event_subject *s, bool active) {
    if (c->events_mode != EVENTS_OFF)
        append_token(c, s, active ? EVENT "prov:activate" : EVENT "prov:deactivate", "{}");
}

/* ---- outcomes ---- */

int outcome_status(enum command_type type, enum err_code code) {
    return code == ERR_OK ? command_row(type)->status : err_http_status(scim_error_outward(code));
}

/* The resource; for a create that failed, the collection; for an operation of a Bulk whose path names
 * neither, the Bulk. */
static struct event_subject outcome_subject(const struct command *command, const struct reply *reply,
                                            const char *external_id) {
    bool made = reply->code == ERR_OK || strcmp(command->async.method, "POST") != 0;
    /* (a create may have taken over an account that was there) */
    const struct uuid *id = uuid_is_set(&reply->id) ? &reply->id : &command->id;
    bool known = made && command->rt != NULL && uuid_is_set(id);
    return (struct event_subject){command->rt, known ? id->s : NULL, external_id};
}

/* One result of a Bulk (RFC 7644 section 3.7.3): location in all but a create that failed, or where nobody
 * knows any more under which URL the client has asked. */
void record_event_outcome(struct record_context *c, const struct command *command, const struct reply *reply,
                          const char *external_id) {
    const struct command_async *a = &command->async;
    int status = outcome_status(command->type, reply->code);
    struct event_subject subject = outcome_subject(command, reply, external_id);
    struct jbuf payload = {0}, text = {0};

    jb_raw(&payload, "{");
    jb_kstr(&payload, "method", a->method);
    if (a->bulk_id[0] != '\0')
        jb_kstr(&payload, "bulkId", a->bulk_id);
    if (reply->code == ERR_OK)
        put_version(&payload, reply->version);
    if (subject.id != NULL && a->base[0] != '\0') {
        jb_printf(&text, "%s%s/%s", a->base, command->rt->endpoint, subject.id);
        jb_kstr(&payload, "location", text.p);
    }
    jb_reset(&text);
    jb_printf(&text, "%d", status);
    jb_kstr(&payload, "status", text.p);
    if (reply->code != ERR_OK) {
        enum err_code shown = scim_error_outward(reply->code);
        struct err said = {.code = shown};
        if (shown == reply->code)
            snprintf(said.detail, sizeof said.detail, "%s", reply->detail);
        jb_reset(&text);
        scim_error_put(&text, status, err_scim_type(shown), err_text(&said));
        jb_kraw(&payload, "response", text.p);
    }
    jb_raw(&payload, "}");
    append_token(c, &subject, EVENT_ASYNC, payload.p);
    jb_free(&payload);
    jb_free(&text);
}

/* ---- what full events carry ---- */

static json_t *text_of(const char *s) {
    return jsonx_string(s, strlen(s));
}

/* As a client writes them. */
static json_t *members_of(const json_t *ids) {
    json_t *list = json_array();
    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id) {
        json_t *member = json_object();
        jsonx_put(member, "value", json_incref(id));
        jsonx_push(list, member);
    }
    return list;
}

json_t *event_data_create(const struct event_subject *s, const json_t *doc, int64_t version, int64_t time_us,
                          const json_t *members) {
    char time[RFC3339_SIZE], etag[32];
    json_t *data = resource_public(s->rt, doc), *meta = json_object();
    jsonx_put(data, "id", text_of(s->id));
    if (json_array_size(members) > 0)
        jsonx_put(data, "members", members_of(members));
    rfc3339_us(time_us, time);
    jsonx_put(meta, "resourceType", text_of(s->rt->name));
    jsonx_put(meta, "created", text_of(time));
    jsonx_put(meta, "lastModified", text_of(time));
    jsonx_put(meta, "version", text_of(resource_etag(version, etag)));
    jsonx_put(data, "meta", meta);
    return data;
}

json_t *event_data_put(const struct resource_type *rt, const json_t *given, const json_t *members) {
    json_t *data = resource_public(rt, given);
    if (members != NULL)
        jsonx_put(data, "members", members_of(members));
    return data;
}

/* The operation as readers may see it; NULL if it is about a secret. */
static json_t *public_op(const struct resource_type *rt, json_t *op, struct arena *a) {
    struct patch_path path;
    const char *text = json_string_value(json_object_get(op, "path"));
    json_t *value = json_object_get(op, "value");
    if (text == NULL || patch_path_parse(rt, DIALECT_RFC, text, strlen(text), a, &path, NULL) != ERR_OK ||
        path.at.attr == NULL || attr_is_secret(path.at.attr) || attr_is_secret(attr_path_target(&path.at)))
        return NULL;
    json_t *out = json_object();
    jsonx_put(out, "op", json_incref(json_object_get(op, "op")));
    jsonx_put(out, "path", json_incref(json_object_get(op, "path")));
    if (value == NULL)
        return out;
    value = path.at.attr->apart ? members_of(value) : jsonx_copy(value);
    if (path.at.sub == NULL)
        value_hide_secrets(path.at.attr, value);
    jsonx_put(out, "value", value);
    return out;
}

json_t *event_data_patch(const struct resource_type *rt, const json_t *ops) {
    struct arena *a = arena_new();
    json_t *list = json_array(), *data = NULL;
    size_t i;
    json_t *op;
    json_array_foreach(ops, i, op) {
        json_t *shown = public_op(rt, op, a);
        if (shown != NULL)
            jsonx_push(list, shown);
    }
    if (json_array_size(list) > 0) {
        data = json_object();
        json_t *schemas = json_array();
        jsonx_push(schemas, text_of(MESSAGE_PATCH));
        jsonx_put(data, "schemas", schemas);
        jsonx_put(data, "Operations", json_incref(list));
    }
    json_decref(list);
    arena_free(a);
    return data;
}
