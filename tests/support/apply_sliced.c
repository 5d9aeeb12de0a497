/* A case's way in slices. */
#include "tests/support/apply_case_private.h"
#include "tests/support/apply_result.h"
#include "tests/support/case_names.h"
#include "tests/support/case_state.h"
#include "workers/apply/slices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES_MAX 512

struct way {
    const struct case_place *place;
    struct apply apply;
    json_t *commands, *results, *faults;
    struct batch *kept[BATCHES_MAX]; /* their arenas hold the texts of records */
    size_t nkept;
    struct place places[PARTITIONS];
    struct arena *texts; /* of slices' records */
    size_t slices, steps;
};

/* A row for each transaction that made records, numbered without gaps: all of it is judged by its records. */
static void way_committed(void *arg, struct row *rows) {
    (void)arg;
    for (struct row *row = rows, *next; row != NULL; row = next) {
        next = row->next;
        row_free(row);
    }
}

static struct batch *batch_kept(struct way *y) {
    if (y->nkept == BATCHES_MAX)
        abort();
    return y->kept[y->nkept++] = batch_new();
}

static void say(struct way *y, const char *what, const struct err *err) {
    json_array_append_new(y->faults, json_sprintf("%s: %s", what, err_text(err)));
}

/* What is hidden is no member any more from the decision on, whatever rows there are. */
static void judge_hidden(struct way *y, const struct delivery *delivery) {
    json_t *tables = y->place->dump(y->place->at);
    const json_t *row = json_object_get(json_object_get(tables, "slices"), delivery->command.workspace.s);
    const char *room = json_string_value(json_object_get(row, "hiddenRoom")),
               *user = json_string_value(json_object_get(row, "hiddenUser"));
    enum command_type t = delivery->command.type;
    bool deletes = t == COMMAND_ROOM_DELETE || t == COMMAND_USER_DELETE;
    if (row == NULL)
        json_array_append_new(y->faults, json_string("there are slices to do, and no row that says so"));
    if (row != NULL && deletes && strcmp(t == COMMAND_ROOM_DELETE ? room : user, delivery->command.id.s) != 0)
        json_array_append_new(y->faults, json_string("what is deleted is not hidden"));
    bool hides = row != NULL && (room[0] != '\0' || user[0] != '\0');
    if (hides == delivery->reply_waits)
        json_array_append_new(y->faults, json_string("the reply waits for slices unless they are hidden"));
    json_decref(tables);
}

/* All slices of a command that was decided; their records become its own. */
static void do_slices(struct way *y, struct delivery *delivery) {
    struct slice slice = {0};
    judge_hidden(y, delivery);
    for (int i = 0; !slice.last; i++) {
        struct err err = {0};
        if (i == 200 || apply_slice(&y->apply, delivery->command.workspace.s, y->place->store.slice_rows,
                                    y->texts, &slice, &err) != ERR_OK) {
            say(y, "a slice failed", &err);
            break;
        }
        y->slices++;
        for (size_t k = 0; k < slice.records.n; k++)
            *record_list_add(&delivery->records) = slice.records.rows[k];
    }
    record_list_clear(&slice.records);
}

/* A command that is decided in steps, each a transaction. Its delivery then; NULL: it failed, or waits. */
static struct delivery *do_steps(struct way *y, size_t at) {
    struct batch *b = batch_kept(y);
    struct err err = {0};
    b->stepwise = true;
    apply_case_add(b, json_array_get(y->commands, at), (int64_t)(FIRST_OFFSET + at));
    for (int i = 0; i == 0 || b->deliveries[0].steps; i++)
        if (i == 200 || apply_batch(&y->apply, b, &err) != ERR_OK) {
            say(y, "a step failed", &err);
            return NULL;
        }
    y->steps++;
    return b->deliveries[0].waits ? NULL : b->deliveries;
}

/* The commands of a moment that have no result yet, from `first` on, in one batch. Those that had to wait for
 * slices come again. True: some have. */
