#include "workers/livekit/snapshot.h"

#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/notify.h"
#include "schemas/readers/rooms.h"

#include <stdlib.h>
#include <string.h>

#define POLL_MS 100
#define ANSWER_MS 5000
#define SILENCE_POLLS 300 /* 30 s without a record: Kafka is asked anew */

/* ---- clients ---- */

static rd_kafka_t *open_consumer(const struct config *c, enum kafka_role role, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(c, role);
    kafka_conf_set(conf, "client.id", "usher-livekit");
    if (role == KAFKA_CONSUMER_ASSIGN) {
        kafka_conf_set(conf, "auto.offset.reset", "error"); /* a place that is lost must be told */
        kafka_conf_set(conf, "enable.partition.eof", "true");
        kafka_conf_set(conf, "fetch.min.bytes", "1");
    }
    return kafka_open(conf, role, err);
}

void snapshot_close(rd_kafka_t *rk) {
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static enum err_code kafka_said(struct err *err, const char *what, rd_kafka_resp_err_t code) {
    return err_set(err, ERR_KAFKA, "%s: %s", what, rd_kafka_err2str(code));
}

static enum err_code count_partitions(rd_kafka_t *rk, const char *topic, int *n, struct err *err) {
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, handle, &md, ANSWER_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = md->topics[0].err;
    *n = code == RD_KAFKA_RESP_ERR_NO_ERROR ? md->topics[0].partition_cnt : 0;
    if (md != NULL)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_said(err, topic, code);
    return *n > 0 ? ERR_OK : err_set(err, ERR_KAFKA, "%s has no partitions", topic);
}

static enum err_code end_of(rd_kafka_t *rk, const char *topic, int partition, int64_t *end, struct err *err) {
    int64_t low;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(rk, topic, partition, &low, end, ANSWER_MS);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? ERR_OK : kafka_said(err, topic, code);
}

static enum err_code ends_of(rd_kafka_t *rk, const char *topic, int64_t *ends, int n, struct err *err) {
    for (int p = 0; p < n; p++)
        if (end_of(rk, topic, p, &ends[p], err) != ERR_OK)
            return err->code;
    return ERR_OK;
}

static enum err_code assign_places(rd_kafka_t *rk, const char *topic, int first, int n,
                                   const int64_t *offsets, struct err *err) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, first + i)->offset =
            offsets != NULL ? offsets[i] : RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? ERR_OK : kafka_said(err, topic, code);
}

enum err_code snapshot_ends(const struct config *c, struct snapshot_places *out, struct err *err) {
    rd_kafka_t *rk = open_consumer(c, KAFKA_CONSUMER_ENDS, err);
    if (rk == NULL)
        return err->code;
    enum err_code code = count_partitions(rk, TOPIC_MEMBERSHIP, &out->n, err);
    if (code == ERR_OK) {
        out->offsets = xcalloc((size_t)out->n, sizeof *out->offsets);
        code = ends_of(rk, TOPIC_MEMBERSHIP, out->offsets, out->n, err);
    }
    snapshot_close(rk);
    return code;
}

rd_kafka_t *snapshot_follow(const struct config *c, const struct snapshot_places *from, struct err *err) {
    rd_kafka_t *rk = open_consumer(c, KAFKA_CONSUMER_ASSIGN, err);
    if (rk == NULL || assign_places(rk, TOPIC_MEMBERSHIP, 0, from->n, from->offsets, err) == ERR_OK)
        return rk;
    snapshot_close(rk);
    return NULL;
}

/* ---- records ---- */

bool snapshot_header(const rd_kafka_message_t *m, const char *name, char *out, size_t size) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t n;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR || value == NULL ||
        n >= size)
        return false;
    memcpy(out, value, n);
    out[n] = '\0';
    return true;
}

static json_int_t header_number(const rd_kafka_message_t *m, const char *name, json_int_t otherwise) {
    char text[24];
    return snapshot_header(m, name, text, sizeof text) ? strtoll(text, NULL, 10) : otherwise;
}

