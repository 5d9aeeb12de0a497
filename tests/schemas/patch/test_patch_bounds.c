/* What one PATCH may do: operations, values looked at, members named. */
#include "schemas/patch/patch.h"
#include "schemas/patch/patch_bounds.h"
#include "schemas/resource/value.h"
#include "tests/schemas/own_types.h"
#include "tests/schemas/support.h"

#define RESOURCE_ID "0190c5a4-0000-7000-8000-00000000000a"

static json_t *operation(const char *op, const char *path, json_t *value) {
    return json_pack("{ss ss so*}", "op", op, "path", path, "value", value);
}

static json_t *emails(int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{so ss}", "value", json_sprintf("u%d@x", i), "type", "work"));
    return list;
}

static json_t *ids(int n, int first) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{so}", "value", json_sprintf("0190c5a4-0000-7000-8000-%012x", first + i)));
    return list;
}

/* The ingest's half. Steals the operations. */
static enum err_code normalised(const char *type, json_t *operations, json_t **ops) {
    struct err err = {0};
    json_t *body = json_pack("{s[s]so}", "schemas", MESSAGE_PATCH, "Operations", operations), *out = NULL;
    enum err_code code = patch_normalise(own_type(type), DIALECT_RFC, body, RESOURCE_ID, &out, &err);
    assert_true(code == ERR_OK || err.detail[0] != '\0');
    json_decref(body);
    if (ops != NULL)
        *ops = out;
    else
        json_decref(out);
    return code;
}

/* The worker's half, on a user who has these e-mails. Steals operations (normalised) and e-mails. */
static enum err_code applied(json_t *ops, json_t *list, size_t *left) {
    struct err err = {0};
    struct member_delta *deltas;
    size_t n;
    struct arena *a = arena_new();
    json_t *doc = json_pack("{ss so}", "userName", "ana", "emails", list);
    enum err_code code = patch_apply(own_type("User"), DIALECT_RFC, ops, doc, a, &deltas, &n, &err);
    if (left != NULL)
        *left = json_array_size(json_object_get(doc, "emails"));
    json_decref(doc);
    json_decref(ops);
    arena_free(a);
    return code;
}

static json_t *times(int n, const char *path) {
    json_t *ops = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(ops, operation("replace", path, json_string("home")));
    return ops;
}

static void work_is_operations_times_values(void **state) {
    (void)state;
    assert_int_equal(applied(times(20, "emails.type"), emails(1000), NULL), ERR_OK);
    assert_int_equal(applied(times(21, "emails.type"), emails(1000), NULL), ERR_TOO_MANY);
    assert_int_equal(applied(times(21, "emails.type"), emails(950), NULL), ERR_OK);
    assert_int_equal(applied(times(441, "emails[value eq \"u7@x\"].type"), emails(440), NULL), ERR_TOO_MANY);
}

/* A filter is asked once a term, so a value counts as often. */
static void terms_of_a_filter_count(void **state) {
    static const char two[] = "emails[value eq \"u7@x\" or type eq \"none\"].type";
    (void)state;
    assert_int_equal(applied(times(10, two), emails(1000), NULL), ERR_OK);
    assert_int_equal(applied(times(11, two), emails(1000), NULL), ERR_TOO_MANY);
}

static json_t *long_emails(int n, size_t bytes) {
    json_t *list = emails(n), *one;
    size_t i;
    char *text = calloc(1, bytes + 1);
    memset(text, 'x', bytes);
    json_array_foreach(list, i, one) {
        json_object_set_new(one, "display", json_string(text));
    }
    free(text);
    return list;
}

/* Four values of 60,000 bytes cost as much as thousands of small ones. */
static void long_values_count_for_more(void **state) {
    (void)state;
    assert_int_equal(applied(times(20, "emails.type"), long_emails(4, 60000), NULL), ERR_OK);
    assert_int_equal(applied(times(25, "emails.type"), long_emails(4, 60000), NULL), ERR_TOO_MANY);
}

/* What was stored under another bound can be made shorter. */
static void a_list_that_is_too_long_can_shrink(void **state) {
    size_t left;
    json_t *ops = json_array();
    (void)state;
    json_array_append_new(ops, operation("remove", "emails[value eq \"u7@x\"]", NULL));
    json_array_append_new(ops, operation("replace", "title", json_string("Lead")));
    assert_int_equal(applied(ops, emails(60000), &left), ERR_OK);
    assert_int_equal(left, 59999);
    ops = json_array();
    json_array_append_new(ops, operation("remove", "emails", emails(900)));
    assert_int_equal(applied(ops, emails(60000), &left), ERR_OK);
    assert_int_equal(left, 59100);
    ops = times(1, "emails[value eq \"u7@x\"].type");
    json_array_append_new(ops, operation("remove", "emails[value eq \"u7@x\"]", NULL));
    assert_int_equal(applied(ops, emails(60000), NULL), ERR_TOO_MANY); /* twice is too much */
}

