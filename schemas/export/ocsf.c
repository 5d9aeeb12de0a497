/* Audit records as OCSF 1.8.0. The schemas are closed: what they have no place for goes into `unmapped`. */
#include "schemas/export/export.h"

#include "ops/runtime/clock.h"

#include <stdlib.h>
#include <string.h>

#define OCSF_VERSION "1.8.0"
#define OTHER 99

enum ocsf_class {
    OCSF_ACCOUNT = 3001, /* Account Change */
    OCSF_ENTITY = 3004,  /* Entity Management */
    OCSF_GROUP = 3006,   /* Group Management */
    OCSF_API = 6003,     /* API Activity */
};

/* Actions whose class or activity does not follow from the end of their name. */
static const struct ocsf_row {
    const char *action;
    enum ocsf_class class;
    int activity;
} rows[] = {
    {"user.created", OCSF_ACCOUNT, 1},     {"user.reactivated", OCSF_ACCOUNT, 2},
    {"user.deactivated", OCSF_ACCOUNT, 5}, {"user.deleted", OCSF_ACCOUNT, 6},
    {"member.added", OCSF_GROUP, 3},       {"member.removed", OCSF_GROUP, 4},
    {"room.created", OCSF_GROUP, 6},       {"room.deleted", OCSF_GROUP, 5},
    {"member.held", OCSF_GROUP, OTHER},    {"member.transmit_changed", OCSF_GROUP, OTHER},
    {"room.renamed", OCSF_GROUP, OTHER},   {"room.updated", OCSF_GROUP, OTHER},
    {"key.rotated", OCSF_ENTITY, 3},       {"key.changed", OCSF_ENTITY, 3},
    {"settings.changed", OCSF_ENTITY, 3},  {"seats.recounted", OCSF_ENTITY, 3},
    {"key.revoked", OCSF_ENTITY, 4},       {"owner.revoked", OCSF_ENTITY, 4},
};

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static struct ocsf_row row_of(const char *action) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(action, rows[i].action) == 0)
            return rows[i];
    struct ocsf_row r = {action, OCSF_ENTITY, OTHER};
    if (ends_with(action, ".created"))
        r.activity = 1;
    else if (ends_with(action, ".updated") || ends_with(action, ".linked"))
        r.activity = 3;
    else if (ends_with(action, ".deleted"))
        r.activity = 4;
    return r;
}

static int activity_of_method(const char *method) {
    static const struct {
        const char *method;
        int activity;
    } methods[] = {{"POST", 1}, {"GET", 2}, {"HEAD", 2}, {"PUT", 3}, {"PATCH", 3}, {"DELETE", 4}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i].method) == 0)
            return methods[i].activity;
    return OTHER;
}

/* ---- writing ---- */

static const char *text_member(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

/* A member, where there is a text that says something. */
static void put_known_text(struct jbuf *b, const char *name, const char *text) {
    if (text != NULL && text[0] != '\0')
        jb_kstr(b, name, text);
}

static void put_int_of(struct jbuf *b, const char *name, const json_t *object, const char *member) {
    const json_t *v = json_object_get(object, member);
    if (json_is_integer(v))
        jb_kint(b, name, json_integer_value(v));
}

static void put_json_member(struct jbuf *b, const char *name, const json_t *v) {
    char *text = v != NULL && !json_is_null(v) ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text != NULL)
        jb_kraw(b, name, text);
    free(text);
}

static void put_class(struct jbuf *b, enum ocsf_class class, int activity, const char *name) {
    jb_kint(b, "activity_id", activity);
    if (activity == OTHER)
        jb_kstr(b, "activity_name", name);
    jb_kint(b, "category_uid", class / 1000);
    jb_kint(b, "class_uid", class);
    jb_kint(b, "type_uid", (int64_t) class * 100 + activity);
}

static void begin_metadata(struct jbuf *b, const char *version) {
    jb_kraw(b, "metadata", "{");
    jb_kstr(b, "version", OCSF_VERSION);
    jb_kraw(b, "product", "{");
    jb_kstr(b, "name", "usher");
    jb_kstr(b, "vendor_name", "usher");
    jb_kstr(b, "version", version);
    jb_raw(b, "}");
}

