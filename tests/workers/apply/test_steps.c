/* A large command of a room is looked up in steps before it is decided. What comes in between: commands of
 * its own workspace wait, those of others go on, an ingest may cancel it, and what another worker changes is
 * seen. */
#include "tests/support/apply_case_private.h"
#include "tests/support/apply_result.h"
#include "tests/support/case_names.h"
#include "tests/support/memory_unit.h"
#include "workers/apply/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define OTHER "#w2"

struct ground {
    struct memory memory;
    struct case_place place;
    struct apply apply;
    struct place places[PARTITIONS];
    json_t *commands;
};

static void forget_rows(void *arg, struct row *rows) {
    (void)arg;
    for (struct row *next; rows != NULL; rows = next) {
        next = rows->next;
        row_free(rows);
    }
}

/* Four users and a room with one of them. A room of more than one member is large, and a step looks up one.
 */
static const char case_text[] =
    "{'state': {'users': {'#ua': {'doc': {'userName': 'ua'}}, '#ub': {'doc': {'userName': 'ub'}},"
    "'#uc': {'doc': {'userName': 'uc'}}, '#ud': {'doc': {'userName': 'ud'}}},"
    "'rooms': {'#radio': {'doc': {'displayName': 'Radio'}}},"
    "'members': {'#radio/#ua': {}}},"
    "'commands': ["
    "{'command': {'type': 'room.create', 'id': '#hall', 'resource': {'displayName': 'Hall'},"
    "             'members': ['#ua', '#ub', '#uc', '#ud']}},"
    "{'command': {'type': 'user.delete', 'id': '#ud'}},"
    "{'command': {'type': 'user.patch', 'id': '#ub', 'ops': [{'op': 'replace', 'path': 'active', 'value': false}]}},"
    "{'command': {'type': 'member.put', 'id': '#radio', 'resource': {'user': '#uc', 'transmit': true}}},"
    "{'command': {'type': 'room.replace', 'id': '#radio', 'resource': {'displayName': 'Radio'},"
    "             'members': ['#ua', '#ub', '#ud']}}]}";

