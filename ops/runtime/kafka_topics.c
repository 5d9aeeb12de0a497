/* The topics: which there are, with what settings, and that all are there with the same number of partitions.
 */
#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTINGS 4
#define RECORD_LIMIT "max.message.bytes"

/* Kafka's setting is of a whole batch, so a little more than the largest record: of 16 MiB, and of 1 MiB. */
#define COMMAND_BYTES 16842752
#define RECORD_BYTES 1048588
#define TEXT(n) TEXT_OF(n)
#define TEXT_OF(n) #n

/* Retention in milliseconds. */
static const struct topic {
    const char *name;
    int record_bytes; /* what it must take */
    struct {
        const char *key, *value;
    } settings[SETTINGS];
} topics[] = {
    {TOPIC_COMMANDS, COMMAND_BYTES, {{"retention.ms", "604800000"}, {RECORD_LIMIT, TEXT(COMMAND_BYTES)}}},
    /* Retention removes whole segments, so segments must be as short as the retention. */
    {TOPIC_REPLIES,
     RECORD_BYTES,
     {{"retention.ms", "600000"}, {"segment.ms", "600000"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
    {TOPIC_MEMBERSHIP, RECORD_BYTES, {{"retention.ms", "2592000000"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
    {TOPIC_ROOMS, RECORD_BYTES, {{"cleanup.policy", "compact"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
    {TOPIC_EVENTS, RECORD_BYTES, {{"retention.ms", "2592000000"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
    {TOPIC_AUDIT, RECORD_BYTES, {{"retention.ms", "2592000000"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
    {TOPIC_CHECKPOINTS, RECORD_BYTES, {{"cleanup.policy", "compact"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
    {TOPIC_DEADLETTER, RECORD_BYTES, {{"retention.ms", "2592000000"}, {RECORD_LIMIT, TEXT(RECORD_BYTES)}}},
};
#define NTOPICS (sizeof topics / sizeof *topics)

bool kafka_topic_due(size_t i, struct kafka_topic_due *due) {
    if (i >= NTOPICS)
        return false;
    *due = (struct kafka_topic_due){.name = topics[i].name, .record_bytes = topics[i].record_bytes};
    for (int k = 0; k < SETTINGS && topics[i].settings[k].key; k++) {
        if (strcmp(topics[i].settings[k].key, "cleanup.policy") == 0)
            due->compacted = true;
        if (strcmp(topics[i].settings[k].key, "retention.ms") == 0)
            due->retention_ms = atoll(topics[i].settings[k].value);
    }
    return true;
}

enum seen { SEEN_MISSING, SEEN_NOT_READY, SEEN_GOOD };

/* Reads the metadata of one topic. Another number of partitions is refused at once, because waiting does not
 * change it. */
static enum err_code judge_topic(const struct rd_kafka_metadata_topic *md, int partitions, enum seen *seen,
                                 struct err *err) {
    *seen = SEEN_MISSING;
    if (md->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || md->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return ERR_OK;
    *seen = SEEN_NOT_READY;
    if (md->err != RD_KAFKA_RESP_ERR_NO_ERROR || md->partition_cnt == 0)
        return ERR_OK;
    if (md->partition_cnt != partitions)
        return err_set(err, ERR_CONFIG, "topic %s has %d partitions, the setting partitions says %d",
                       md->topic, md->partition_cnt, partitions);
    for (int i = 0; i < md->partition_cnt; i++)
        if (md->partitions[i].err || md->partitions[i].leader < 0)
            return ERR_OK;
    *seen = SEEN_GOOD;
    return ERR_OK;
}

/* Is there a controller that CreateTopics can be sent to? A mock cluster names one that is none of its
 * brokers, and the library would wait for it in vain. A real cluster that starts may have none for a moment.
 */
static bool has_controller(rd_kafka_t *rk, const struct rd_kafka_metadata *md) {
    int32_t controller = rd_kafka_controllerid(rk, 500);
    for (int i = 0; i < md->broker_cnt; i++)
        if (md->brokers[i].id == controller)
            return true;
    return false;
}

static enum err_code look(rd_kafka_t *rk, int partitions, int timeout_ms, enum seen seen[NTOPICS],
                          bool *controller, struct err *err) {
    const struct rd_kafka_metadata *md;
    char why[300];
    rd_kafka_resp_err_t failed = rd_kafka_metadata(rk, 1, NULL, &md, timeout_ms);
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, ERR_KAFKA, "Kafka does not answer: %s", kafka_why(failed, why, sizeof why));
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < NTOPICS; i++)
        seen[i] = SEEN_MISSING;
    for (int t = 0; code == ERR_OK && t < md->topic_cnt; t++)
        for (size_t i = 0; code == ERR_OK && i < NTOPICS; i++)
            if (strcmp(md->topics[t].topic, topics[i].name) == 0)
                code = judge_topic(&md->topics[t], partitions, &seen[i], err);
    *controller = has_controller(rk, md);
    rd_kafka_metadata_destroy(md);
    return code;
}

static rd_kafka_NewTopic_t *new_topic(const struct topic *t, int partitions, int replication) {
    char why[256];
    rd_kafka_NewTopic_t *nt =
        rd_kafka_NewTopic_new(t->name, partitions, replication > 0 ? replication : -1, why, sizeof why);
    if (nt == NULL)
        return NULL;
    for (int i = 0; i < SETTINGS && t->settings[i].key; i++)
        rd_kafka_NewTopic_set_config(nt, t->settings[i].key, t->settings[i].value);
    /* Where there are three brokers, an acknowledged record is on two of them. */
    if (replication >= 3)
        rd_kafka_NewTopic_set_config(nt, "min.insync.replicas", "2");
    return nt;
}

/* *supported becomes false if the broker does not know CreateTopics. */
static enum err_code read_created(rd_kafka_event_t *ev, bool *supported, struct err *err) {
    rd_kafka_resp_err_t failed = rd_kafka_event_error(ev);
    *supported = failed != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    if (!*supported)
        return ERR_OK;
    if (failed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, ERR_KAFKA, "cannot create topics: %s", rd_kafka_event_error_string(ev));
    size_t n;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t each = rd_kafka_topic_result_error(results[i]);
        const char *name = rd_kafka_topic_result_name(results[i]);
        if (each == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            /* Another program that started at the same time has created it. */
            continue;
        if (each != RD_KAFKA_RESP_ERR_NO_ERROR)
            return err_set(err, ERR_KAFKA, "cannot create topic %s: %s", name,
                           rd_kafka_topic_result_error_string(results[i]) ?: rd_kafka_err2str(each));
        log_event(LOG_INFO, "topic_created", "topic=%s", name);
    }
    return ERR_OK;
}

static enum err_code create_topics(rd_kafka_t *rk, const enum seen seen[NTOPICS], int partitions,
                                   int replication, int timeout_ms, bool *supported, struct err *err) {
    rd_kafka_NewTopic_t *wanted[NTOPICS];
    size_t n = 0;
    for (size_t i = 0; i < NTOPICS; i++) {
        if (seen[i] != SEEN_MISSING)
            continue;
        wanted[n] = new_topic(&topics[i], partitions, replication);
        if (wanted[n] == NULL)
            return err_set(err, ERR_CONFIG, "cannot create topic %s with %d partitions", topics[i].name,
                           partitions);
        n++;
    }
    char why[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, wanted, n, options, queue);
    rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    enum err_code code = ev != NULL ? read_created(ev, supported, err)
                                    : err_set(err, ERR_KAFKA, "cannot create topics: no answer");
    if (ev != NULL)
        rd_kafka_event_destroy(ev);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy_array(wanted, n);
    return code;
}

/* The other way to create a topic: a broker with automatic creation makes it when a client asks for its
 * metadata. */
static void ask_for(rd_kafka_t *rk, const enum seen seen[NTOPICS], int timeout_ms) {
    for (size_t i = 0; i < NTOPICS; i++)
        if (seen[i] == SEEN_MISSING)
            (void)kafka_warm_up(rk, &topics[i].name, 1, timeout_ms, NULL);
}

static bool all_good(const enum seen seen[NTOPICS]) {
    for (size_t i = 0; i < NTOPICS; i++)
        if (seen[i] != SEEN_GOOD)
            return false;
    return true;
}

static bool any_missing(const enum seen seen[NTOPICS]) {
    for (size_t i = 0; i < NTOPICS; i++)
        if (seen[i] == SEEN_MISSING)
            return true;
    return false;
}

enum err_code kafka_topics_ensure(rd_kafka_t *rk, int partitions, int replication, int timeout_ms,
                                  struct err *err) {
    int64_t deadline = clock_mono_us() + (int64_t)timeout_ms * 1000;
    bool created = false, supported = false;
    for (;;) {
        int left = (int)((deadline - clock_mono_us()) / 1000);
        enum seen seen[NTOPICS] = {SEEN_MISSING};
        enum err_code code = look(rk, partitions, left > 100 ? left : 100, seen, &supported, err);
        if (code != ERR_OK || all_good(seen))
            return code;
        if (left <= 0)
            return err_set(err, ERR_KAFKA, "the topics did not become ready in %d ms", timeout_ms);
        if (any_missing(seen) && !created) {
            if (supported)
                code = create_topics(rk, seen, partitions, replication, left, &supported, err);
            if (code != ERR_OK)
                return code;
            created = supported;
            if (!supported)
                ask_for(rk, seen, left);
        }
        /* After a creation, leaders are still being chosen and metadata come with some delay. */
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
}

/* ---- what they take ---- */

static int limit_of(const rd_kafka_ConfigResource_t *resource) {
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), RECORD_LIMIT) == 0)
            return atoi(rd_kafka_ConfigEntry_value(entries[i]) ?: "0");
    return 0;
}

/* A topic whose settings we may not see is taken for good. */
static enum err_code judge_limits(rd_kafka_event_t *event, struct err *err) {
    size_t n;
    const rd_kafka_ConfigResource_t **found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);
    for (size_t i = 0; i < n; i++) {
        int limit = rd_kafka_ConfigResource_error(found[i]) ? 0 : limit_of(found[i]);
        for (size_t t = 0; limit > 0 && t < NTOPICS; t++)
            if (strcmp(rd_kafka_ConfigResource_name(found[i]), topics[t].name) == 0 &&
                limit < topics[t].record_bytes)
                return err_set(err, ERR_CONFIG, "topic %s has " RECORD_LIMIT "=%d, %d are needed",
                               topics[t].name, limit, topics[t].record_bytes);
    }
    return ERR_OK;
}

enum err_code kafka_topics_limits(rd_kafka_t *rk, int timeout_ms, struct err *err) {
    rd_kafka_ConfigResource_t *wanted[NTOPICS];
    char why[256];
    for (size_t i = 0; i < NTOPICS; i++)
        wanted[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i].name);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DescribeConfigs(rk, wanted, NTOPICS, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + 1000);
    enum err_code code;
    if (event == NULL || rd_kafka_event_error(event))
        code = err_set(err, ERR_KAFKA, "the topics' settings cannot be seen: %s",
                       event != NULL ? rd_kafka_event_error_string(event) : "no answer");
    else
        code = judge_limits(event, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy_array(wanted, NTOPICS);
    return code;
}
