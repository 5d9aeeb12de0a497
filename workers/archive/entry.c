#include "workers/archive/entry.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"

#include <jansson.h>
#include <string.h>

static const char *text(const json_t *o, const char *name, struct arena *a) {
    return arena_strdup(a, json_string_value(json_object_get(o, name)));
}

/* What is no id is no column of ids. */
static const char *id(const json_t *o, const char *name, struct arena *a) {
    struct uuid u;
    const char *s = json_string_value(json_object_get(o, name));
    return s != NULL && uuid_parse(s, &u) ? arena_strdup(a, u.s) : NULL;
}

static int64_t number(const json_t *o, const char *name) {
    return json_integer_value(json_object_get(o, name));
}

static void read_change(const json_t *o, struct arena *a, struct entry *out) {
    struct archive_leaf *l = &out->leaf;
    const json_t *actor = json_object_get(o, "actor"), *target = json_object_get(o, "target"),
                 *subject = json_object_get(o, "subject");
    l->tree = ARCHIVE_CHANGES;
    l->epoch = number(o, "epoch");
    l->seq = number(o, "seq");
    l->actor_kind = text(actor, "kind", a);
    l->actor_id = id(actor, "id", a);
    l->actor_name = text(actor, "name", a);
    l->action = text(o, "action", a);
    l->outcome = text(o, "outcome", a);
    l->reason = text(o, "reason", a);
    l->target_type = text(target, "type", a);
    l->target_id = id(target, "id", a);
    l->target_name = text(target, "name", a);
    l->subject_id = id(subject, "id", a);
    l->subject_name = text(subject, "name", a);
}

/* Of a method that changes nothing, or a search, which has a body. */
static bool reads_only(const char *method, const char *path) {
    size_t n = strlen(path);
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0 ||
           (n >= strlen("/.search") && strcmp(path + n - strlen("/.search"), "/.search") == 0);
}

/* One record can stand for many requests. An operation of a Bulk is none: the Bulk has a record of its own.
 */
static void read_counts(const json_t *o, struct entry *out) {
    const json_t *many = json_object_get(o, "requests");
    bool is_operation = json_object_get(o, "bulk") != NULL;
    out->supersedes = json_object_get(o, "supersedes") != NULL;
    out->requests = many != NULL ? json_integer_value(many) : !is_operation && !out->supersedes;
    out->operations = is_operation || out->supersedes ? 0 : number(o, "operations");
    out->bytes_in = number(o, "bytesIn");
    out->bytes_out = number(o, "bytesOut");
}

static void read_request(const json_t *o, struct arena *a, struct entry *out) {
    struct archive_leaf *l = &out->leaf;
    const json_t *key = json_object_get(o, "key"), *error = json_object_get(o, "error");
    const char *class = json_string_value(json_object_get(key, "class"));
    l->tree = ARCHIVE_REQUESTS;
    l->seq = number(o, "n");
    l->actor_kind = class == NULL ? NULL : strcmp(class, "owner") == 0 ? "owner" : "key";
    l->actor_id = id(key, "id", a);
    l->actor_name = text(key, "name", a);
    l->method = text(o, "method", a);
    l->path = text(o, "path", a);
    l->target_id = id(o, "room", a);
    l->subject_id = id(o, "user", a);
    l->status = (int)number(o, "status");
    l->error = text(error, "code", a);
    l->detail = text(error, "detail", a);
    l->source = text(o, "sourceIp", a);
    l->user_agent = text(o, "userAgent", a);
    l->rate_limited = json_is_true(json_object_get(o, "rateLimited"));
    l->duration_us = number(o, "durationUs");
    out->key = l->actor_id != NULL ? l->actor_id : UUID_NIL;
    read_counts(o, out);
    out->is_write = out->requests > 0 && l->actor_id != NULL && l->method != NULL && l->path != NULL &&
                    !reads_only(l->method, l->path);
}

static const char *judge_record(const json_t *o, int32_t partitions, const struct entry *e) {
    const json_t *workspace = json_object_get(o, "workspace");
    if (e->leaf.tree == 0)
        return "it is neither a change nor a request";
    if (e->leaf.seq <= 0 || (e->leaf.tree == ARCHIVE_CHANGES && e->leaf.epoch <= 0))
        return "it has no number";
    if (e->leaf.workspace == NULL || (json_is_null(workspace) && e->leaf.tree == ARCHIVE_CHANGES))
        return "it has no workspace";
    if (e->leaf.status < 0 || e->leaf.status > 999)
        return "its status is none";
    /* The tree of a workspace is written by the owner of its partition alone. */
    return workspace_partition(e->leaf.workspace, partitions) != e->partition
               ? "its workspace lives in another partition"
               : NULL;
}

bool entry_read(const struct entry_source *source, int32_t partitions, struct arena *a, struct entry *out,
                const char **why) {
    int64_t at_us = 0;
    *out = (struct entry){.partition = source->partition, .offset = source->offset, .key = UUID_NIL};
    out->leaf.event = source->event;
    out->leaf.bytes = (struct pg_bytes){source->value, source->n};
    json_t *o = source->value != NULL ? json_loadb(source->value, source->n, JSON_ALLOW_NUL, NULL) : NULL;
    const char *kind = json_string_value(json_object_get(o, "kind")),
               *time = json_string_value(json_object_get(o, "time"));
    if (kind != NULL && strcmp(kind, "request") == 0)
        read_request(o, a, out);
    else if ((kind != NULL && strcmp(kind, "change") == 0) || (kind == NULL && source->of_stream))
        read_change(o, a, out);
    out->leaf.workspace = json_is_null(json_object_get(o, "workspace")) ? UUID_NIL : id(o, "workspace", a);
    out->leaf.txn = id(o, "txn", a);
    out->leaf.at_us = time != NULL && rfc3339_parse(time, &at_us) && at_us > 0 ? at_us : source->time_us;
    *why = source->unstorable ? "PostgreSQL does not take it"
           : o == NULL        ? "it is no JSON"
                              : judge_record(o, partitions, out);
    json_decref(o);
    return *why == NULL;
}