static void put_metadata(struct jbuf *b, const json_t *record, const char *event, const char *version) {
    begin_metadata(b, version);
    put_known_text(b, "uid", event);
    put_known_text(b, "original_event_uid", event);
    put_int_of(b, "sequence", record, json_object_get(record, "seq") != NULL ? "seq" : "n");
    put_known_text(b, "correlation_uid", text_member(record, "txn"));
    put_known_text(b, "tenant_uid", text_member(record, "workspace"));
    jb_kstr(b, "log_name", "usher.audit");
    jb_raw(b, "}");
}

static void put_outcome(struct jbuf *b, bool good, const char *detail) {
    jb_kint(b, "severity_id", good ? 1 : 2);
    jb_kint(b, "status_id", good ? 1 : 2);
    put_known_text(b, "status_detail", detail);
}

static void put_time_ms(struct jbuf *b, const json_t *record) {
    const char *text = text_member(record, "time");
    int64_t us = 0;
    if (text != NULL && rfc3339_parse(text, &us))
        jb_kint(b, "time", us / 1000);
    else
        jb_kint(b, "time", 0);
}

/* Who did it: an application, as keys are; its id alone where it has no name. */
static void put_actor(struct jbuf *b, const json_t *actor, const char *kind) {
    jb_kraw(b, "actor", "{");
    put_known_text(b, "app_uid", text_member(actor, "id"));
    const char *name = text_member(actor, "name");
    put_known_text(b, "app_name", name != NULL && name[0] != '\0' ? name : kind != NULL ? kind : "unknown");
    jb_raw(b, "}");
}

/* {"uid":…,"name":…}: one of both is enough, and the other is left out. */
static void put_thing(struct jbuf *b, const char *member, const json_t *thing, const char *fallback) {
    const char *id = text_member(thing, "id"), *name = text_member(thing, "name");
    jb_key(b, member);
    jb_raw(b, "{");
    put_known_text(b, "uid", id);
    put_known_text(b, "name", name != NULL ? name : id == NULL ? fallback : NULL);
    if (strcmp(member, "entity") == 0)
        put_known_text(b, "type", text_member(thing, "type"));
    jb_raw(b, "}");
}

/* ---- requests ---- */

/* Method and path with ids replaced: what was asked for, and not of whom. */
static void put_operation(struct jbuf *b, const char *method, const char *path) {
    struct jbuf text = {0};
    jb_printf(&text, "%s ", method[0] != '\0' ? method : "unknown");
    for (const char *p = path; *p != '\0';) {
        size_t n = strspn(p, "0123456789abcdef-");
        bool id = n == 36 && p[8] == '-' && p[13] == '-' && p[18] == '-' && p[23] == '-';
        if (id) {
            jb_raw(&text, "{id}");
            p += n;
        } else {
            n = n > 0 ? n : 1;
            jb_mem(&text, p, n);
            p += n;
        }
    }
    jb_kstr(b, "operation", text.p);
    jb_free(&text);
}

static void put_http(struct jbuf *b, const json_t *record, const char *method, const char *path) {
    jb_kraw(b, "http_request", "{");
    put_known_text(b, "http_method", method);
    put_known_text(b, "user_agent", text_member(record, "userAgent"));
    put_int_of(b, "length", record, "bytesIn");
    jb_kraw(b, "url", "{");
    jb_kstr(b, "path", path);
    put_known_text(b, "query_string", text_member(record, "query"));
    jb_raw(b, "}}");
}

/* Members of a request that have no place elsewhere. */
static const char *const request_rest[] = {"instance", "rateLimited", "room",       "user",
                                           "bytesOut", "bulk",        "operations", "supersedes",
                                           "requests", "ignored",     "prefix",     "scimType"};

