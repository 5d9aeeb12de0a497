/* The streams are told of a new epoch, through the outbox: usher.rooms from the tables, with tombstones of
 * what is there no more, and behind it usher.stream.epoch. All of it is in the order of the partition, so a
 * record that still waits goes out before it. A workspace is told when its last row is committed. */
#include "ops/ctl/ctl_epoch.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/row.h"
#include "sql/ask/outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000
#define SILENCE_US INT64_C(15000000)
#define AROUND 512 /* headers and key of a record, roughly */

/* The keys of one partition of usher.rooms that were no tombstones, once each. */
struct key {
    char *text;
    bool there; /* the tables have it */
};
struct keys {
    struct key *row; /* sorted by text once all are read */
    size_t n, cap;   /* while they are read: places of a hash table, of which n are taken */
};

/* What is told of one workspace, and where. */
struct telling {
    struct ctl *c;
    int32_t partition;
    int64_t owner, number; /* of the partition: under which it was taken, and of the last row */
    struct keys *keys;
    struct record_context records;
    struct record_list list;
    struct jbuf row;
    size_t in_row, weight;
    struct row_source source;
    int64_t epoch_was, was[EPOCH_NUMBERED], first[EPOCH_NUMBERED];
};

/* ---- keys of usher.rooms ---- */

static void keys_grow(struct keys *k);

static void keys_put(struct keys *k, const char *text, size_t n, char *own) {
    if (k->n * 2 >= k->cap)
        keys_grow(k);
    size_t at = murmur2(text, n) % k->cap;
    while (k->row[at].text != NULL) {
        if (strlen(k->row[at].text) == n && memcmp(k->row[at].text, text, n) == 0)
            return;
        at = (at + 1) % k->cap;
    }
    if (own == NULL) {
        own = xcalloc(n + 1, 1);
        memcpy(own, text, n);
    }
    k->row[at].text = own;
    k->n++;
}

static void keys_grow(struct keys *k) {
    struct keys more = {.cap = k->cap > 0 ? 2 * k->cap : 1024};
    more.row = xcalloc(more.cap, sizeof *more.row);
    for (size_t i = 0; i < k->cap; i++)
        if (k->row[i].text != NULL)
            keys_put(&more, k->row[i].text, strlen(k->row[i].text), k->row[i].text);
    free(k->row);
    *k = more;
}

static int by_text(const void *a, const void *b) {
    return strcmp(((const struct key *)a)->text, ((const struct key *)b)->text);
}

static void keys_sort(struct keys *k) {
    size_t n = 0;
    for (size_t i = 0; i < k->cap; i++)
        if (k->row[i].text != NULL)
            k->row[n++] = k->row[i];
    k->cap = n;
    if (n > 0)
        qsort(k->row, n, sizeof *k->row, by_text);
}

static void keys_free(struct keys *k) {
    for (size_t i = 0; i < k->cap; i++)
        free(k->row[i].text);
    free(k->row);
    *k = (struct keys){0};
}

/* The first that is not before the text. */
static size_t keys_from(const struct keys *k, const char *text) {
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(k->row[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void keys_mark(struct keys *k, const char *text) {
    size_t at = keys_from(k, text);
    if (at < k->n && strcmp(k->row[at].text, text) == 0)
        k->row[at].there = true;
}

/* Records of broken-off transactions too: a tombstone more does no harm. */
static enum err_code keys_read(const struct config *config, int32_t partition, struct keys *k,
                               struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER_ASSIGN);
    kafka_conf_set(conf, "group.id", "usherctl");
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "auto.offset.reset", "earliest");
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_ASSIGN, err);
    if (rk == NULL)
        return err->code;
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(from, TOPIC_ROOMS, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    bool ended = rd_kafka_assign(rk, from) != RD_KAFKA_RESP_ERR_NO_ERROR;
    enum err_code code = ended ? err_set(err, ERR_KAFKA, TOPIC_ROOMS " cannot be read") : ERR_OK;
    rd_kafka_topic_partition_list_destroy(from);
    for (int64_t since_us = clock_mono_us(); !ended;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (m->payload != NULL && m->key_len > 0)
                keys_put(k, m->key, m->key_len, NULL);
            since_us = clock_mono_us();
        }
        ended = m != NULL && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (!ended && clock_mono_us() - since_us > SILENCE_US) {
            code = err_set(err, ERR_KAFKA, TOPIC_ROOMS " cannot be read to its end");
            break;
        }
    }
    keys_sort(k);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return code;
}

/* ---- rows ---- */

