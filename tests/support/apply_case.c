#include "tests/support/apply_case_private.h"

#include "ops/runtime/clock.h"
#include "schemas/resource/resource.h"
#include "tests/support/apply_result.h"
#include "tests/support/case_names.h"
#include "tests/support/case_state.h"
#include "tests/support/memory_unit.h"

#include <librdkafka/rdkafka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_OFFSET 5000
#define LATER (INT64_C(3600) * 1000000)

/* One way through a case. */
struct passage {
    const struct case_place *place;
    struct apply apply;
    json_t *commands;  /* of the case, with ids */
    json_t *faults;    /* its own, an array of sentences */
    bool together;     /* all commands of a moment in one batch */
    json_t *before;    /* tables */
    json_t *results;   /* one for each command */
    json_t *encodings; /* replies as they are stored, one for each command */
    struct place places[PARTITIONS];
    json_t *emitted; /* of the batch: what its rows say, by partition */
    json_t *rows;    /* all rows as the outbox must have them */
};

/* ---- the clock ---- */

int64_t apply_case_moment_us = CASE_NOW;

static int64_t case_clock(void) {
    return apply_case_moment_us;
}

static enum err_code case_patience(void *arg, size_t bytes, struct err *err) {
    (void)arg, (void)bytes, (void)err;
    return ERR_OK;
}

static bool case_again(void *arg, int tries) {
    (void)arg, (void)tries;
    return false;
}

/* ---- rows of the outbox ---- */

static void fault(struct passage *p, const char *what, size_t n) {
    json_array_append_new(p->faults, json_sprintf("command %zu: %s", n + 1, what));
}

static void case_committed(void *arg, struct row *rows) {
    struct passage *p = arg;
    for (struct row *row = rows, *next; row != NULL; row = next) {
        char key[40], *hex = malloc(2 * row->n + 1);
        next = row->next;
        if (!emitted_by_row(p->emitted, row))
            json_array_append_new(p->faults, json_string("a row cannot be read"));
        snprintf(key, sizeof key, "%d/%lld", (int)row->partition, (long long)row->number);
        if (hex == NULL)
            abort();
        json_object_set_new(
            p->rows, key,
            json_pack("{s:s}", "records",
                      sodium_bin2hex(hex, 2 * row->n + 1, (const unsigned char *)row->bytes, row->n)));
        free(hex);
        row_free(row);
    }
}

/* ---- commands as they stand in the log ---- */

static const char *text_of(const json_t *o, const char *name) {
    return json_string_value(json_object_get(o, name));
}

static void set_missing(json_t *o, const char *name, json_t *value) {
    if (json_object_get(o, name) == NULL)
        json_object_set_new(o, name, value);
    else
        json_decref(value);
}

/* The document of a create or replace says of which schemas it is. */
static void complete_document(json_t *command) {
    const struct command_row *row = command_row(command_type_parse(text_of(command, "type")));
    json_t *doc = json_object_get(command, "resource");
    const char *type = row->target == TARGET_USER   ? "User"
                       : row->target == TARGET_ROOM ? "Group"
                                                    : text_of(command, "resourceType");
    bool documents = strstr(row->name, ".create") != NULL || strstr(row->name, ".replace") != NULL;
    if (doc != NULL && documents && type != NULL && json_object_get(doc, "schemas") == NULL)
        resource_tidy(resource_type_by_name(type), doc);
}

/* What the case does not say of a command is as usual. */
static void complete_command(json_t *command, size_t n) {
    char time[RFC3339_SIZE];
    size_t i;
    json_t *operation;
    json_t *usual = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}}", "txn", "#t0", "workspace", "#w", "actor",
                              "kind", "key", "id", "#entra", "name", "Entra");
    json_object_set_new(usual, "txn", json_sprintf("#t%zu", n + 1));
    json_t *ids = case_names_to_ids(usual);
    json_object_update_missing(command, ids);
    json_decref(ids);
    json_decref(usual);
    set_missing(command, "v", json_integer(1));
    set_missing(command, "id", json_incref(json_object_get(command, "workspace")));
    set_missing(command, "dialect", json_string("rfc"));
    set_missing(command, "reason", json_string("scim"));
    set_missing(command, "replyPartition", json_integer(0));
    set_missing(command, "time", json_string(rfc3339_us(CASE_NOW - 1000000, time)));
    set_missing(command, "notAfter", json_null());
    if (command_type_parse(text_of(command, "type")) < COMMAND_TYPE_COUNT)
        complete_document(command);
    json_array_foreach(json_object_get(command, "operations"), i, operation) {
        set_missing(operation, "v", json_integer(2));
        complete_command(operation, 100 * (n + 1) + i);
    }
}