struct voice_number snapshot_number(const json_t *held) {
    struct number n = rooms_number(held);
    return (struct voice_number){n.epoch > 0 ? n.epoch : 1, n.seq}; /* before 0.4 there was no epoch */
}

json_t *snapshot_workspace(json_t *workspaces, const char *workspace, struct voice_number at_least) {
    json_t *held = rooms_of(workspaces, workspace);
    if (voice_number_compare(snapshot_number(held), at_least) < 0)
        rooms_set_number(held, (struct number){at_least.epoch, at_least.seq});
    return held;
}

/* ---- usher.rooms ---- */

static void fold_record(json_t *found, const rd_kafka_message_t *m) {
    char key[3 * 37];
    if (m->key == NULL || m->key_len >= sizeof key)
        return;
    memcpy(key, m->key, m->key_len);
    key[m->key_len] = '\0';
    char *rest = key, *workspace = strsep(&rest, "/"), *room = strsep(&rest, "/"), *user = strsep(&rest, "/");
    if (room == NULL)
        return;
    struct number at = {header_number(m, "usher-epoch", 1), header_number(m, "usher-seq", 0)};
    json_t *value = m->payload != NULL ? json_loadb(m->payload, m->len, 0, NULL) : NULL;
    rooms_fold(rooms_of(found, workspace), room, user, value, at);
    json_decref(value);
}

/* The last offset may be a transaction's marker, which no record has. So a partition's end is reached by
 * whatever comes first: a record behind it, or that the partition has ended there. */
static enum err_code fold_all(rd_kafka_t *rk, int64_t *ends, int first, int left, json_t *found,
                              struct err *err) {
    int silent = 0;
    while (left > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, POLL_MS);
        notify_alive();
        silent = m == NULL ? silent + 1 : 0;
        if (lifecycle_stopping() || silent > SILENCE_POLLS) {
            if (m != NULL)
                rd_kafka_message_destroy(m);
            return err_set(err, ERR_KAFKA, TOPIC_ROOMS " is not read to its end");
        }
        if (m == NULL)
            continue;
        if (m->partition >=
            first) { /* else an error of no partition, from which the library goes on by itself */
            int64_t *end = &ends[m->partition - first];
            bool ended = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || m->offset >= *end;
            if (*end > 0 && ended &&
                (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
                *end = 0;
                left--;
            } else if (*end > 0 && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                fold_record(found, m);
            }
        }
        rd_kafka_message_destroy(m);
    }
    return ERR_OK;
}

static enum err_code read_rooms(rd_kafka_t *rk, int partition, json_t *found, struct err *err) {
    int n, first = partition == SNAPSHOT_ALL ? 0 : partition, left = 0;
    if (count_partitions(rk, TOPIC_ROOMS, &n, err) != ERR_OK)
        return err->code;
    if (partition != SNAPSHOT_ALL)
        n = 1;
    int64_t *ends = xcalloc((size_t)n, sizeof *ends);
    enum err_code code = ERR_OK;
    for (int i = 0; i < n && code == ERR_OK; i++) {
        code = end_of(rk, TOPIC_ROOMS, first + i, &ends[i], err);
        left += ends[i] > 0;
    }
    if (code == ERR_OK)
        code = assign_places(rk, TOPIC_ROOMS, first, n, NULL, err);
    if (code == ERR_OK)
        code = fold_all(rk, ends, first, left, found, err);
    free(ends);
    return code;
}

json_t *snapshot_read(const struct config *c, int partition, struct err *err) {
    rd_kafka_t *rk = open_consumer(c, KAFKA_CONSUMER_ASSIGN, err);
    if (rk == NULL)
        return NULL;
    json_t *found = json_object();
    enum err_code code = read_rooms(rk, partition, found, err);
    snapshot_close(rk);
    if (code == ERR_OK)
        return found;
    json_decref(found);
    return NULL;
}
