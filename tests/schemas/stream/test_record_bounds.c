/* No record is larger than its bound, whatever a client sends; and what stands for one that Kafka refuses. */
#include "tests/schemas/example.h"

static const struct actor key_actor = {.kind = ACTOR_KEY, .id = EX_KEY, .name = "Entra"};

struct world {
    struct arena *arena;
    struct record_list list;
    int64_t audit_seq;
    struct record_context c;
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->arena = arena_new();
    w->audit_seq = 40111;
    w->c = (struct record_context){.workspace = EX_WORKSPACE,
                                   .txn = EX_TXN,
                                   .actor = &key_actor,
                                   .traceparent = "",
                                   .time_us = EX_TIME,
                                   .epoch = STREAM_EPOCH_FIRST,
                                   .audit_seq = &w->audit_seq,
                                   .arena = w->arena,
                                   .out = &w->list};
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    record_list_clear(&w->list);
    arena_free(w->arena);
    free(w);
    return 0;
}

static void example_of(const struct world *w, size_t i, const char *name) {
    const struct record *r = &w->list.rows[i];
    struct headers h;
    headers_record(&h, r, EX_WORKSPACE, EX_TXN, w->c.traceparent);
    ex_check(name, record_topic_name(r->topic), r->key, &h, r->value);
}

/* A value of n bytes of text. */
static json_t *long_text(size_t n) {
    char *text = malloc(n + 1);
    memset(text, 'x', n);
    text[n] = '\0';
    json_t *value = json_stringn(text, n);
    free(text);
    return value;
}

static void update_user(struct world *w, struct resource_change *rows, size_t n) {
    record_audit_change(&w->c, &(struct audit_change){.action = ACTION_USER_UPDATED,
                                                      .target = {TARGET_USER, EX_USER, "ana@example.com"},
                                                      .outcome = "applied",
                                                      .changes = rows,
                                                      .nchanges = n});
}

static void test_audit_long_value_is_cut(void **state) {
    struct world *w = *state;
    json_t *from = long_text(65536), *to = long_text(3);
    struct resource_change rows[] = {{"roles", "replace", from, to}};
    update_user(w, rows, 1);
    example_of(w, 0, "audit.change-cut");
    json_decref(from);
    json_decref(to);
}

/* A user with 100 roles of 65,500 bytes gets one more: once it was 13 MB of from and to. */
static void test_audit_large_document(void **state) {
    struct world *w = *state;
    json_t *from = json_array(), *to = json_array();
    for (int i = 0; i < 100; i++)
        json_array_append_new(from, long_text(65500));
    json_array_extend(to, from);
    json_array_append_new(to, json_string("more"));
    struct resource_change rows[] = {{"roles", "replace", from, to}};
    update_user(w, rows, 1);
    assert_true(strlen(w->list.rows[0].value) < 1024);
    assert_non_null(strstr(w->list.rows[0].value, "\"from\":{\"cut\":true,\"bytes\":6550301,\"sha256\":\""));
    json_decref(from);
    json_decref(to);
}

/* However many values there are, and however long: first the long ones are cut, short ones stay as long as
 * they can. */
static void test_audit_many_values(void **state) {
    struct world *w = *state;
    for (size_t n = 1; n <= 30000; n *= 10) {
        /* No document is larger than a body, so there is no need to hash gigabytes. */
        for (size_t len = 1; len <= 100000 && n * len <= 16u << 20; len *= 10) {
            struct resource_change *rows = calloc(n + 1, sizeof *rows);
            json_t *value = long_text(len), *name = json_string("Ana");
            for (size_t i = 0; i < n; i++)
                rows[i] = (struct resource_change){"urn:example:a:long:name:of:an:attribute", "replace",
                                                   value, value};
            rows[n] = (struct resource_change){"displayName", "replace", name, name};
            record_list_clear(&w->list);
            update_user(w, rows, n + 1);
            const char *text = w->list.rows[0].value;
            assert_true(strlen(text) < RECORD_MAX - 4096);
            json_t *whole = json_loads(text, 0, NULL);
            assert_non_null(whole);
            bool listed = json_array_size(json_object_get(whole, "changes")) == n + 1;
            assert_int_equal(listed, n <= 1000);
            assert_int_equal(strstr(text, "\"Ana\"") != NULL, listed);
            json_decref(whole);
            json_decref(value);
            json_decref(name);
            free(rows);
        }
    }
}

static void test_audit_long_json_is_cut(void **state) {
    struct world *w = *state;
    size_t n = AUDIT_CHANGES_MAX + 1;
    char *text = malloc(n + 1);
    memset(text, ' ', n);
    text[0] = '[';
    text[n - 1] = ']';
    text[n] = '\0';
    record_audit_change(&w->c, &(struct audit_change){.action = ACTION_SETTINGS_CHANGED,
                                                      .target = {TARGET_WORKSPACE, EX_WORKSPACE, "demo"},
                                                      .outcome = "applied",
                                                      .changes_json = text});
    assert_non_null(
        strstr(w->list.rows[0].value,
               "\"changes\":[{\"path\":\"\",\"op\":\"replace\",\"from\":null,\"to\":{\"cut\":true,"
               "\"bytes\":524289,"));
    free(text);
}

static void test_stub(void **state) {
    struct world *w = *state;
    struct headers h;
    struct jbuf value = {0};
    json_t *doc = json_pack("{s:s}", "title", "Engineer");
    struct resource_change rows[] = {{"title", "add", NULL, json_object_get(doc, "title")}};
    update_user(w, rows, 1);
    const struct record *r = &w->list.rows[0];
    record_stub(r, EX_WORKSPACE, EX_TXN, "RECORD_REFUSED", &value);
    headers_stub(&h, r, EX_WORKSPACE, EX_TXN, "");
    ex_check("audit.stub", "usher.audit", r->key, &h, value.p);
    json_decref(doc);
    jb_free(&value);
}

static void test_deadletter_of_a_record(void **state) {
    struct world *w = *state;
    struct headers h;
    update_user(w, NULL, 0);
    headers_deadletter(
        &h, &(struct deadletter){.why = ERR_RECORD_REFUSED,
                                 .detail = "Broker: Message size too large",
                                 .topic = "usher.commands",
                                 .partition = 7,
                                 .offset = 1234567890123,
                                 .time_us = EX_TIME,
                                 .record = &w->list.rows[0],
                                 .sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                                 .bytes = 1234567});
    assert_true(h.n <= HEADERS_MAX);
    ex_check("deadletter.refused-record", "usher.deadletter", EX_WORKSPACE, &h,
             "\"{\\\"kind\\\":\\\"change\\\",\"");
}

/* Target, query and headers are bounded by the ingest; each byte can become six. */
static void test_request_record(void **state) {
    (void)state;
    static char text[16384];
    struct jbuf b = {0};
    memset(text, 1, sizeof text - 1);
    record_audit_request(&(struct audit_request){.workspace = EX_WORKSPACE,
                                                 .instance = "ingest-1-3312-20261122T101502Z",
                                                 .n = 991,
                                                 .time_us = EX_TIME,
                                                 .txn = EX_TXN,
                                                 .method = text,
                                                 .path = text,
                                                 .query = text,
                                                 .user_agent = text},
                         &b);
    assert_true(b.n > 6 * 4 * 16000);
    assert_true(b.n < RECORD_MAX - 4096);
    jb_free(&b);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_audit_long_value_is_cut),
        T(test_audit_large_document),
        T(test_audit_many_values),
        T(test_audit_long_json_is_cut),
        T(test_stub),
        T(test_deadletter_of_a_record),
        T(test_request_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
