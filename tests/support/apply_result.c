#include "tests/support/apply_result.h"

#include "ops/runtime/clock.h"
#include "tests/support/case_state.h"
#include "tests/support/memory_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- replies ---- */

static void set_moment(json_t *o, const char *name, int64_t us, int64_t now_us) {
    if (us == now_us)
        json_object_set_new(o, name, json_string("now"));
    else if (us == CASE_CREATED)
        json_object_set_new(o, name, json_string("then"));
    else if (us != 0)
        json_object_set_new(o, name, json_integer(us));
}

static json_t *outcome_of(const struct delivery *d, int64_t now_us) {
    const struct reply *r = &d->reply;
    json_t *o = json_object();
    if (d->poison)
        json_object_set_new(o, "deadletter", json_string(err_name(d->decode_err.code)));
    if (d->poison && !d->reply_due)
        json_object_set_new(o, "detail", json_string(err_text(&d->decode_err)));
    if (!d->reply_due)
        return o;
    json_object_set_new(o, "code", json_string(err_name(r->code)));
    if (r->detail[0] != '\0')
        json_object_set_new(o, "detail", json_string(r->detail));
    if (!uuid_eq(&r->id, &d->command.id))
        json_object_set_new(o, "id", json_string(r->id.s));
    if (r->first)
        json_object_set_new(o, "first", json_true());
    if (r->version != 0)
        json_object_set_new(o, "version", json_integer(r->version));
    set_moment(o, "created", r->created_us, now_us);
    set_moment(o, "modified", r->modified_us, now_us);
    if (r->doc != NULL)
        json_object_set_new(o, "doc", json_true());
    return o;
}

/* ---- records ---- */

static void record_fault(json_t *faults, const struct record *r, const char *what) {
    json_array_append_new(faults,
                          json_sprintf("record %s %s: %s", record_topic_name(r->topic), r->ce_id, what));
}

static bool text_is(const json_t *v, const char *text) {
    return json_is_string(v) && strcmp(json_string_value(v), text) == 0;
}

/* Takes a member out that must be this text. */
static void take_text(json_t *value, const char *name, const char *text, const struct record *r,
                      json_t *faults) {
    if (!text_is(json_object_get(value, name), text))
        record_fault(faults, r, name);
    json_object_del(value, name);
}

static void take_actor(json_t *value, const struct command *c, const struct record *r, json_t *faults) {
    const json_t *actor = json_object_get(value, "actor"), *id = json_object_get(actor, "id");
    bool right = text_is(json_object_get(actor, "kind"), actor_kind_text(c->actor.kind)) &&
                 text_is(json_object_get(actor, "name"), c->actor.name) &&
                 (c->actor.id[0] != '\0' ? text_is(id, c->actor.id) : json_is_null(id));
    if (!right)
        record_fault(faults, r, "actor");
    json_object_del(value, "actor");
}

static void take_epoch(json_t *value, const struct record *r, json_t *faults) {
    if (r->epoch != STREAM_EPOCH_FIRST || json_integer_value(json_object_get(value, "epoch")) != r->epoch)
        record_fault(faults, r, "epoch");
    json_object_del(value, "epoch");
}

/* Of membership and audit. */
static void take_common(json_t *value, const struct delivery *d, const struct record *r, int64_t now_us,
                        json_t *faults) {
    char time[RFC3339_SIZE];
    take_text(value, "workspace", d->command.workspace.s, r, faults);
    take_text(value, "time", rfc3339_us(now_us, time), r, faults);
    take_text(value, "txn", d->command.txn.s, r, faults);
    take_actor(value, &d->command, r, faults);
    take_epoch(value, r, faults);
    if (json_integer_value(json_object_get(value, "seq")) != r->seq)
        record_fault(faults, r, "seq");
    json_object_del(value, "seq");
}

static void take_nulls(json_t *value) {
    const char *name;
    json_t *v;
    void *next;
    json_object_foreach_safe(value, next, name, v) {
        bool usual = text_is(v, "applied") || (json_is_array(v) && json_array_size(v) == 0);
        if (json_is_null(v) || usual)
            json_object_del(value, name);
    }
}

