#include "workers/archive/entry.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "ops/runtime/jscan.h"

#include <string.h>

/* The members that are read, in the order in which a record has them. */
#define MEMBERS(X)                                                                                           \
    X(kind)                                                                                                  \
    X(workspace)                                                                                             \
    X(epoch)                                                                                                 \
    X(seq)                                                                                                   \
    X(n)                                                                                                     \
    X(time)                                                                                                  \
    X(txn)                                                                                                   \
    X(actor)                                                                                                 \
    X(key)                                                                                                   \
    X(action)                                                                                                \
    X(target)                                                                                                \
    X(subject)                                                                                               \
    X(outcome)                                                                                               \
    X(reason)                                                                                                \
    X(method)                                                                                                \
    X(path)                                                                                                  \
    X(room)                                                                                                  \
    X(user)                                                                                                  \
    X(status)                                                                                                \
    X(error)                                                                                                 \
    X(rateLimited)                                                                                           \
    X(durationUs)                                                                                            \
    X(sourceIp)                                                                                              \
    X(userAgent)                                                                                             \
    X(bytesIn)                                                                                               \
    X(bytesOut)                                                                                              \
    X(operations)                                                                                            \
    X(bulk)                                                                                                  \
    X(supersedes)                                                                                            \
    X(requests)
enum {
#define MEMBER_ENUM(name) M_##name,
    MEMBERS(MEMBER_ENUM)
#undef MEMBER_ENUM
        MEMBERS_READ
};
static const char *const members[] = {
#define MEMBER_NAME(name) #name,
    MEMBERS(MEMBER_NAME)
#undef MEMBER_NAME
};

/* What is no id is no column of ids. */
static const char *id(const struct js_value *v, struct arena *a) {
    struct uuid u;
    const char *s = js_text(v, a);
    return s != NULL && uuid_parse(s, &u) ? arena_strdup(a, u.s) : NULL;
}

static int64_t number(const struct js_value *v) {
    return v->kind == JS_INT ? v->number : 0;
}

/* The members of one that is an object, and none where it is not. */
static void read_inner(const struct js_value *v, const char *const *names, size_t n, struct js_value *out) {
    memset(out, 0, n * sizeof *out);
    if (v->kind == JS_OBJECT)
        (void)js_members(v->p, v->n, names, n, out); /* it is a part of what was checked */
}

/* An actor, a target or a subject: what kind of thing, its id, its name. */
static void read_party(const struct js_value *v, const char *kind, struct arena *a, const char **out_kind,
                       const char **out_id, const char **out_name) {
    const char *const names[] = {kind, "id", "name"};
    struct js_value found[3];
    read_inner(v, names, 3, found);
    if (out_kind != NULL)
        *out_kind = js_text(&found[0], a);
    *out_id = id(&found[1], a);
    *out_name = js_text(&found[2], a);
}

static void read_change(const struct js_value *m, struct arena *a, struct entry *out) {
    struct archive_leaf *l = &out->leaf;
    l->tree = ARCHIVE_CHANGES;
    /* Records of 0.3.0 name none: there was no other than the first. */
    l->epoch = m[M_epoch].kind == JS_NONE ? 1 : number(&m[M_epoch]);
    l->seq = number(&m[M_seq]);
    read_party(&m[M_actor], "kind", a, &l->actor_kind, &l->actor_id, &l->actor_name);
    l->action = js_text(&m[M_action], a);
    l->outcome = js_text(&m[M_outcome], a);
    l->reason = js_text(&m[M_reason], a);
    read_party(&m[M_target], "type", a, &l->target_type, &l->target_id, &l->target_name);
    read_party(&m[M_subject], "type", a, NULL, &l->subject_id, &l->subject_name);
}

/* Of a method that changes nothing, or a search, which has a body. */
static bool reads_only(const char *method, const char *path) {
    size_t n = strlen(path);
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0 ||
           (n >= strlen("/.search") && strcmp(path + n - strlen("/.search"), "/.search") == 0);
}

/* One record can stand for many requests. An operation of a Bulk is none: the Bulk has a record of its own.
 */