int64_t apply_case_seconds(const json_t *item) {
    return json_integer_value(json_object_get(item, "at"));
}

void apply_case_add(struct batch *b, const json_t *item, int64_t offset) {
    const json_t *command = json_object_get(item, "command"), *raw = json_object_get(item, "raw");
    char *text = raw != NULL ? strdup(json_string_value(raw)) : json_dumps(command, JSON_COMPACT);
    const char *workspace = json_string_value(json_object_get(command, "workspace"));
    const json_t *partition = json_object_get(item, "partition");
    rd_kafka_message_t m = {.offset = offset, .payload = text, .len = strlen(text)};
    m.partition = partition != NULL   ? (int32_t)json_integer_value(partition)
                  : workspace != NULL ? workspace_partition(workspace, PARTITIONS)
                                      : 0;
    struct err err = {0};
    if (batch_add(b, &m, CASE_NOW, &err) != ERR_OK) {
        fprintf(stderr, "a command of a case is a newer version's: %s\n", err_text(&err));
        exit(2);
    }
    if (json_is_true(json_object_get(item, "unchecked")))
        b->deliveries[b->n - 1].fault = (struct err){0};
    free(text);
}

/* ---- applying ---- */

/* What goes out is what was recorded, in the order of the commands. */
static void apply_all(struct passage *p, struct batch *b) {
    struct err err = {0};
    json_t *due = json_object();
    p->emitted = json_object();
    p->apply.arg = p;
    if (apply_batch(&p->apply, b, &err) != ERR_OK)
        json_array_append_new(p->faults, json_sprintf("the batch failed: %s", err_text(&err)));
    for (size_t i = 0; i < b->n; i++)
        emitted_by_delivery(due, &b->deliveries[i]);
    if (!json_equal(due, p->emitted))
        json_array_append_new(p->faults, json_string("the rows of the outbox are not what was recorded"));
    json_decref(due);
    json_decref(p->emitted);
    p->emitted = NULL;
}

/* The document of a reply is the one that is stored now. */
static void judge_document(struct passage *p, const struct delivery *d, size_t n) {
    char key[80];
    if (d->reply.doc == NULL || d->reply.dry != NULL) /* what was only tried is stored nowhere */
        return;
    json_t *tables = p->place->dump(p->place->at), *told = json_loads(d->reply.doc, 0, NULL);
    snprintf(key, sizeof key, "%s/%s", d->command.workspace.s, d->reply.id.s);
    const json_t *row = memory_row(tables, d->command.rt->kind == RESOURCE_USER ? "users" : "resources", key);
    if (!json_equal(told, json_object_get(row, "doc")))
        fault(p, "the document of the reply is not the one that is stored", n);
    json_decref(told);
    json_decref(tables);
}

/* Commands of one moment, from `first` on, as many as go together; the results are appended. */
static size_t apply_next(struct passage *p, size_t first) {
    size_t n = json_array_size(p->commands), end = first;
    int64_t at = apply_case_seconds(json_array_get(p->commands, first));
    struct batch *b = batch_new();
    for (; end < n && (end == first || p->together) &&
           apply_case_seconds(json_array_get(p->commands, end)) == at;
         end++)
        apply_case_add(b, json_array_get(p->commands, end), (int64_t)(FIRST_OFFSET + end));
    apply_case_moment_us = CASE_NOW + at * 1000000;
    apply_all(p, b);
    for (size_t i = 0; i < b->n; i++) {
        json_array_append_new(p->results,
                              result_of_delivery(&b->deliveries[i], apply_case_moment_us, p->faults));
        json_array_append_new(p->encodings, encoding_of_delivery(&b->deliveries[i]));
        if (!p->together)
            judge_document(p, &b->deliveries[i], first + i);
    }
    batch_free(b);
    return end;
}

