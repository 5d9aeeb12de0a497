/* What the topics know of numbers and rows, from behind the marks to their ends. */
#include "ops/ctl/ctl_epoch.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/kafka_place.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/headers.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000
#define SILENCE_US INT64_C(15000000)
#define GROUP "usher-worker"

/* Those that are numbered stand first, as EPOCH_MEMBERSHIP … does. */
static const char *const names[] = {TOPIC_MEMBERSHIP, TOPIC_EVENTS, TOPIC_AUDIT, TOPIC_ROOMS,
                                    TOPIC_DEADLETTER};
#define TOPICS (sizeof names / sizeof names[0])
#define ROOMS EPOCH_NUMBERED

struct epoch_seen *epoch_seen_of(struct epoch_ends *e, const char *workspace) {
    struct epoch_seen **at = &e->buckets[murmur2(workspace, strlen(workspace)) % EPOCH_BUCKETS];
    for (struct epoch_seen *x = *at; x != NULL; x = x->next_in_bucket)
        if (strcmp(x->workspace, workspace) == 0)
            return x;
    struct epoch_seen *x = xcalloc(1, sizeof *x);
    snprintf(x->workspace, sizeof x->workspace, "%s", workspace);
    x->next_in_bucket = *at;
    *at = x;
    x->next = e->first;
    e->first = x;
    return x;
}

void epoch_ends_free(struct epoch_ends *e) {
    for (struct epoch_seen *x = e->first, *next; x != NULL; x = next) {
        next = x->next;
        free(x);
    }
    for (int p = 0; e->parts != NULL && p < e->partitions; p++) {
        free(e->parts[p].positions);
        jb_free(&e->parts[p].ends);
    }
    free(e->parts);
    jb_free(&e->ended);
}

/* ---- records ---- */

static int64_t number_of(const rd_kafka_message_t *m, const char *name) {
    char text[32];
    return kafka_header_text(m, name, text, sizeof text) ? strtoll(text, NULL, 10) : 0;
}

static void raise(int64_t *to, int64_t v) {
    *to = v > *to ? v : *to;
}

static bool contains(const rd_kafka_message_t *m, const char *text) {
    return m->payload != NULL && memmem(m->payload, m->len, text, strlen(text)) != NULL;
}

/* Credentials that changed after the state that the database has now: there they are what they were. */
static void note_ended(struct epoch_ends *e, const rd_kafka_message_t *m) {
    static const char *const actions[] = {"key.revoked", "owner.revoked", "key.rotated"};
    if (!contains(m, ".revoked\"") && !contains(m, ".rotated\""))
        return;
    json_t *change = json_loadb(m->payload, m->len, 0, NULL), *target = json_object_get(change, "target");
    const char *action = json_string_value(json_object_get(change, "action")),
               *outcome = json_string_value(json_object_get(change, "outcome")),
               *id = json_string_value(json_object_get(target, "id")),
               *workspace = json_string_value(json_object_get(change, "workspace"));
    bool told = action != NULL && outcome != NULL && strcmp(outcome, "applied") == 0 && id != NULL &&
                workspace != NULL;
    for (size_t i = 0; told && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(action, actions[i]) != 0)
            continue;
        jb_sep(&e->ended);
        jb_raw(&e->ended, "{");
        jb_kstr(&e->ended, "action", action);
        jb_kstr(&e->ended, "id", id);
        jb_kstr(&e->ended, "workspace", workspace);
        jb_raw(&e->ended, "}");
    }
    json_decref(change);
}

static size_t epoch_topic_of(const rd_kafka_message_t *m) {
    size_t t = 0;
    while (t < TOPICS && strcmp(rd_kafka_topic_name(m->rkt), names[t]) != 0)
        t++;
    return t;
}

/* Requests have numbers of another kind, and no epoch. A state of usher.rooms has the number of its event. */
static void take_record(struct epoch_ends *e, const rd_kafka_message_t *m, size_t t) {
    char source[64];
    struct uuid workspace;
    int64_t epoch = number_of(m, "usher-epoch"), seq = number_of(m, "usher-seq");
    e->records++;
    raise(&e->parts[m->partition].row, number_of(m, HEADER_ROW));
    if (epoch <= 0 || !kafka_header_text(m, "ce_source", source, sizeof source) ||
        strncmp(source, "/w/", 3) != 0 || !uuid_parse(source + 3, &workspace))
        return;
    raise(&e->epoch, epoch);
    raise(&epoch_seen_of(e, workspace.s)->seq[t == ROOMS ? EPOCH_MEMBERSHIP : (int)t], seq);
    if (t == EPOCH_AUDIT)
        note_ended(e, m);
}

/* ---- places ---- */