static void read_counts(const struct js_value *m, struct entry *out) {
    bool is_operation = m[M_bulk].kind != JS_NONE;
    out->supersedes = m[M_supersedes].kind != JS_NONE;
    out->requests =
        m[M_requests].kind != JS_NONE ? number(&m[M_requests]) : !is_operation && !out->supersedes;
    out->operations = is_operation || out->supersedes ? 0 : number(&m[M_operations]);
    out->bytes_in = number(&m[M_bytesIn]);
    out->bytes_out = number(&m[M_bytesOut]);
}

static void read_key(const struct js_value *v, struct arena *a, struct archive_leaf *l) {
    static const char *const names[] = {"id", "name", "class"};
    struct js_value found[3];
    read_inner(v, names, 3, found);
    l->actor_kind = found[2].kind != JS_TEXT ? NULL : js_is(&found[2], "owner") ? "owner" : "key";
    l->actor_id = id(&found[0], a);
    l->actor_name = js_text(&found[1], a);
}

static void read_error(const struct js_value *v, struct arena *a, struct archive_leaf *l) {
    static const char *const names[] = {"code", "detail"};
    struct js_value found[2];
    read_inner(v, names, 2, found);
    l->error = js_text(&found[0], a);
    l->detail = js_text(&found[1], a);
}

static void read_request(const struct js_value *m, struct arena *a, struct entry *out) {
    struct archive_leaf *l = &out->leaf;
    l->tree = ARCHIVE_REQUESTS;
    l->seq = number(&m[M_n]);
    read_key(&m[M_key], a, l);
    l->method = js_text(&m[M_method], a);
    l->path = js_text(&m[M_path], a);
    l->target_id = id(&m[M_room], a);
    l->subject_id = id(&m[M_user], a);
    l->status = (int)number(&m[M_status]);
    read_error(&m[M_error], a, l);
    l->source = js_text(&m[M_sourceIp], a);
    l->user_agent = js_text(&m[M_userAgent], a);
    l->rate_limited = m[M_rateLimited].kind == JS_TRUE;
    l->duration_us = number(&m[M_durationUs]);
    out->key = l->actor_id != NULL ? l->actor_id : UUID_NIL;
    read_counts(m, out);
    out->is_write = out->requests > 0 && l->actor_id != NULL && l->method != NULL && l->path != NULL &&
                    !reads_only(l->method, l->path);
}

static const char *judge_record(bool has_workspace, int32_t partitions, const struct entry *e) {
    if (e->leaf.tree == 0)
        return "it is neither a change nor a request";
    if (e->leaf.seq <= 0 || (e->leaf.tree == ARCHIVE_CHANGES && e->leaf.epoch <= 0))
        return "it has no number";
    if (e->leaf.workspace == NULL || (!has_workspace && e->leaf.tree == ARCHIVE_CHANGES))
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
    struct js_value m[MEMBERS_READ] = {{0}};
    int64_t at_us = 0;
    *out = (struct entry){.partition = source->partition, .offset = source->offset, .key = UUID_NIL};
    out->leaf.event = source->event;
    out->leaf.bytes = (struct pg_bytes){source->value, source->n};
    bool is_json = source->value != NULL && js_members(source->value, source->n, members, MEMBERS_READ, m);
    if (!is_json)
        memset(m, 0, sizeof m);
    if (js_is(&m[M_kind], "request"))
        read_request(m, a, out);
    else if (js_is(&m[M_kind], "change") || (m[M_kind].kind != JS_TEXT && source->of_stream))
        read_change(m, a, out);
    bool has_workspace = m[M_workspace].kind != JS_NULL;
    out->leaf.workspace = has_workspace ? id(&m[M_workspace], a) : UUID_NIL;
    out->leaf.txn = id(&m[M_txn], a);
    const char *time = js_text(&m[M_time], a);
    out->leaf.at_us = time != NULL && rfc3339_parse(time, &at_us) && at_us > 0 ? at_us : source->time_us;
    *why = source->unstorable ? "PostgreSQL does not take it"
           : !is_json         ? "it is no JSON"
                              : judge_record(has_workspace, partitions, out);
    return *why == NULL;
}
