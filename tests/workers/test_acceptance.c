/* The audit record of a request that was answered 202, and what is made of it once its command is lost. */
#include "workers/acceptance.h"

#include "ops/runtime/jbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TXN "0193a1c2-4d5e-7f60-8a9b-0c1d2e3f4051"
#define WORKSPACE "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define USER "01917d2e-0a1b-7c2d-8e3f-405162738495"

static struct jbuf record;

static bool read_record(const char *txn, const char *method, const char *path, int status, const char *more,
                        struct command *c) {
    jb_reset(&record);
    jb_printf(&record,
              "{\"kind\":\"request\",\"workspace\":\"" WORKSPACE "\",\"instance\":\"i\",\"n\":1,\"time\":"
              "\"2026-11-22T10:15:30.123456Z\",\"txn\":\"%s\",\"key\":{\"id\":\"0188e9d0-5566-7778-899a-"
              "abbccddeeff0\",\"name\":\"Entra\",\"class\":\"scim\"},\"method\":\"%s\",\"path\":\"%s\","
              "\"status\":%d,\"scimType\":null%s}",
              txn, method, path, status, more);
    return acceptance_read(record.p, record.n, 1795342530000000, c);
}

static void a_change_is_about_its_resource(void **state) {
    (void)state;
    struct command c;
    assert_true(read_record(TXN, "PATCH", "/w/" WORKSPACE "/scim/v2/users/" USER, 202, "", &c));
    assert_string_equal(c.txn.s, TXN);
    assert_string_equal(c.workspace.s, WORKSPACE);
    assert_string_equal(c.async.txn, TXN);
    assert_string_equal(c.async.method, "PATCH");
    assert_string_equal(c.actor.name, "Entra");
    assert_string_equal(c.id.s, USER);
    assert_ptr_equal(c.rt, resource_type_of(RESOURCE_USER));
    assert_int_equal(c.refusal, ERR_LOST);
}

static void a_create_has_an_id_of_nobody(void **state) {
    (void)state;
    struct command c;
    assert_true(read_record(TXN, "POST", "/scim/v2/Groups/", 202, "", &c));
    assert_ptr_equal(c.rt, resource_type_of(RESOURCE_ROOM));
    assert_true(uuid_is_set(&c.id));
    assert_string_not_equal(c.id.s, TXN);
}

static void a_path_that_names_nothing_leaves_the_command_itself(void **state) {
    (void)state;
    struct command c;
    assert_true(read_record(TXN, "PUT", "/scim/v2/Users/nobody", 202, "", &c));
    assert_null(c.rt);
    assert_string_equal(c.id.s, TXN);
}

static void an_operation_has_its_place_in_the_bulk(void **state) {
    (void)state;
    struct command c;
    struct uuid all, one;
    assert_true(uuid_parse(TXN, &all));
    one = uuid_derive(&all, 998);
    assert_true(read_record(one.s, "POST", "/scim/v2/Users", 202, ",\"bulk\":\"" TXN "\"", &c));
    assert_string_equal(c.txn.s, one.s);
    assert_string_equal(c.async.txn, TXN ":998");
    assert_false(read_record(USER, "POST", "/scim/v2/Users", 202, ",\"bulk\":\"" TXN "\"", &c));
}

static void what_expects_no_outcome_is_left_alone(void **state) {
    (void)state;
    struct command c;
    assert_false(read_record(TXN, "GET", "/scim/v2/AsyncResults/" USER ".seal", 202, "", &c));
    assert_false(read_record(TXN, "HEAD", "/scim/v2/AsyncResults/" USER ".seal", 202, "", &c));
    assert_false(read_record(TXN, "POST", "/scim/v2/Bulk", 202, "", &c));
    assert_false(read_record(TXN, "POST", "/scim/v2/bulk/", 202, "", &c));
    assert_false(read_record(TXN, "PATCH", "/scim/v2/Users/" USER, 200, "", &c));
    assert_false(read_record(TXN, "PATCH", "/x?\\\"status\\\":202,", 400, "", &c));
    assert_false(read_record("nothing", "PATCH", "/scim/v2/Users/" USER, 202, "", &c));
    static const char change[] = "{\"kind\":\"change\",\"status\":202,\"txn\":\"" TXN "\"}";
    assert_false(acceptance_read(change, sizeof change - 1, 1, &c));
    assert_false(acceptance_read("{\"status\":202,", 14, 1, &c));
    assert_false(acceptance_read(NULL, 0, 1, &c));
}

/* It goes to the log, so the codec must take it. */
static void the_command_can_be_read_again(void **state) {
    (void)state;
    struct command c, again;
    struct jbuf text = {0};
    struct err err = {0};
    assert_true(read_record(TXN, "DELETE", "/scim/v2/Groups/" USER, 202, "", &c));
    command_encode(&c, &text);
    assert_int_equal(command_decode(text.p, text.n, &again, &err), ERR_OK);
    assert_int_equal(again.refusal, ERR_LOST);
    assert_string_equal(again.async.txn, TXN);
    assert_string_equal(again.async.base, "");
    assert_ptr_equal(again.rt, resource_type_of(RESOURCE_ROOM));
    command_clear(&again);
    jb_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_about_its_resource),
        cmocka_unit_test(a_create_has_an_id_of_nobody),
        cmocka_unit_test(a_path_that_names_nothing_leaves_the_command_itself),
        cmocka_unit_test(an_operation_has_its_place_in_the_bulk),
        cmocka_unit_test(what_expects_no_outcome_is_left_alone),
        cmocka_unit_test(the_command_can_be_read_again),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    jb_free(&record);
    return failed;
}
