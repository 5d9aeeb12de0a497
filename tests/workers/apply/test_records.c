/* What one PostgreSQL transaction may put on the streams (ops/DESIGN.md, "Bounds"): where commands make many
 * records each, a batch is several transactions. */
#include "schemas/stream/row.h"
#include "tests/support/apply_case_private.h"
#include "tests/support/memory_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define USERS 6
#define ROOMS 250 /* of each user: three records a room when the user leaves it */

struct seen {
    size_t transactions, records, most;
};

static void see_rows(void *arg, struct row *rows) {
    struct seen *seen = arg;
    size_t n = 0;
    for (struct row *next; rows != NULL; rows = next) {
        next = rows->next;
        n += rows->records;
        row_free(rows);
    }
    seen->transactions++;
    seen->records += n;
    seen->most = n > seen->most ? n : seen->most;
}

/* Users who are in the same rooms, and are deactivated one after the other. */
static json_t *case_made(void) {
    json_t *users = json_object(), *rooms = json_object(), *members = json_object(), *commands = json_array();
    char user[16], room[16], pair[40];
    for (int r = 0; r < ROOMS; r++) {
        snprintf(room, sizeof room, "#r%03d", r);
        json_object_set_new(rooms, room, json_pack("{s:{s:s}}", "doc", "displayName", room));
    }
    for (int u = 0; u < USERS; u++) {
        snprintf(user, sizeof user, "#u%d", u);
        json_object_set_new(users, user, json_pack("{s:{s:s}}", "doc", "userName", user));
        for (int r = 0; r < ROOMS; r++) {
            snprintf(pair, sizeof pair, "#r%03d/#u%d", r, u);
            json_object_set_new(members, pair, json_object());
        }
        json_array_append_new(commands, json_pack("{s:{s:s, s:s, s:[{s:s, s:s, s:b}]}}", "command", "type",
                                                  "user.patch", "id", user, "ops", "op", "replace", "path",
                                                  "active", "value", 0));
    }
    return json_pack("{s:{s:o, s:o, s:o}, s:o}", "state", "users", users, "rooms", rooms, "members", members,
                     "commands", commands);
}

static void a_transaction_ends_where_there_are_records_enough(void **state) {
    struct memory memory;
    struct seen seen = {0};
    struct place places[PARTITIONS] = {{0}};
    struct err err = {0};
    (void)state;
    json_t *c = case_made(), *commands = apply_case_commands(c);
    memory_init(&memory, apply_case_tables(c));
    struct case_place place = {.name = "records", .store = unit_memory(&memory), .at = &memory};
    struct apply apply = apply_case_apply(c, &place);
    struct batch *b = batch_new();
    apply.places = places;
    apply.committed = see_rows;
    apply.arg = &seen;
    for (int i = 0; i < PARTITIONS; i++)
        places[i].epoch = 1;
    for (size_t i = 0; i < USERS; i++)
        apply_case_add(b, json_array_get(commands, i), (int64_t)(FIRST_OFFSET + i));
    assert_int_equal(apply_batch(&apply, b, &err), ERR_OK);
    for (size_t i = 0; i < USERS; i++) {
        assert_int_equal(b->deliveries[i].reply.code, ERR_OK);
        assert_false(b->deliveries[i].sliced);
    }
    assert_true(seen.records > USERS * ROOMS * 3);
    assert_true(seen.most <= ROW_RECORDS);
    assert_int_equal(seen.transactions, 2);
    batch_free(b);
    json_decref(c);
    json_decref(commands);
    memory_clear(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_transaction_ends_where_there_are_records_enough)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