static void put_request(struct jbuf *b, const json_t *record) {
    const json_t *error = json_object_get(record, "error"), *key = json_object_get(record, "key");
    const char *method = text_member(record, "method"), *path = text_member(record, "path");
    json_int_t status = json_integer_value(json_object_get(record, "status"));
    const char *source = text_member(record, "sourceIp");
    method = method != NULL ? method : "";
    path = path != NULL ? path : "";
    put_class(b, OCSF_API, activity_of_method(method), method[0] != '\0' ? method : "unknown");
    put_outcome(b, status < 400, text_member(error, "detail"));
    put_actor(b, key, "unknown");
    jb_kraw(b, "api", "{");
    put_operation(b, method, path);
    jb_kraw(b, "request", "{");
    put_known_text(b, "uid", text_member(record, "txn"));
    jb_raw(b, "}");
    jb_kraw(b, "response", "{");
    jb_kint(b, "code", status);
    put_known_text(b, "error", text_member(error, "code"));
    put_known_text(b, "error_message", text_member(error, "detail"));
    jb_raw(b, "}}");
    put_http(b, record, method[0] != '\0' && activity_of_method(method) != OTHER ? method : NULL, path);
    jb_kraw(b, "src_endpoint", "{");
    if (source != NULL)
        jb_kstr(b, "ip", source);
    else
        jb_kstr(b, "name", "unknown");
    jb_raw(b, "}");
    jb_kint(b, "duration", json_integer_value(json_object_get(record, "durationUs")) / 1000);
    jb_kraw(b, "unmapped", "{");
    for (size_t i = 0; i < sizeof request_rest / sizeof *request_rest; i++)
        put_json_member(b, request_rest[i], json_object_get(record, request_rest[i]));
    jb_raw(b, "}");
}

/* ---- changes ---- */

static void put_change(struct jbuf *b, const json_t *record) {
    const char *action = text_member(record, "action"), *outcome = text_member(record, "outcome");
    const json_t *actor = json_object_get(record, "actor"), *target = json_object_get(record, "target");
    action = action != NULL ? action : "unknown";
    struct ocsf_row row = row_of(action);
    put_class(b, row.class, row.activity, action);
    put_outcome(b, outcome == NULL || strcmp(outcome, "refused") != 0, text_member(record, "reason"));
    put_actor(b, actor, text_member(actor, "kind"));
    if (row.class == OCSF_ACCOUNT)
        put_thing(b, "user", target, "unknown");
    else if (row.class == OCSF_GROUP)
        put_thing(b, "group", target, "unknown");
    else
        put_thing(b, "entity", target, action);
    if (row.class == OCSF_GROUP && json_is_object(json_object_get(record, "subject")))
        put_thing(b, "user", json_object_get(record, "subject"), "unknown");
    jb_kraw(b, "unmapped", "{");
    jb_kstr(b, "action", action);
    put_json_member(b, "epoch", json_object_get(record, "epoch"));
    put_json_member(b, "actor", actor);
    if (row.class != OCSF_GROUP)
        put_json_member(b, "subject", json_object_get(record, "subject"));
    put_json_member(b, "seat", json_object_get(record, "seat"));
    put_json_member(b, "changes", json_object_get(record, "changes"));
    jb_raw(b, "}");
}

void export_ocsf(struct jbuf *b, const json_t *record, const char *event, const char *version) {
    const char *kind = text_member(record, "kind");
    jb_raw(b, "{");
    put_time_ms(b, record);
    put_metadata(b, record, event, version);
    if (kind != NULL && strcmp(kind, "request") == 0)
        put_request(b, record);
    else
        put_change(b, record);
    jb_raw(b, "}\n");
}

bool export_is_seat(const json_t *record) {
    const char *action = text_member(record, "action");
    return action != NULL && strncmp(action, "seat.", 5) == 0;
}

void export_end_ocsf(struct jbuf *b, const struct export_end *e, const char *version) {
    struct jbuf text = {0};
    export_end_ndjson(&text, e);
    jb_raw(b, "{");
    jb_kint(b, "time", e->time_us / 1000);
    begin_metadata(b, version);
    put_known_text(b, "tenant_uid", e->workspace);
    jb_kstr(b, "log_name", "usher.audit");
    jb_raw(b, "}");
    jb_kint(b, "activity_id", OTHER);
    jb_kstr(b, "activity_name", "end of export");
    jb_kint(b, "category_uid", 0);
    jb_kint(b, "class_uid", 0);
    jb_kint(b, "type_uid", OTHER);
    jb_kint(b, "severity_id", 1);
    jb_key(b, "unmapped");
    jb_mem(b, text.p, text.n - 1);
    jb_raw(b, "}\n");
    jb_free(&text);
}
