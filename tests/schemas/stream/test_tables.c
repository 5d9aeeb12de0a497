/* The tables that the streams go by: names that nobody else has, in the form that readers know. */
#include "schemas/stream/audit_action.h"
#include "schemas/stream/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

/* "noun.verb", in lower case and with underlines. */
static bool well_formed(const char *name) {
    size_t noun = strspn(name, "abcdefghijklmnopqrstuvwxyz"),
           verb = name[noun] == '.' ? strspn(name + noun + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
    return noun > 0 && verb > 0 && name[noun + 1 + verb] == '\0';
}

static void command_names(void **state) {
    (void)state;
    for (int t = 0; t < COMMAND_TYPE_COUNT; t++) {
        const struct command_row *row = command_row((enum command_type)t);
        assert_true(well_formed(row->name));
        assert_int_equal(command_type_parse(row->name), t); /* and no other has it */
        assert_string_equal(command_type_text((enum command_type)t), row->name);
    }
    assert_int_equal(command_type_parse("user.explode"), COMMAND_TYPE_COUNT);
    assert_int_equal(command_type_parse(NULL), COMMAND_TYPE_COUNT);
    assert_string_equal(command_type_text(COMMAND_TYPE_COUNT), "unknown");
}

/* What a command of a type may carry fits to what it is about: only documents have operations or replace one.
 */
static void command_rows_make_sense(void **state) {
    (void)state;
    for (int t = 0; t < COMMAND_TYPE_COUNT; t++) {
        const struct command_row *row = command_row((enum command_type)t);
        bool scim =
            row->target == TARGET_USER || row->target == TARGET_ROOM || row->target == TARGET_RESOURCE;
        assert_true(scim || (row->carries & (CARRY_OPS | MAY_CLEARED | MAY_MEMBERS)) == 0);
        assert_int_equal((row->carries & CARRY_TYPE) != 0, row->target == TARGET_RESOURCE);
        assert_true((row->carries & MAY_MEMBERS) == 0 || row->target == TARGET_ROOM);
        assert_true(row->status >= 200 && row->status < 300);
    }
}

static void action_names(void **state) {
    (void)state;
    for (int a = 0; a < ACTION_COUNT; a++) {
        const char *name = audit_action_row((enum audit_action)a)->name;
        assert_true(well_formed(name));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(name, audit_action_row((enum audit_action)b)->name);
    }
}

static void targets(void **state) {
    (void)state;
    const struct resource_type *user = resource_type_of(RESOURCE_USER),
                               *room = resource_type_of(RESOURCE_ROOM);
    struct resource_type own = {.kind = RESOURCE_CUSTOM, .name = "Key"}; /* an operator may call it so */
    struct audit_target t = target_resource(user, "1", "ana"), none = {0};
    assert_int_equal(t.kind, TARGET_USER);
    assert_string_equal(target_type(&t), "User");
    t = target_resource(room, "1", NULL);
    assert_string_equal(target_type(&t), "Room"); /* and not Group */
    t = target_resource(&own, "1", NULL);
    assert_int_equal(t.kind, TARGET_RESOURCE);
    assert_string_equal(target_type(&t), "Key");
    assert_string_equal(target_row(t.kind)->collection, "resources");
    assert_null(target_type(&none));
}

static void command_targets(void **state) {
    (void)state;
    struct command c = {.type = COMMAND_KEY_REVOKE, .id = {"7"}};
    struct audit_target t = command_target(&c);
    assert_string_equal(target_type(&t), "Key");
    assert_string_equal(t.id, "7");
    c.type = COMMAND_MEMBER_PUT;
    c.rt = resource_type_of(RESOURCE_ROOM);
    t = command_target(&c);
    assert_string_equal(target_type(&t), "Room");
    c.type = COMMAND_REQUEST_REFUSED; /* of a path that names no type */
    c.rt = NULL;
    t = command_target(&c);
    assert_null(target_type(&t));
    c.rt = resource_type_of(RESOURCE_USER);
    t = command_target(&c);
    assert_string_equal(target_type(&t), "User");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_names),   cmocka_unit_test(command_rows_make_sense),
        cmocka_unit_test(action_names),    cmocka_unit_test(targets),
        cmocka_unit_test(command_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