/* The number beside the group's offset is that of the last row that is out, too. */
static enum err_code ask_rows(const struct config *config, struct epoch_ends *e, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER_GROUP);
    kafka_conf_set(conf, "group.id", GROUP); /* it does not join */
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_GROUP, err);
    if (rk == NULL)
        return err->code;
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new(e->partitions);
    for (int p = 0; p < e->partitions; p++)
        rd_kafka_topic_partition_list_add(places, TOPIC_COMMANDS, p);
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, places, ASK_MS * 3);
    for (int p = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && p < e->partitions; p++) {
        raise(&e->parts[p].row, place_number(&places->elems[p]));
        code = places->elems[p].err;
    }
    rd_kafka_topic_partition_list_destroy(places);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return code ? err_set(err, ERR_KAFKA, "the offsets of group " GROUP ": %s", rd_kafka_err2str(code))
                : ERR_OK;
}

/* From behind the mark; of a topic that is shorter than that, all of it. */
static enum err_code place_one(rd_kafka_t *rk, struct epoch_part *part, const json_t *known, int32_t p,
                               const char *name, rd_kafka_topic_partition_list_t *all, int *left,
                               struct err *err) {
    int64_t low = 0, high = 0, at = json_integer_value(json_object_get(known, name));
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(rk, name, p, &low, &high, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, ERR_KAFKA, "%s, partition %d: %s%s", name, (int)p, rd_kafka_err2str(code),
                       code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                               code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                           ? ". Start a worker once, which makes the topics that are missing"
                           : "");
    if (at > high)
        snprintf(part->shorter, sizeof part->shorter,
                 "%s ends at %" PRId64 " in partition %d, and went to %" PRId64, name, high, (int)p, at);
    at = at > high || at < low ? low : at;
    jb_kint(&part->ends, name, high);
    if (at == high)
        return ERR_OK;
    rd_kafka_topic_partition_list_add(all, name, p)->offset = at;
    (*left)++;
    return ERR_OK;
}

static enum err_code place_all(struct epoch_ends *e, rd_kafka_t *rk, int *left, struct err *err) {
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new((int)TOPICS * e->partitions);
    enum err_code code = ERR_OK;
    for (int p = 0; code == ERR_OK && p < e->partitions; p++) {
        struct epoch_part *part = &e->parts[p];
        json_t *known = json_loads(part->positions, 0, NULL);
        jb_raw(&part->ends, "{");
        for (size_t t = 0; code == ERR_OK && t < TOPICS; t++)
            code = place_one(rk, part, known, p, names[t], all, left, err);
        jb_raw(&part->ends, "}");
        json_decref(known);
    }
    rd_kafka_resp_err_t assigned = code == ERR_OK ? rd_kafka_assign(rk, all) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(all);
    return assigned ? err_set(err, ERR_KAFKA, "the topics cannot be read: %s", rd_kafka_err2str(assigned))
                    : code;
}

static enum err_code epoch_read_all(struct epoch_ends *e, rd_kafka_t *rk, int left, struct err *err) {
    bool *ended = xcalloc(TOPICS * (size_t)e->partitions, sizeof *ended);
    int64_t since_us = clock_mono_us();
    enum err_code code = ERR_OK;
    while (left > 0 && code == ERR_OK) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        size_t t = m != NULL && m->rkt != NULL ? epoch_topic_of(m) : TOPICS;
        bool known = t < TOPICS && m->partition >= 0 && m->partition < e->partitions;
        if (known && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_record(e, m, t);
            since_us = clock_mono_us();
        } else if (known && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            bool *is = &ended[t * (size_t)e->partitions + (size_t)m->partition];
            left -= !*is;
            *is = true;
        }
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (clock_mono_us() - since_us > SILENCE_US)
            code = err_set(err, ERR_KAFKA, "the topics cannot be read to their ends");
    }
    free(ended);
    return code;
}

/* What a broken-off transaction carried has been seen by read_uncommitted readers, so it counts. */
enum err_code epoch_read_ends(struct ctl *c, struct epoch_ends *e, struct err *err) {
    int left = 0;
    if (ask_rows(c->config, e, err) != ERR_OK)
        return err->code;
    rd_kafka_conf_t *conf = kafka_conf_new(c->config, KAFKA_CONSUMER_ASSIGN);
    kafka_conf_set(conf, "group.id", "usherctl"); /* it neither joins nor commits */
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "auto.offset.reset", "earliest");
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_ASSIGN, err);
    if (rk == NULL)
        return err->code;
    enum err_code code = place_all(e, rk, &left, err);
    if (code == ERR_OK)
        code = epoch_read_all(e, rk, left, err);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return code;
}