/* All commands once more, an hour later, from their own places in the log or from others. They are answered
 * as before, and nothing changes and nothing goes out. (What is no command is another one elsewhere.) */
static void deliver_again(struct passage *p, bool copies, const json_t *after) {
    apply_case_moment_us = CASE_NOW + LATER;
    for (size_t i = 0; i < json_array_size(p->commands); i++) {
        const json_t *first = json_array_get(p->encodings, i);
        if (copies && json_object_get(first, "outcome") == NULL)
            continue;
        struct batch *b = batch_new();
        apply_case_add(b, json_array_get(p->commands, i),
                       (int64_t)((copies ? COPY_OFFSET : FIRST_OFFSET) + i));
        apply_all(p, b);
        json_t *again = encoding_of_delivery(&b->deliveries[0]);
        if (!same_member(first, again, "outcome"))
            fault(p,
                  copies ? "a copy elsewhere in the log is answered otherwise"
                         : "delivered again it is answered otherwise",
                  i);
        if (!b->deliveries[0].repeated)
            fault(p, "delivered again it is not known", i);
        json_decref(again);
        batch_free(b);
    }
    json_t *now = p->place->dump(p->place->at);
    if (!json_equal(now, (json_t *)after))
        json_array_append_new(p->faults, json_string("delivered again they change something"));
    json_decref(now);
}

/* ---- what is stored of a command ---- */

/* Under the txn stands what was answered. */
static void judge_claim(struct passage *p, const json_t *after, size_t n) {
    const json_t *command = json_object_get(json_array_get(p->commands, n), "command");
    const json_t *encoding = json_array_get(p->encodings, n);
    const char *workspace = json_string_value(json_object_get(command, "workspace"));
    const char *txn = json_string_value(json_object_get(command, "txn"));
    char key[80];
    if (json_object_get(encoding, "outcome") == NULL)
        return; /* nothing was decided */
    snprintf(key, sizeof key, "%s/%s", workspace, txn);
    const json_t *claim = memory_row(after, "claims", key);
    if (claim == NULL)
        fault(p, "no claim is stored", n);
    else if (json_object_get(encoding, "repeated") == NULL && !same_member(claim, encoding, "outcome"))
        fault(p, "the stored outcome is not the reply", n);
}

static void judge_outbox(struct passage *p, const json_t *after) {
    if (!json_equal(json_object_get(after, "outbox"), p->rows))
        json_array_append_new(p->faults, json_string("the outbox has other rows than were handed over"));
}

/* ---- a whole case ---- */

json_t *apply_case_commands(const json_t *c) {
    json_t *named = json_array(), *item;
    size_t i;
    json_array_foreach(json_object_get(c, "commands"), i, item) {
        json_t *copy = json_deep_copy(item);
        json_object_del(copy, "outcome");
        json_object_del(copy, "records");
        json_array_append_new(named, copy);
    }
    json_t *commands = case_names_to_ids(named);
    json_decref(named);
    json_array_foreach(commands, i, item) {
        if (json_object_get(item, "command") != NULL)
            complete_command(json_object_get(item, "command"), i);
    }
    return commands;
}

json_t *apply_case_tables(const json_t *c) {
    json_t *none = json_object(), *said = json_object_get(c, "state");
    json_t *ids = case_names_to_ids(said != NULL ? said : none), *tables = case_state(ids);
    json_decref(none);
    json_decref(ids);
    return tables;
}

/* As a case says, or as the settings are by default. */
static int64_t bound_of(const json_t *c, const char *name, int64_t usual) {
    const json_t *said = json_object_get(json_object_get(c, "bounds"), name);
    return said != NULL ? json_integer_value(said) : usual;
}

