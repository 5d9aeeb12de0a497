/* An entry is read by a scanner. Read by a parser that makes a tree of the record, it has the same columns:
 * for each kind of record in schemas/examples, and for what becomes of it when bytes of it change. */
#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "workers/archive/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 12
#define WS "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define CHANGED_EACH 4000

/* ---- the columns by way of a tree ---- */

static const char *text(const json_t *o, const char *name, struct arena *a) {
    return arena_strdup(a, json_string_value(json_object_get(o, name)));
}

static const char *id(const json_t *o, const char *name, struct arena *a) {
    struct uuid u;
    const char *s = json_string_value(json_object_get(o, name));
    return s != NULL && uuid_parse(s, &u) ? arena_strdup(a, u.s) : NULL;
}

static int64_t number(const json_t *o, const char *name) {
    return json_integer_value(json_object_get(o, name));
}

static void change_by_tree(const json_t *o, struct arena *a, struct archive_leaf *l) {
    const json_t *actor = json_object_get(o, "actor"), *target = json_object_get(o, "target"),
                 *subject = json_object_get(o, "subject");
    l->tree = ARCHIVE_CHANGES;
    l->epoch = json_object_get(o, "epoch") == NULL ? 1 : number(o, "epoch");
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

static void request_by_tree(const json_t *o, struct arena *a, struct entry *e) {
    struct archive_leaf *l = &e->leaf;
    const json_t *key = json_object_get(o, "key"), *error = json_object_get(o, "error"),
                 *many = json_object_get(o, "requests");
    const char *class = json_string_value(json_object_get(key, "class"));
    bool is_operation = json_object_get(o, "bulk") != NULL;
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
    e->key = l->actor_id != NULL ? l->actor_id : UUID_NIL;
    e->supersedes = json_object_get(o, "supersedes") != NULL;
    e->requests = many != NULL ? json_integer_value(many) : !is_operation && !e->supersedes;
    e->operations = is_operation || e->supersedes ? 0 : number(o, "operations");
    e->bytes_in = number(o, "bytesIn");
    e->bytes_out = number(o, "bytesOut");
}

/* False: it is no JSON. */
static bool read_by_tree(const struct entry_source *source, struct arena *a, struct entry *e) {
    int64_t at_us = 0;
    *e = (struct entry){.partition = source->partition, .offset = source->offset, .key = UUID_NIL};
    json_t *o = json_loadb(source->value, source->n, JSON_ALLOW_NUL, NULL);
    const char *kind = json_string_value(json_object_get(o, "kind")),
               *time = json_string_value(json_object_get(o, "time"));
    if (kind != NULL && strcmp(kind, "request") == 0)
        request_by_tree(o, a, e);
    else if ((kind != NULL && strcmp(kind, "change") == 0) || (kind == NULL && source->of_stream))
        change_by_tree(o, a, &e->leaf);
    e->leaf.workspace = json_is_null(json_object_get(o, "workspace")) ? UUID_NIL : id(o, "workspace", a);
    e->leaf.txn = id(o, "txn", a);
    e->leaf.at_us = time != NULL && rfc3339_parse(time, &at_us) && at_us > 0 ? at_us : source->time_us;
    bool is_json = o != NULL;
    json_decref(o);
    return is_json;
}

/* ---- the two beside each other ---- */

static void same_text(const char *what, const char *a, const char *b, const struct entry_source *source) {
    if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
        fail_msg("%s: %s and %s: %.*s", what, a != NULL ? a : "-", b != NULL ? b : "-", (int)source->n,
                 (const char *)source->value);
}

static void same_leaf(const struct archive_leaf *a, const struct archive_leaf *b,
                      const struct entry_source *source) {
#define SAME(name) same_text(#name, a->name, b->name, source)
    SAME(workspace);
    SAME(txn);
    SAME(actor_kind);
    SAME(actor_id);
    SAME(actor_name);
    SAME(action);
    SAME(outcome);
    SAME(reason);
    SAME(target_type);
    SAME(target_id);
    SAME(target_name);
    SAME(subject_id);
    SAME(subject_name);
    SAME(method);
    SAME(path);
    SAME(error);
    SAME(detail);
    SAME(source);
    SAME(user_agent);
#undef SAME
    const int64_t x[] = {a->tree, a->at_us, a->epoch, a->seq, a->status, a->rate_limited, a->duration_us},
                  y[] = {b->tree, b->at_us, b->epoch, b->seq, b->status, b->rate_limited, b->duration_us};
    if (memcmp(x, y, sizeof x) != 0)
        fail_msg("other numbers: %.*s", (int)source->n, (const char *)source->value);
}

/* Gives whether it is an entry. */
static bool read_twice(const struct entry_source *source) {
    struct arena *a = arena_new();
    struct entry scanned, parsed;
    const char *why = NULL;
    bool good = entry_read(source, PARTITIONS, a, &scanned, &why), is_json = read_by_tree(source, a, &parsed);
    if (is_json == (why != NULL && strcmp(why, "it is no JSON") == 0))
        fail_msg("%s: %.*s", is_json ? "it is JSON" : "it is no JSON", (int)source->n,
                 (const char *)source->value);
    if (is_json) {
        same_leaf(&scanned.leaf, &parsed.leaf, source);
        same_text("key", scanned.key, parsed.key, source);
        assert_int_equal(scanned.requests, parsed.requests);
        assert_int_equal(scanned.operations, parsed.operations);
        assert_int_equal(scanned.bytes_in, parsed.bytes_in);
        assert_int_equal(scanned.bytes_out, parsed.bytes_out);
        assert_int_equal(scanned.supersedes, parsed.supersedes);
    }
    arena_free(a);
    return good;
}

static unsigned pick(unsigned *state, unsigned n) {
    *state = *state * 1103515245u + 12345u;
    return (*state >> 16) % n;
}

/* One byte becomes another one, goes, or comes twice; or a piece is copied to another place. */
static size_t change_bytes(char *p, size_t n, size_t max, unsigned *state) {
    static const char bytes[] = "\"\\{}[]:,0123456789-.eEu/bn \n\x01\x7f\x80\xc3\xa9\xed\xf0nulltrefas";
    size_t at = pick(state, (unsigned)n), from = pick(state, (unsigned)n);
    switch (pick(state, 4)) {
    case 0:
        p[at] = bytes[pick(state, sizeof bytes - 1)]; /* no NUL: the parser passes over one behind a number */
        return n;
    case 1:
        memmove(p + at, p + at + 1, n - at - 1);
        return n > 1 ? n - 1 : n;
    case 2:
        if (n == max)
            return n;
        memmove(p + at + 1, p + at, n - at);
        return n + 1;
    default: {
        size_t len = 1 + pick(state, 12);
        if (at + len <= n && from + len <= n)
            memmove(p + at, p + from, len);
        return n;
    }
    }
}

static void change_and_read(struct entry_source *source, size_t *good) {
    char changed[8192];
    unsigned state = (unsigned)source->n;
    const struct entry_source was = *source;
    assert_true(was.n + 16 < sizeof changed);
    for (int i = 0; i < CHANGED_EACH; i++) {
        size_t n = was.n;
        memcpy(changed, was.value, n);
        for (unsigned k = 1 + pick(&state, 3); k > 0; k--)
            n = change_bytes(changed, n, was.n + 16, &state);
        char *exact = malloc(n); /* so that a read beyond its end is seen */
        assert_non_null(exact);
        memcpy(exact, changed, n);
        source->value = exact;
        source->n = n;
        *good += read_twice(source);
        free(exact);
    }
    *source = was;
}

static void read_file(const char *path, size_t *good) {
    json_t *example = json_load_file(path, 0, NULL);
    assert_non_null(example);
    const char *type = json_string_value(json_object_get(json_object_get(example, "headers"), "ce_type"));
    char *value = json_dumps(json_object_get(example, "value"), JSON_COMPACT);
    assert_non_null(value);
    struct entry_source source = {.partition = workspace_partition(WS, PARTITIONS),
                                  .time_us = 1000000,
                                  .event = "e",
                                  .of_stream = type != NULL && strncmp(type, "usher.stream.", 13) == 0,
                                  .value = value,
                                  .n = strlen(value)};
    (void)read_twice(&source);
    change_and_read(&source, good);
    free(value);
    json_decref(example);
}

static void every_record_and_what_becomes_of_it(void **state) {
    (void)state;
    glob_t found;
    size_t good = 0;
    assert_int_equal(glob("schemas/examples/audit.*.json", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 15);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_file(found.gl_pathv[i], &good);
    assert_true(good > found.gl_pathc * CHANGED_EACH / 20); /* not all of them are broken */
    globfree(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_record_and_what_becomes_of_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
