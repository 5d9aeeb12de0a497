/* The records of usherctl audit verify: what their columns say must be what their bytes say. */
#include "ops/ctl/ctl_audit_verify.h"

#include "schemas/text/jsonx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of verify_leaves that repeat what the record says, and where it says so ("/" between members). */
struct told {
    int col;
    const char *name, *change, *request;
};
static const struct told told[] = {
    {3, "epoch", "epoch", NULL},
    {4, "seq", "seq", "n"},
    {5, "txn", "txn", "txn"},
    {7, "actor_id", "actor/id", "key/id"},
    {8, "actor_name", "actor/name", "key/name"},
    {9, "action", "action", NULL},
    {10, "outcome", "outcome", NULL},
    {11, "reason", "reason", NULL},
    {13, "target_id", "target/id", "room"},
    {14, "target_name", "target/name", NULL},
    {15, "subject_id", "subject/id", "user"},
    {16, "subject_name", "subject/name", NULL},
    {17, "method", NULL, "method"},
    {18, "path", NULL, "path"},
    {19, "status", NULL, "status"},
    {20, "source", NULL, "sourceIp"},
    {21, "user_agent", NULL, "userAgent"},
    {22, "rate_limited", NULL, "rateLimited"},
};
static const json_t *member_at(const json_t *record, const char *path) {
    const char *slash = strchr(path, '/');
    char first[32];
    if (slash == NULL)
        return json_object_get(record, path);
    snprintf(first, sizeof first, "%.*s", (int)(slash - path), path);
    return json_object_get(json_object_get(record, first), slash + 1);
}

/* Does the column, as text, say what the member says? */
static bool says(const struct db_result *r, size_t row, int col, const json_t *member) {
    char text[32];
    if (member == NULL || json_is_null(member))
        return db_is_null(r, row, col) || strcmp(db_text(r, row, col), "f") == 0;
    if (db_is_null(r, row, col))
        return false;
    if (json_is_boolean(member))
        return db_bool(r, row, col) == json_is_true(member);
    if (json_is_integer(member)) {
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(member));
        return strcmp(db_text(r, row, col), text) == 0;
    }
    return json_is_string(member) && strcmp(db_text(r, row, col), json_string_value(member)) == 0;
}

static void compare_columns(struct verify *v, const struct db_result *r, size_t row, const json_t *record) {
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *path = v->tree == AUDIT_CHANGES ? told[i].change : told[i].request;
        if (path != NULL && !says(r, row, told[i].col, member_at(record, path)))
            verify_fault(
                v, "record %s (%s) was edited: its column %s is \"%.60s\" and the record says otherwise",
                db_text(r, row, LEAF_N), db_text(r, row, LEAF_EVENT), told[i].name,
                db_text(r, row, told[i].col));
    }
}

static bool is_known_gap(const struct verify *v, int64_t n) {
    for (size_t i = 0; i < v->ngaps; i++)
        if (v->gaps[i].n == n)
            return true;
    return false;
}

void verify_number(struct verify *v, int64_t n, const json_t *record) {
    int64_t epoch = json_integer_value(json_object_get(record, "epoch"));
    int64_t seq = json_integer_value(json_object_get(record, "seq"));
    if (v->seq == 0) {
        v->first_epoch = epoch;
        v->first_seq = seq;
    } else if ((epoch < v->epoch || (epoch == v->epoch && seq != v->seq + 1) || seq <= v->seq) &&
               !is_known_gap(v, n)) {
        verify_fault(v, "record %" PRId64 " has number %" PRId64 "/%" PRId64 " behind %" PRId64 "/%" PRId64,
                     n, epoch, seq, v->epoch, v->seq);
    }
    v->epoch = epoch;
    v->seq = seq;
}

/* The bytes of one record: gives the leaf's hash as they say. */
void verify_record(struct verify *v, const struct db_result *r, size_t row, struct tree_hash *leaf) {
    size_t n;
    int64_t index = db_int(r, row, LEAF_N), at = index - v->page;
    char *bytes = db_bytes(r, row, LEAF_BYTES, &n);
    tree_leaf_hash(bytes, n, leaf);
    v->hashed++;
    if (!v->there[0][at])
        verify_fault(v, "record %" PRId64 " (%s) has no hash", index, db_text(r, row, LEAF_EVENT));
    else if (!tree_hash_equal(leaf, &v->nodes[0][at]))
        verify_fault(v, "record %" PRId64 " (%s) or its hash was edited: they do not belong together", index,
                     db_text(r, row, LEAF_EVENT));
    json_t *record = json_loadb(bytes, n, JSON_ALLOW_NUL, NULL);
    if (record != NULL && json_is_object(record)) {
        compare_columns(v, r, row, record);
        if (v->tree == AUDIT_CHANGES)
            verify_number(v, index, record);
    }
    json_decref(record);
    free(bytes);
}