static void ground_begin(struct ground *g) {
    char *text = strdup(case_text);
    memset(g, 0, sizeof *g);
    for (char *p = text; *p != '\0'; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *c = json_loads(text, 0, NULL);
    assert_non_null(c);
    free(text);
    memory_init(&g->memory, apply_case_tables(c));
    g->place = (struct case_place){.name = "in steps", .store = unit_memory(&g->memory), .at = &g->memory};
    g->place.store.slice_rows = g->place.store.step_rows = 1;
    g->commands = apply_case_commands(c);
    g->apply = apply_case_apply(c, &g->place);
    g->apply.places = g->places;
    g->apply.committed = forget_rows;
    for (int i = 0; i < PARTITIONS; i++)
        g->places[i].epoch = 1;
    json_decref(c);
}

static void ground_end(struct ground *g) {
    json_decref(g->commands);
    memory_clear(&g->memory);
}

static void add(const struct ground *g, struct batch *b, size_t command) {
    apply_case_add(b, json_array_get(g->commands, command), (int64_t)(FIRST_OFFSET + command));
}

static struct batch *batch_of(const struct ground *g, size_t command, bool stepwise) {
    struct batch *b = batch_new();
    b->stepwise = stepwise;
    add(g, b, command);
    return b;
}

static void apply(struct ground *g, struct batch *b) {
    struct err err = {0};
    assert_int_equal(apply_batch(&g->apply, b, &err), ERR_OK);
}

/* What another worker does in between. */
static void meanwhile(struct ground *g, size_t command) {
    struct batch *b = batch_of(g, command, false);
    apply(g, b);
    assert_int_equal(b->deliveries[0].reply.code, ERR_OK);
    batch_free(b);
}

/* All further steps. */
static size_t apply_all(struct ground *g, struct batch *b) {
    size_t n = 0;
    do
        apply(g, b);
    while (++n < 100 && b->deliveries[0].steps);
    assert_true(n < 100);
    return n;
}

static const char *id_of(const char *name, char out[37]) {
    json_t *names = json_pack("[s]", name), *ids = case_names_to_ids(names);
    snprintf(out, 37, "%s", json_string_value(json_array_get(ids, 0)));
    json_decref(names);
    json_decref(ids);
    return out;
}

/* Is somebody in the room, or about to come into it by slices? */
static bool is_told(const struct ground *g, const char *list, const char *user) {
    char id[37];
    const char *key;
    json_t *plan, *item;
    size_t i;
    (void)id_of(user, id);
    json_object_foreach(json_object_get(g->memory.tables, "slices"), key, plan) {
        json_array_foreach(json_object_get(plan, list), i, item) {
            if (strcmp(json_string_value(item), id) == 0)
                return true;
        }
    }
    return false;
}

static void nothing_is_written_before_the_decision(void **state) {
    struct ground g;
    (void)state;
    ground_begin(&g);
    json_t *before = json_deep_copy(g.memory.tables);
    struct batch *first = batch_of(&g, 0, false), *b = batch_of(&g, 0, true);
    apply(&g, first);
    assert_true(first->deliveries[0].steps && first->deliveries[0].waits);
    assert_false(first->deliveries[0].reply_due);
    for (int i = 0; i < 4; i++) {
        apply(&g, b);
        assert_true(b->deliveries[0].steps && b->deliveries[0].waits);
        assert_true(json_equal(before, g.memory.tables));
    }
    assert_true(apply_all(&g, b) > 1);
    assert_false(b->deliveries[0].waits);
    assert_true(b->deliveries[0].sliced);
    assert_int_equal(b->deliveries[0].reply.code, ERR_OK);
    assert_true(is_told(&g, "adds", "#ua") && is_told(&g, "adds", "#ud"));
    json_decref(before);
    batch_free(first);
    batch_free(b);
    ground_end(&g);
}

static void its_workspace_waits_and_others_do_not(void **state) {
    struct ground g;
    (void)state;
    ground_begin(&g);
    json_t *other = json_deep_copy(json_array_get(g.commands, 1)),
           *command = json_object_get(other, "command"),
           *ids = json_pack("{s:s, s:s}", "workspace", OTHER, "txn", "#other");
    json_t *named = case_names_to_ids(ids);
    json_object_update(command, named);
    struct batch *b = batch_new();
    add(&g, b, 0);
    add(&g, b, 1);
    apply_case_add(b, other, FIRST_OFFSET + 20);
    add(&g, b, 2);
    apply(&g, b);
    assert_true(b->deliveries[0].steps);
    assert_true(b->deliveries[1].waits && !b->deliveries[1].steps);
    assert_false(b->deliveries[2].waits); /* refused: there is no such workspace */
    assert_true(b->deliveries[2].reply_due);
    assert_true(b->deliveries[3].waits);
    batch_free(b);
    json_decref(other);
    json_decref(ids);
    json_decref(named);
    ground_end(&g);
}

/* Between each two steps in turn: whoever is deleted then is unknown, though he was looked up before. */
static void a_user_deleted_in_between_is_no_member(void **state) {
    (void)state;
    for (int after = 0; after < 8; after++) {
        struct ground g;
        char id[37];
        ground_begin(&g);
        struct batch *b = batch_of(&g, 0, true);
        for (int i = 0; i < after; i++)
            apply(&g, b);
        bool open = after == 0 || b->deliveries[0].steps;
        if (open) {
            meanwhile(&g, 1);
            apply_all(&g, b);
            assert_int_equal(b->deliveries[0].reply.code, ERR_INVALID_VALUE);
            assert_non_null(strstr(b->deliveries[0].reply.detail, id_of("#ud", id)));
            assert_false(b->deliveries[0].sliced);
        }
        assert_true(open || after > 4);
        batch_free(b);
        ground_end(&g);
    }
}

static void a_user_deactivated_in_between_is_not_shown(void **state) {
    struct ground g;
    (void)state;
    ground_begin(&g);
    struct batch *b = batch_of(&g, 0, true);
    for (int i = 0; i < 5; i++)
        apply(&g, b);
    assert_true(b->deliveries[0].steps);
    meanwhile(&g, 2);
    apply_all(&g, b);
    assert_int_equal(b->deliveries[0].reply.code, ERR_OK);
    assert_int_equal(b->crowd->n, 4);
    size_t inactive = 0;
    for (size_t i = 0; i < 4; i++)
        inactive += b->crowd->rows[i].known == UNIT_INACTIVE;
    assert_int_equal(inactive, 1);
    batch_free(b);
    ground_end(&g);
}

static void who_came_into_the_room_in_between_leaves_it(void **state) {
    struct ground g;
    (void)state;
    ground_begin(&g);
    struct batch *b = batch_of(&g, 4, true);
    for (int i = 0; i < 4; i++)
        apply(&g, b);
    assert_true(b->deliveries[0].steps);
    meanwhile(&g, 3);
    apply_all(&g, b);
    assert_int_equal(b->deliveries[0].reply.code, ERR_OK);
    assert_true(is_told(&g, "removes", "#uc"));
    assert_true(is_told(&g, "adds", "#ub") && is_told(&g, "adds", "#ud") && !is_told(&g, "adds", "#ua"));
    batch_free(b);
    ground_end(&g);
}

static void an_ingest_may_cancel_it(void **state) {
    struct ground g;
    char workspace[37], txn[37], key[80];
    (void)state;
    ground_begin(&g);
    struct batch *b = batch_of(&g, 0, true);
    apply(&g, b);
    apply(&g, b);
    assert_true(b->deliveries[0].steps);
    snprintf(key, sizeof key, "%s/%s", id_of("#w", workspace), id_of("#t1", txn));
    json_object_set_new(json_object_get(g.memory.tables, "claims"), key, json_object());
    json_t *before = json_deep_copy(g.memory.tables);
    apply(&g, b);
    assert_false(b->deliveries[0].waits);
    assert_false(b->deliveries[0].reply_due);
    assert_true(json_equal(before, g.memory.tables));
    json_decref(before);
    batch_free(b);
    ground_end(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_written_before_the_decision),
        cmocka_unit_test(its_workspace_waits_and_others_do_not),
        cmocka_unit_test(a_user_deleted_in_between_is_no_member),
        cmocka_unit_test(a_user_deactivated_in_between_is_not_shown),
        cmocka_unit_test(who_came_into_the_room_in_between_leaves_it),
        cmocka_unit_test(an_ingest_may_cancel_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