static void queue_row(struct telling *t) {
    char partition[24], owner[24], number[24];
    snprintf(partition, sizeof partition, "%d", (int)t->partition);
    snprintf(owner, sizeof owner, "%" PRId64, t->owner);
    snprintf(number, sizeof number, "%" PRId64, t->number + 1);
    const char *params[] = {partition, owner, number, t->row.p};
    db_queue_bytes(t->c->db, SQL_OUTBOX_APPEND, params, t->row.n);
}

/* The row is committed; with the last one the workspace is told. */
static enum err_code add_row(struct telling *t, bool last, struct err *err) {
    struct db_result *results[2] = {NULL};
    const char *workspace[] = {t->records.workspace};
    queue_row(t);
    if (last)
        db_queue(t->c->db, SQL_EPOCH_TOLD, workspace);
    enum err_code code = db_flush(t->c->db, results, last ? 2 : 1, NULL, err);
    if (code != ERR_OK)
        return code == ERR_DB_FENCED
                   ? err_set(err, ERR_CONFLICT, "a worker has taken partition %d: stop all workers",
                             (int)t->partition)
                   : code;
    db_results_free(results, last ? 2 : 1);
    t->number++;
    jb_reset(&t->row);
    t->in_row = t->weight = 0;
    (void)failpoint("epoch.row");
    return ERR_OK;
}

/* Moves the records of the list into the row, and begins another row where it is full. */
static enum err_code put_records(struct telling *t, struct err *err) {
    for (size_t i = 0; i < t->list.n; i++) {
        const struct record *r = &t->list.rows[i];
        size_t weight = AROUND + (r->value != NULL ? strlen(r->value) : 0);
        if ((t->in_row == ROW_RECORDS || t->weight + weight > ROW_BYTES) && add_row(t, false, err) != ERR_OK)
            return err->code;
        if (t->in_row == 0) {
            row_begin(&t->row);
            row_put_source(&t->row, &t->source);
        }
        row_put_record(&t->row, r);
        t->in_row++;
        t->weight += weight;
    }
    record_list_clear(&t->list);
    arena_reset(t->records.arena);
    return ERR_OK;
}

/* ---- one workspace ---- */

static void mark_there(struct telling *t, const char *room, const char *user) {
    char key[3 * 37 + 1];
    snprintf(key, sizeof key, "%s/%s%s%s", t->records.workspace, room, user != NULL ? "/" : "",
             user != NULL ? user : "");
    keys_mark(t->keys, key);
}