static bool apply_round(struct way *y, size_t first, size_t end) {
    struct batch *b = batch_kept(y);
    struct err err = {0};
    size_t at[64], n = 0;
    bool waits = false;
    for (size_t i = first; i < end; i++) {
        if (!json_is_null(json_array_get(y->results, i)))
            continue;
        at[n++] = i;
        apply_case_add(b, json_array_get(y->commands, i), (int64_t)(FIRST_OFFSET + i));
    }
    enum err_code code = apply_batch(&y->apply, b, &err);
    if (code != ERR_OK)
        say(y, "the batch failed", &err);
    for (size_t k = 0; k < n && code == ERR_OK; k++) {
        struct delivery *delivery = &b->deliveries[k];
        if (delivery->steps) {
            delivery = do_steps(y, at[k]);
            if (delivery == NULL)
                return false;
        }
        waits |= delivery->waits;
        if (delivery->sliced)
            do_slices(y, delivery);
        if (!delivery->waits)
            json_array_set_new(y->results, at[k],
                               result_of_delivery(delivery, apply_case_moment_us, y->faults));
    }
    return waits;
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The records of a result as sorted texts, in one; malloc'ed. */
static char *records_sorted(const json_t *result) {
    const json_t *records = json_object_get(result, "records");
    size_t n = json_array_size(records), all = 1;
    char **texts = calloc(n + 1, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        texts[i] = json_dumps(json_array_get(records, i), JSON_COMPACT | JSON_SORT_KEYS);
        all += strlen(texts[i]) + 1;
    }
    qsort(texts, n, sizeof *texts, compare_texts);
    char *out = calloc(all, 1);
    for (size_t i = 0, len = 0; i < n; i++) {
        len += (size_t)snprintf(out + len, all - len, "%s\n", texts[i]);
        free(texts[i]);
    }
    free(texts);
    return out;
}

static void compare_results(struct way *y, const json_t *expected, const json_t *result, size_t n) {
    char *want = records_sorted(expected), *got = records_sorted(result);
    if (strcmp(want, got) != 0)
        json_array_append_new(y->faults, json_sprintf("command %zu has other records: %s", n + 1, got));
    if (!same_member(expected, result, "outcome") || !same_member(expected, result, "deadletter"))
        json_array_append_new(y->faults, json_sprintf("command %zu has another outcome", n + 1));
    free(want);
    free(got);
}

static bool record_is(const json_t *record, const char *action) {
    const char *text = json_string_value(json_object_get(record, "action"));
    return text != NULL && strcmp(text, action) == 0;
}

/* Who is deleted in slices is on record with the last of them, and the seat in a record of its own, which is
 * the first: as a case tells it, both are one record. True: they were two. */
static bool join_seat(struct way *y, json_t *result) {
    json_t *records = json_object_get(result, "records"), *record;
    size_t i, n = json_array_size(records);
    json_t *last = n > 1 ? json_array_get(records, n - 1) : NULL;
    if (!record_is(last, "user.deleted") || json_object_get(last, "seat") != NULL)
        return false;
    json_array_foreach(records, i, record) {
        if (!record_is(record, "seat.freed"))
            continue;
        if (i > 0 || !json_equal(json_object_get(record, "target"), json_object_get(last, "target")))
            json_array_append_new(y->faults, json_string("the seat is not free at once"));
        json_object_set_new(last, "seat", json_string("freed"));
        json_array_remove(records, i);
        return true;
    }
    return false;
}

/* One record less of the workspace than there were. */
static void count_less(json_t *tables, const json_t *command) {
    const json_t *given = json_object_get(json_object_get(command, "command"), "workspace");
    json_t *row = json_object_get(json_object_get(tables, "workspaces"),
                                  given != NULL ? json_string_value(given) : "#w");
    json_int_t n = json_integer_value(json_object_get(row, "auditSeq"));
    json_object_set_new(row, "auditSeq", json_integer(n - 1));
}

static void judge_way(struct way *y, const json_t *c, const json_t *before, const json_t *after) {
    json_t *difference = case_state_difference(before, after, CASE_NOW),
           *named = case_ids_to_names(difference), *results = case_ids_to_names(y->results), *result;
    size_t i;
    json_array_foreach(results, i, result) {
        const json_t *command = json_array_get(json_object_get(c, "commands"), i);
        if (join_seat(y, result))
            count_less(named, command);
        compare_results(y, command, result, i);
    }
    if (!json_equal(named, json_object_get(c, "after"))) {
        char *text = json_dumps(named, JSON_COMPACT);
        json_array_append_new(y->faults, json_sprintf("the tables are others: %s", text));
        free(text);
    }
    json_decref(difference);
    json_decref(named);
    json_decref(results);
}

json_t *apply_case_sliced(const json_t *c, const struct case_place *place, size_t *sliced) {
    struct way y = {.place = place,
                    .apply = apply_case_apply(c, place),
                    .commands = apply_case_commands(c),
                    .results = json_array(),
                    .faults = json_array(),
                    .texts = arena_new()};
    json_t *before = apply_case_tables(c);
    size_t n = json_array_size(y.commands);
    y.apply.places = y.places;
    y.apply.committed = way_committed;
    for (int i = 0; i < PARTITIONS; i++)
        y.places[i].epoch = 1;
    place->fill(place->at, before);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(y.results, json_null());
    for (size_t first = 0, end; first < n; first = end) {
        int64_t at = apply_case_seconds(json_array_get(y.commands, first));
        for (end = first; end < n && apply_case_seconds(json_array_get(y.commands, end)) == at; end++)
            ;
        apply_case_moment_us = CASE_NOW + at * 1000000;
        while (apply_round(&y, first, end))
            ;
    }
    json_t *after = place->dump(place->at), *wrong = case_state_faults(after);
    json_array_extend(y.faults, wrong);
    judge_numbers(y.results, before, after, y.faults);
    judge_way(&y, c, before, after);
    for (size_t i = 0; i < y.nkept; i++)
        batch_free(y.kept[i]);
    arena_free(y.texts);
    *sliced += y.slices;
    json_decref(before);
    json_decref(after);
    json_decref(wrong);
    json_decref(y.commands);
    json_decref(y.results);
    return y.faults;
}

size_t apply_case_file_sliced(const char *path, const struct case_place *place, size_t *sliced) {
    json_t *cases = json_load_file(path, 0, NULL), *c, *fault;
    size_t i, k, failed = 0;
    json_array_foreach(cases, i, c) {
        json_t *faults = apply_case_sliced(c, place, sliced);
        json_array_foreach(faults, k, fault) {
            printf("%s: %s: %s: %s\n", place->name, path, json_string_value(json_object_get(c, "name")),
                   json_string_value(fault));
        }
        failed += json_array_size(faults) > 0;
        json_decref(faults);
    }
    json_decref(cases);
    return failed;
}