static void show_membership(json_t *value, const struct delivery *d, const struct record *r, int64_t now_us,
                            json_t *faults) {
    take_common(value, d, r, now_us, faults);
    if (!text_is(json_object_get(value, "type"), r->ce_type) ||
        !text_is(json_object_get(json_object_get(value, "room"), "id"), r->key))
        record_fault(faults, r, "type or key");
}

static void show_audit(json_t *value, const struct delivery *d, const struct record *r, int64_t now_us,
                       json_t *faults) {
    take_common(value, d, r, now_us, faults);
    take_text(value, "kind", "change", r, faults);
    take_nulls(value);
    if (strcmp(r->ce_type, "usher.audit.change") != 0 || strcmp(r->key, d->command.workspace.s) != 0)
        record_fault(faults, r, "type or key");
}

static void show_room(json_t *value, const struct delivery *d, const struct record *r, json_t *faults) {
    char key[3 * 37];
    const char *room = json_string_value(json_object_get(value, "room"));
    const char *user = json_string_value(json_object_get(value, "user"));
    take_text(value, "workspace", d->command.workspace.s, r, faults);
    take_epoch(value, r, faults);
    json_object_del(value, "seq");
    snprintf(key, sizeof key, "%s/%s%s%s", d->command.workspace.s, room, user != NULL ? "/" : "",
             user != NULL ? user : "");
    if (strcmp(key, r->key) != 0 ||
        strcmp(r->ce_type, user != NULL ? "usher.member.state" : "usher.room.state") != 0)
        record_fault(faults, r, "type or key");
}

static void show_event(json_t *value, const struct delivery *d, const struct record *r, int64_t now_us,
                       json_t *faults) {
    const struct command *c = &d->command;
    const char *txn = c->async.txn[0] != '\0' ? c->async.txn : c->txn.s;
    take_text(value, "iss", "https://usher.example.com", r, faults);
    take_text(value, "jti", r->ce_id, r, faults);
    take_text(value, "txn", txn, r, faults);
    if (json_integer_value(json_object_get(value, "iat")) != now_us / 1000000 ||
        !text_is(json_array_get(json_object_get(value, "aud"), 0), c->workspace.s) ||
        strcmp(r->key, c->workspace.s) != 0 ||
        json_object_get(json_object_get(value, "events"), r->ce_type) == NULL)
        record_fault(faults, r, "iat, aud, type or key");
    json_object_del(value, "iat");
    json_object_del(value, "aud");
}

static json_t *shown_record(const struct delivery *d, const struct record *r, int64_t now_us,
                            json_t *faults) {
    json_t *o = json_pack("{s:s, s:I, s:s}", "topic", record_topic_name(r->topic) + strlen("usher."), "seq",
                          (json_int_t)r->seq, "workspace", d->command.workspace.s);
    json_t *value = r->value != NULL ? json_loads(r->value, 0, NULL) : NULL;
    if (r->time_us != now_us)
        record_fault(faults, r, "moment");
    if (value == NULL)
        json_object_set_new(o, "gone", json_string(r->key));
    else if (r->topic == RECORD_MEMBERSHIP)
        show_membership(value, d, r, now_us, faults);
    else if (r->topic == RECORD_AUDIT)
        show_audit(value, d, r, now_us, faults);
    else if (r->topic == RECORD_ROOMS)
        show_room(value, d, r, faults);
    else
        show_event(value, d, r, now_us, faults);
    if (value != NULL)
        json_object_update(o, value);
    json_decref(value);
    return o;
}

json_t *result_of_delivery(const struct delivery *d, int64_t now_us, json_t *faults) {
    json_t *records = json_array();
    for (size_t i = 0; i < d->records.n; i++)
        json_array_append_new(records, shown_record(d, &d->records.rows[i], now_us, faults));
    return json_pack("{s:o, s:o}", "outcome", outcome_of(d, now_us), "records", records);
}

/* ---- numbers ---- */

static int64_t counter(const json_t *tables, const char *workspace, const char *name) {
    return json_integer_value(json_object_get(memory_row(tables, "workspaces", workspace), name));
}

static const char *counter_of(const char *topic) {
    return strcmp(topic, "audit") == 0    ? "auditSeq"
           : strcmp(topic, "events") == 0 ? "eventsSeq"
                                          : "membershipSeq";
}