/* last: the room that is told again at the end, by its id and name. */
static enum err_code tell_rooms(struct telling *t, int64_t seq, struct uuid *last, struct jbuf *name,
                                struct err *err) {
    struct uuid after = {UUID_NIL};
    for (size_t n = 1; n > 0;) {
        struct db_result *r;
        const char *params[] = {t->records.workspace, after.s};
        if (db_run(t->c->db, SQL_EPOCH_ROOMS, params, &r, err) != ERR_OK)
            return err->code;
        n = db_rows(r);
        for (size_t i = 0; i < n; i++) {
            const struct record_room room = {db_text(r, i, 0), db_text(r, i, 1)};
            record_room_again(&t->records, &room, seq);
            mark_there(t, room.id, NULL);
        }
        if (n > 0) {
            snprintf(after.s, sizeof after.s, "%s", db_text(r, n - 1, 0));
            *last = after;
            jb_reset(name);
            jb_raw(name, db_text(r, n - 1, 1));
        }
        db_results_free(&r, 1);
        if (put_records(t, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

static enum err_code tell_members(struct telling *t, int64_t seq, struct err *err) {
    struct uuid room = {UUID_NIL}, user = {UUID_NIL};
    for (size_t n = 1; n > 0;) {
        struct db_result *r;
        const char *params[] = {t->records.workspace, room.s, user.s};
        if (db_run(t->c->db, SQL_EPOCH_MEMBERS, params, &r, err) != ERR_OK)
            return err->code;
        n = db_rows(r);
        for (size_t i = 0; i < n; i++) {
            const struct record_user member = {db_text(r, i, 1), db_text(r, i, 2)};
            record_member_again(&t->records, db_text(r, i, 0), &member, db_bool(r, i, 3), seq);
            mark_there(t, db_text(r, i, 0), member.id);
        }
        if (n > 0) {
            snprintf(room.s, sizeof room.s, "%s", db_text(r, n - 1, 0));
            snprintf(user.s, sizeof user.s, "%s", db_text(r, n - 1, 1));
        }
        db_results_free(&r, 1);
        if (put_records(t, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

/* What the topic has of the workspace, and the tables have not. */
static enum err_code tell_tombstones(struct telling *t, int64_t seq, struct err *err) {
    char prefix[40];
    size_t n = (size_t)snprintf(prefix, sizeof prefix, "%s/", t->records.workspace);
    for (size_t i = keys_from(t->keys, prefix); i < t->keys->n; i++) {
        char key[3 * 37 + 1];
        if (strncmp(t->keys->row[i].text, prefix, n) != 0)
            break;
        if (t->keys->row[i].there ||
            snprintf(key, sizeof key, "%s", t->keys->row[i].text + n) >= (int)sizeof key)
            continue;
        char *slash = strchr(key, '/');
        if (slash != NULL)
            *slash = '\0';
        if (slash == NULL)
            record_room_again(&t->records, &(struct record_room){key, NULL}, seq);
        else
            record_member_again(&t->records, key, &(struct record_user){slash + 1, NULL}, false, seq);
        if (put_records(t, err) != ERR_OK)
            return err->code;
    }
    return ERR_OK;
}

/* One state more, under the epoch's own number: whoever finds it in usher.rooms has found all before it.
 * Where there is no room, the tombstone of one that never was. */
static enum err_code tell_epoch(struct telling *t, const struct uuid *last, const char *name,
                                struct err *err) {
    static const enum record_topic topics[EPOCH_NUMBERED] = {RECORD_MEMBERSHIP, RECORD_EVENTS, RECORD_AUDIT};
    record_room_again(&t->records, &(struct record_room){last->s, name}, t->first[EPOCH_MEMBERSHIP]);
    for (int i = 0; i < EPOCH_NUMBERED; i++)
        record_epoch(&t->records, topics[i], t->first[i],
                     &(struct record_epoch_before){t->epoch_was, t->was[i]});
    enum err_code code = put_records(t, err);
    return code == ERR_OK ? add_row(t, true, err) : code;
}

static enum err_code tell_workspace(struct telling *t, struct err *err) {
    struct uuid last = {UUID_NIL};
    struct jbuf name = {0};
    int64_t seq = t->first[EPOCH_MEMBERSHIP] - 1;
    enum err_code code = tell_rooms(t, seq, &last, &name, err);
    if (code == ERR_OK)
        code = tell_members(t, seq, err);
    if (code == ERR_OK)
        code = tell_tombstones(t, seq, err);
    if (code == ERR_OK)
        code = tell_epoch(t, &last, name.p, err);
    jb_free(&name);
    return code;
}

/* ---- all of them ---- */

/* Partitions are taken from whoever has them. */
static enum err_code take_partition(struct telling *t, int32_t partition, struct err *err) {
    struct outbox_taken taken;
    if (outbox_take(t->c->db, &partition, 1, &taken, err) != ERR_OK)
        return err->code;
    free(taken.positions);
    keys_free(t->keys);
    t->partition = partition;
    t->owner = taken.epoch;
    t->number = taken.last > taken.mark ? taken.last : taken.mark;
    return keys_read(t->c->config, partition, t->keys, err);
}

static enum err_code tell_row(struct telling *t, const struct db_result *r, size_t i, struct err *err) {
    struct uuid txn = uuid_v7();
    int32_t partition = (int32_t)db_int(r, i, 1);
    if ((t->partition != partition) && take_partition(t, partition, err) != ERR_OK)
        return err->code;
    t->records.workspace = db_text(r, i, 0);
    t->records.txn = txn.s;
    t->records.time_us = clock_wall_us();
    t->records.epoch = db_int(r, i, 2);
    t->records.reason = db_text(r, i, 3);
    t->source = (struct row_source){t->records.workspace, txn.s, "", -1};
    t->epoch_was = db_int(r, i, 4);
    for (int n = 0; n < EPOCH_NUMBERED; n++) {
        t->was[n] = db_int(r, i, 5 + n);
        t->first[n] = db_int(r, i, 5 + EPOCH_NUMBERED + n);
    }
    return tell_workspace(t, err);
}

enum err_code epoch_tell(struct ctl *c, int partitions, int64_t *told, struct err *err) {
    struct keys keys = {0};
    struct telling t = {.c = c, .partition = -1, .keys = &keys};
    struct db_result *r;
    enum err_code code = db_run(c->db, SQL_EPOCH_DUE, NULL, &r, err);
    if (code != ERR_OK)
        return code;
    t.records.arena = arena_new();
    t.records.out = &t.list;
    for (size_t i = 0; code == ERR_OK && i < db_rows(r); i++) {
        code = db_int(r, i, 1) < partitions
                   ? tell_row(&t, r, i, err)
                   : err_set(err, ERR_CONFIG, "partitions: %d, and workspaces stand in more", partitions);
        *told += code == ERR_OK;
    }
    db_results_free(&r, 1);
    record_list_clear(&t.list);
    arena_free(t.records.arena);
    jb_free(&t.row);
    keys_free(&keys);
    return code;
}
