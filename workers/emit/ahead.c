#include "workers/emit/ahead.h"

#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/kafka_place.h"
#include "ops/runtime/mem.h"
#include "workers/emit/topics.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ASK_MS 10000
#define GROUP "usher-worker"

enum err_code ahead_check_epoch(struct db *db, struct err *err) {
    struct db_result *r;
    if (db_run(db, SQL_EPOCH_WAITS, NULL, &r, err) != ERR_OK)
        return err->code;
    int64_t waits = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return waits == 0
               ? ERR_OK
               : err_set(err, ERR_CONFIG,
                         "A new epoch was begun, and %" PRId64 " workspaces wait for it. " AHEAD_RESTORE,
                         waits);
}

/* A consumer that joins nothing. */
static rd_kafka_t *open_client(const struct config *config, enum kafka_role role, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(config, role);
    if (role == KAFKA_CONSUMER_GROUP)
        kafka_conf_set(conf, "group.id", GROUP);
    return kafka_open(conf, role, err);
}

static void close_client(rd_kafka_t *rk) {
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static enum err_code ask_committed(const struct config *config, rd_kafka_topic_partition_list_t *places,
                                   struct err *err) {
    rd_kafka_t *rk = open_client(config, KAFKA_CONSUMER_GROUP, err);
    if (rk == NULL)
        return err->code;
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, places, ASK_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < places->cnt; i++)
        code = places->elems[i].err;
    close_client(rk);
    return code ? err_set(err, ERR_KAFKA, "The group's offsets: %s", rd_kafka_err2str(code)) : ERR_OK;
}

/* It was asked what Kafka has before PostgreSQL was, so another worker that goes on meanwhile does no harm.
 */
static enum err_code compare_rows(const rd_kafka_topic_partition_list_t *places, const struct db_result *rows,
                                  struct err *err) {
    for (size_t p = 0; p < db_rows(rows) && p < (size_t)places->cnt; p++)
        if (place_number(&places->elems[p]) > db_int(rows, p, 1))
            return err_set(err, ERR_CONFIG,
                           AHEAD_OLDER ": row %" PRId64
                                       " of partition %zu is emitted, and the outbox ends at %" PRId64
                                       ". " AHEAD_RESTORE,
                           place_number(&places->elems[p]), p, db_int(rows, p, 1));
    return ERR_OK;
}

/* ---- the topics' ends ---- */

/* Where each topic went on behind the marks. Nobody reads dead letters by number. */
static rd_kafka_topic_partition_list_t *known_places(const struct db_result *rows) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t p = 0; p < db_rows(rows); p++) {
        json_t *known = json_loads(db_text(rows, p, 3), 0, NULL);
        for (int t = 0; t < LANE_DEADLETTER; t++)
            if (json_integer_value(json_object_get(known, emit_topics[t])) > 0)
                rd_kafka_topic_partition_list_add(list, emit_topics[t], (int32_t)p)->offset =
                    json_integer_value(json_object_get(known, emit_topics[t]));
        json_decref(known);
    }
    return list;
}

static enum err_code compare_end(const rd_kafka_topic_partition_t *known,
                                 const rd_kafka_topic_partition_t *end, struct err *err) {
    bool rooms = strcmp(known->topic, TOPIC_ROOMS) == 0 || strcmp(known->topic, TOPIC_MEMBERSHIP) == 0;
    if (end->offset >= known->offset)
        return ERR_OK;
    return err_set(err, ERR_CONFIG,
                   "%s ends at %" PRId64 " in partition %d, and went to %" PRId64
                   ": records are lost, or it was made anew. %s",
                   known->topic, end->offset, (int)known->partition, known->offset,
                   rooms ? "Stop all workers and run: usherctl rooms rebuild" : AHEAD_RESTORE);
}

/* All of them with one request to each broker: an end is what is asked for with the time -1. What stands
 * behind an open transaction counts, so the client is a read_uncommitted one. */
static enum err_code compare_ends(const struct config *config, const struct db_result *rows,
                                  struct err *err) {
    rd_kafka_topic_partition_list_t *known = known_places(rows),
                                    *ends = rd_kafka_topic_partition_list_copy(known);
    rd_kafka_t *rk = known->cnt > 0 ? open_client(config, KAFKA_CONSUMER_ASSIGN, err) : NULL;
    enum err_code code = known->cnt > 0 && rk == NULL ? err->code : ERR_OK;
    for (int i = 0; i < ends->cnt; i++)
        ends->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (rk != NULL) {
        rd_kafka_resp_err_t asked = rd_kafka_offsets_for_times(rk, ends, ASK_MS);
        for (int i = 0; asked == RD_KAFKA_RESP_ERR_NO_ERROR && i < ends->cnt; i++)
            asked = ends->elems[i].err;
        if (asked)
            code = err_set(err, ERR_KAFKA, "The ends of the streams: %s", rd_kafka_err2str(asked));
        close_client(rk);
    }
    for (int i = 0; code == ERR_OK && i < known->cnt; i++) {
        const rd_kafka_topic_partition_t *k = &known->elems[i],
                                         *end =
                                             rd_kafka_topic_partition_list_find(ends, k->topic, k->partition);
        code = end != NULL ? compare_end(k, end, err) : ERR_OK;
    }
    rd_kafka_topic_partition_list_destroy(known);
    rd_kafka_topic_partition_list_destroy(ends);
    return code;
}

enum err_code ahead_check(const struct config *config, struct db *db, struct err *err) {
    char partitions[16];
    const char *params[] = {partitions};
    struct db_result *rows = NULL;
    int n = (int)config_int(config, "partitions");
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new(n);
    for (int p = 0; p < n; p++)
        rd_kafka_topic_partition_list_add(places, TOPIC_COMMANDS, p);
    snprintf(partitions, sizeof partitions, "%d", n);
    enum err_code code = ahead_check_epoch(db, err);
    if (code == ERR_OK)
        code = ask_committed(config, places, err);
    if (code == ERR_OK)
        code = db_run(db, SQL_EPOCH_ROWS, params, &rows, err);
    if (code == ERR_OK)
        code = compare_rows(places, rows, err);
    if (code == ERR_OK)
        code = compare_ends(config, rows, err);
    if (rows != NULL)
        db_results_free(&rows, 1);
    rd_kafka_topic_partition_list_destroy(places);
    return code;
}
