/* Whose turn it is: workspaces in turn, keys in turn, so many of a key, and a thread for what takes no time.
 */
#include "ingest/gate/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MOST 32

struct one {
    struct turn turn; /* the first member */
    const char *name;
};

static struct turns *turns;
static struct one ones[MOST];
static size_t nones;

static struct uuid id_of(char c) {
    struct uuid id = {0};
    memset(id.s, c, sizeof id.s - 1);
    return id;
}

/* name: workspace, key, and which one; "aK1". A key in capitals: heavy. */
static bool add(const char *name) {
    struct one *one = &ones[nones++];
    struct uuid workspace = id_of(name[0]), key = id_of(name[1]);
    *one = (struct one){.name = name, .turn.heavy = name[1] >= 'A' && name[1] <= 'Z'};
    return turns_add(turns, &one->turn, &workspace, &key);
}

static void add_all(const char *const *names) {
    for (; *names != NULL; names++)
        assert_true(add(*names));
}

static struct one *take(void) {
    return (struct one *)turns_take(turns);
}

/* The names of those that go on now, with blanks between. */
static void goes_on(const char *expected) {
    char seen[200] = "";
    for (struct one *one; (one = take()) != NULL;) {
        strcat(seen, seen[0] != '\0' ? " " : "");
        strcat(seen, one->name);
    }
    assert_string_equal(seen, expected);
}

static void done(const char *name) {
    for (size_t i = 0; i < nones; i++)
        if (strcmp(ones[i].name, name) == 0)
            turns_done(turns, &ones[i].turn);
}

static void open_turns(size_t per_key, size_t waiting, size_t heavy) {
    turns = turns_new(per_key, waiting, heavy);
    nones = 0;
}

static void workspaces_in_turn(void **state) {
    (void)state;
    open_turns(8, 8, 8);
    add_all((const char *const[]){"aq1", "aq2", "aq3", "ar1", "bs1", "ct1", "ct2", NULL});
    goes_on("aq1 bs1 ct1 ar1 ct2 aq2 aq3");
    for (size_t i = 0; i < nones; i++)
        turns_done(turns, &ones[i].turn);
    turns_free(turns);
}

static void so_many_of_a_key(void **state) {
    (void)state;
    open_turns(2, 8, 8);
    add_all((const char *const[]){"aq1", "aq2", "aq3", "aq4", "ar1", NULL});
    goes_on("aq1 ar1 aq2");
    done("ar1");
    goes_on("");
    done("aq2");
    goes_on("aq3");
    done("aq1");
    goes_on("aq4");
    done("aq3");
    done("aq4");
    turns_free(turns);
}

static void so_many_wait(void **state) {
    (void)state;
    open_turns(1, 2, 8);
    add_all((const char *const[]){"aq1", NULL});
    goes_on("aq1");
    add_all((const char *const[]){"aq2", "aq3", NULL});
    assert_false(add("aq4"));
    assert_true(add("ar1")); /* another key */
    goes_on("ar1");
    done("aq1");
    goes_on("aq2");
    done("aq2");
    goes_on("aq3");
    done("aq3");
    done("ar1");
    turns_free(turns);
}

/* What is heavy leaves a place for what is not, also where it stands before it. */
static void a_place_for_pages(void **state) {
    (void)state;
    open_turns(3, 8, 1);
    add_all((const char *const[]){"aQ1", "aQ2", "bR1", "aq1", "bs1", NULL});
    goes_on("aQ1 bs1 aq1");
    turns_rest(turns, &ones[0].turn); /* counts for its key, but no longer as heavy */
    goes_on("bR1");
    done("bR1");
    goes_on("aQ2");
    done("aQ1");
    done("aQ2");
    done("aq1");
    done("bs1");
    turns_free(turns);
}

static void one_that_rests_counts_for_its_key(void **state) {
    (void)state;
    open_turns(1, 8, 8);
    add_all((const char *const[]){"aQ1", "aQ2", NULL});
    goes_on("aQ1");
    turns_rest(turns, &ones[0].turn);
    goes_on("");
    done("aQ1");
    goes_on("aQ2");
    done("aQ2");
    turns_free(turns);
}

static bool is_named(const struct turn *turn, void *name) {
    return strcmp(((const struct one *)turn)->name, name) == 0;
}

static void withdrawn(void **state) {
    (void)state;
    open_turns(1, 8, 8);
    add_all((const char *const[]){"aq1", "aq2", "aq3", "br1", NULL});
    assert_null(turns_withdraw(turns, is_named, (void *)"none"));
    assert_ptr_equal(turns_withdraw(turns, is_named, (void *)"aq2"), &ones[1].turn);
    assert_ptr_equal(turns_withdraw(turns, is_named, (void *)"br1"), &ones[3].turn);
    assert_null(turns_withdraw(turns, is_named, (void *)"br1"));
    goes_on("aq1");
    assert_null(turns_withdraw(turns, is_named, (void *)"aq1")); /* it does not wait */
    done("aq1");
    goes_on("aq3");
    done("aq3");
    turns_free(turns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workspaces_in_turn), cmocka_unit_test(so_many_of_a_key),
        cmocka_unit_test(so_many_wait),       cmocka_unit_test(a_place_for_pages),
        cmocka_unit_test(withdrawn),          cmocka_unit_test(one_that_rests_counts_for_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