static struct decision_bounds bounds_of(const json_t *c) {
    return (struct decision_bounds){.resource = {.max_bytes = (size_t)bound_of(c, "bytes", 262144),
                                                 .max_values = (size_t)bound_of(c, "values", 1000)},
                                    .keys = bound_of(c, "keys", 1000),
                                    .owners = bound_of(c, "owners", 100),
                                    .deliveries = bound_of(c, "deliveries", 50),
                                    .deliver_http = bound_of(c, "deliverHttp", 0) != 0};
}

struct apply apply_case_apply(const json_t *c, const struct case_place *place) {
    return (struct apply){.store = place->store,
                          .partitions = PARTITIONS,
                          .committed = case_committed,
                          .events_issuer = "https://usher.example.com",
                          .bounds = bounds_of(c),
                          .now_us = case_clock,
                          .again = case_again,
                          .patience = case_patience};
}

static struct passage passage_begin(const json_t *c, const struct case_place *place, bool together) {
    struct passage p = {.place = place,
                        .commands = apply_case_commands(c),
                        .faults = json_array(),
                        .together = together,
                        .before = apply_case_tables(c),
                        .results = json_array(),
                        .encodings = json_array(),
                        .rows = json_object()};
    p.apply = apply_case_apply(c, place);
    return p;
}

/* A new reference: {"commands": [result…], "after": difference, "faults": […]}, with names. */
static json_t *passage_run(const json_t *c, const struct case_place *place, bool together) {
    struct passage p = passage_begin(c, place, together);
    for (int i = 0; i < PARTITIONS; i++)
        p.places[i].epoch = 1;
    p.apply.places = p.places;
    place->fill(place->at, p.before);
    for (size_t i = 0; i < json_array_size(p.commands);)
        i = apply_next(&p, i);
    json_t *after = place->dump(place->at), *wrong = case_state_faults(after);
    json_array_extend(p.faults, wrong);
    judge_numbers(p.results, p.before, after, p.faults);
    for (size_t i = 0; i < json_array_size(p.commands); i++)
        judge_claim(&p, after, i);
    judge_outbox(&p, after);
    deliver_again(&p, false, after);
    deliver_again(&p, true, after);
    json_t *out = json_pack("{s:o, s:o, s:o}", "commands", p.results, "after",
                            case_state_difference(p.before, after, CASE_NOW), "faults", p.faults);
    json_t *named = case_ids_to_names(out);
    json_decref(out);
    json_decref(wrong);
    json_decref(after);
    json_decref(p.before);
    json_decref(p.commands);
    json_decref(p.encodings);
    json_decref(p.rows);
    return named;
}

/* The case's own words, with the results instead of what it expects. */
static json_t *case_with(const json_t *c, const json_t *run) {
    json_t *out = json_object(), *commands = json_array(), *item;
    size_t i;
    json_object_set(out, "name", json_object_get(c, "name"));
    if (json_object_get(c, "bounds") != NULL)
        json_object_set(out, "bounds", json_object_get(c, "bounds"));
    if (json_object_get(c, "state") != NULL)
        json_object_set(out, "state", json_object_get(c, "state"));
    json_array_foreach(json_object_get(c, "commands"), i, item) {
        json_t *copy = json_copy(item);
        json_object_del(copy, "outcome");
        json_object_del(copy, "records");
        json_object_update(copy, json_array_get(json_object_get(run, "commands"), i));
        json_array_append_new(commands, copy);
    }
    json_object_set_new(out, "commands", commands);
    json_object_set(out, "after", json_object_get(run, "after"));
    if (json_array_size(json_object_get(run, "faults")) > 0)
        json_object_set(out, "faults", json_object_get(run, "faults"));
    return out;
}

json_t *apply_case_run(const json_t *c, const struct case_place *place) {
    json_t *together = passage_run(c, place, true), *singly = passage_run(c, place, false);
    if (!json_equal(together, singly)) {
        char *other = json_dumps(singly, JSON_COMPACT);
        json_array_append_new(json_object_get(together, "faults"),
                              json_sprintf("one by one it comes to something else: %s", other));
        free(other);
    }
    json_t *out = case_with(c, together);
    json_decref(together);
    json_decref(singly);
    return out;
}