/* The state of a room has the number of the event that it follows from. */
static void judge_number(json_t *record, json_t *numbers, const json_t *before, json_t *faults) {
    const char *topic = json_string_value(json_object_get(record, "topic"));
    const char *workspace = json_string_value(json_object_get(record, "workspace"));
    char key[64];
    snprintf(key, sizeof key, "%s/%s", workspace, counter_of(topic));
    const json_t *last = json_object_get(numbers, key);
    int64_t expected =
        last != NULL ? json_integer_value(last) : counter(before, workspace, counter_of(topic));
    int64_t seq = json_integer_value(json_object_get(record, "seq"));
    expected += strcmp(topic, "rooms") != 0;
    if (seq != expected)
        json_array_append_new(faults, json_sprintf("%s: number %lld where %lld is due", key, (long long)seq,
                                                   (long long)expected));
    json_object_set_new(numbers, key, json_integer(seq));
    json_object_del(record, "workspace");
    json_object_del(record, "seq");
}

void judge_numbers(json_t *results, const json_t *before, const json_t *after, json_t *faults) {
    json_t *numbers = json_object(), *result, *record, *number;
    size_t i, k;
    const char *key;
    json_array_foreach(results, i, result) {
        json_array_foreach(json_object_get(result, "records"), k, record) {
            judge_number(record, numbers, before, faults);
        }
    }
    json_object_foreach(numbers, key, number) {
        char workspace[37];
        snprintf(workspace, sizeof workspace, "%.36s", key);
        if (counter(after, workspace, key + 37) != json_integer_value(number))
            json_array_append_new(faults, json_sprintf("%s: the counter is not at the last number", key));
    }
    json_decref(numbers);
}

/* ---- delivered again ---- */

json_t *encoding_of_delivery(const struct delivery *d) {
    json_t *o = json_object();
    struct jbuf outcome = {0};
    struct reply stored = d->reply;
    if (stored.dry == NULL) /* what was only tried is nowhere else */
        stored.doc = NULL;
    if (d->reply_due) {
        reply_encode(&stored, &outcome);
        json_object_set_new(o, "outcome", json_string(outcome.p));
    }
    if (d->repeated)
        json_object_set_new(o, "repeated", json_true());
    jb_free(&outcome);
    return o;
}

bool same_member(const json_t *a, const json_t *b, const char *name) {
    const json_t *x = json_object_get(a, name), *y = json_object_get(b, name);
    return x == NULL || y == NULL ? x == y : json_equal((json_t *)x, (json_t *)y) == 1;
}

/* ---- what goes out ---- */

static json_t *text_of_record(const char *txn, const char *traceparent, const struct record *r) {
    return json_sprintf("%s %s %s %s %s %lld %lld %s", txn, traceparent, r->key, r->ce_id, r->ce_subject,
                        (long long)r->time_us, (long long)r->seq, r->value != NULL ? r->value : "gone");
}

static void add_text(json_t *out, int32_t partition, json_t *text) {
    char key[16];
    snprintf(key, sizeof key, "%d", (int)partition);
    if (json_object_get(out, key) == NULL)
        json_object_set_new(out, key, json_array());
    json_array_append_new(json_object_get(out, key), text);
}

void emitted_by_delivery(json_t *out, const struct delivery *d) {
    for (size_t i = 0; i < d->records.n; i++)
        add_text(out, d->partition, text_of_record(d->command.txn.s, d->traceparent, &d->records.rows[i]));
    if (d->poison && !d->repeated)
        add_text(out, d->partition,
                 json_sprintf("dead letter of %lld: %s", (long long)d->offset, err_text(&d->decode_err)));
}

bool emitted_by_row(json_t *out, const struct row *row) {
    struct row_items items = {0};
    struct err err = {0};
    bool good = row_decode(row->bytes, row->n, &items, &err) == ERR_OK && items.n == row->records;
    for (size_t i = 0; i < items.n; i++) {
        const struct row_item *x = &items.items[i];
        add_text(out, row->partition,
                 x->is_letter
                     ? json_sprintf("dead letter of %lld: %s", (long long)x->letter.offset, x->letter.detail)
                     : text_of_record(x->source.txn, x->source.traceparent, &x->record));
    }
    row_items_free(&items);
    return good;
}