/* What the request itself brings is known before any document is. */
static void the_ingest_counts_what_it_knows(void **state) {
    json_t *ops = times(440, "emails[value eq \"u7@x\"].type");
    (void)state;
    assert_int_equal(normalised("User", json_deep_copy(ops), NULL), ERR_OK);
    json_array_insert_new(ops, 0, operation("replace", "emails", emails(440)));
    assert_int_equal(normalised("User", ops, NULL), ERR_TOO_MANY);
    ops = json_array(); /* the list is emptied in between, so that nothing is known of it */
    for (int i = 0; i < 9; i++) {
        json_array_append_new(ops, operation("replace", "emails", emails(1000)));
        json_array_append_new(ops, operation("remove", "emails", NULL));
    }
    assert_int_equal(normalised("User", ops, NULL), ERR_OK);
    ops = json_array();
    json_array_append_new(ops, operation("add", "emails", long_emails(100, 60000)));
    assert_int_equal(normalised("User", json_deep_copy(ops), NULL), ERR_OK); /* but see patch_check_given */
    json_array_append_new(ops, operation("add", "emails", emails(20000)));
    assert_int_equal(normalised("User", ops, NULL), ERR_TOO_MANY);
}

static void operations_are_counted(void **state) {
    (void)state;
    json_t *ops;
    assert_int_equal(normalised("User", times(PATCH_MAX_OPERATIONS, "title"), &ops), ERR_OK);
    assert_int_equal(applied(ops, emails(1), NULL), ERR_OK);
    assert_int_equal(normalised("User", times(PATCH_MAX_OPERATIONS + 1, "title"), NULL), ERR_TOO_MANY);
    assert_int_equal(applied(times(PATCH_MAX_OPERATIONS + 1, "title"), emails(1), NULL), ERR_TOO_MANY);
    /* Without a path each member is one. */
    json_t *value = json_object(), *all = json_array();
    for (int i = 0; i <= PATCH_MAX_OPERATIONS; i++) {
        char path[40];
        snprintf(path, sizeof path, "emails[value eq \"u%d@x\"].type", i);
        json_object_set_new(value, path, json_string("home"));
    }
    json_array_append_new(all, json_pack("{ss so}", "op", "add", "value", value));
    assert_int_equal(normalised("User", all, NULL), ERR_TOO_MANY);
}

static void members_are_counted(void **state) {
    (void)state;
    json_t *ops = json_array();
    json_array_append_new(ops, operation("add", "members", ids(MEMBERS_MAX, 0)));
    assert_int_equal(normalised("Group", json_deep_copy(ops), NULL), ERR_OK);
    json_array_append_new(ops, operation("add", "members", ids(1, MEMBERS_MAX)));
    assert_int_equal(normalised("Group", ops, NULL), ERR_TOO_LARGE);
    ops = json_array();
    json_array_append_new(ops, operation("remove", "members", ids(MEMBERS_MAX + 1, 0)));
    assert_int_equal(normalised("Group", ops, NULL), ERR_TOO_LARGE);
    ops = json_array(); /* one by one, as some identity providers do it */
    for (int i = 0; i < PATCH_MAX_OPERATIONS + 10; i++)
        json_array_append_new(ops, operation("add", "members", ids(1, i)));
    assert_int_equal(normalised("Group", ops, NULL), ERR_OK);
}

/* Each goes through all members of the room, however many there are. */
static void sweeps_of_members_are_counted(void **state) {
    (void)state;
    for (int more = 0; more < 2; more++) {
        json_t *ops = json_array();
        for (int i = 0; i < PATCH_MAX_SWEEPS + more; i++)
            json_array_append_new(ops, operation("remove", "members[display co \"x\"]", NULL));
        for (int i = 0; i < 20; i++)
            json_array_append_new(ops, operation("remove", "members[value eq \"" RESOURCE_ID "\"]", NULL));
        assert_int_equal(normalised("Group", ops, NULL), more == 0 ? ERR_OK : ERR_TOO_MANY);
    }
}

static void what_one_operation_gives_is_bounded(void **state) {
    const struct resource_bounds bounds = {.max_bytes = 2000, .max_values = 10};
    struct err err = {0};
    json_t *ops = json_array();
    (void)state;
    json_array_append_new(ops, operation("add", "emails", emails(10)));
    json_array_append_new(ops, operation("remove", "emails", emails(900)));
    assert_int_equal(patch_check_given(own_type("User"), ops, &bounds, &err), ERR_OK);
    json_array_append_new(ops, operation("replace", "emails", emails(11)));
    assert_int_equal(patch_check_given(own_type("User"), ops, &bounds, &err), ERR_INVALID_VALUE);
    assert_non_null(strstr(err.detail, "at most 10 (max-values)"));
    assert_string_equal(err.path, "emails");
    json_array_clear(ops);
    json_array_append_new(ops, operation("add", "emails", long_emails(1, 2000)));
    assert_int_equal(patch_check_given(own_type("User"), ops, &bounds, &err), ERR_INVALID_VALUE);
    assert_non_null(strstr(err.detail, "at most 2000 (max-resource-bytes)"));
    json_array_clear(ops);
    json_array_append_new(ops, operation("add", "members", ids(500, 0)));
    assert_int_equal(patch_check_given(own_type("Group"), ops, &bounds, &err), ERR_OK);
    json_decref(ops);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_operations_times_values),
        cmocka_unit_test(terms_of_a_filter_count),
        cmocka_unit_test(long_values_count_for_more),
        cmocka_unit_test(a_list_that_is_too_long_can_shrink),
        cmocka_unit_test(the_ingest_counts_what_it_knows),
        cmocka_unit_test(operations_are_counted),
        cmocka_unit_test(members_are_counted),
        cmocka_unit_test(sweeps_of_members_are_counted),
        cmocka_unit_test(what_one_operation_gives_is_bounded),
    };
    return cmocka_run_group_tests_name("patch bounds", tests, NULL, NULL);
}
