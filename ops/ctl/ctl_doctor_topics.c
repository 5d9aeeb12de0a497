/* usherctl doctor: each topic: is it there, may it be seen, has it leaders and replicas, and does it keep
 * what it must. */
#include "ops/ctl/ctl_doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AREA "topics"

static const struct rd_kafka_metadata_topic *find(const struct rd_kafka_metadata *md, const char *name) {
    for (int i = 0; i < md->topic_cnt; i++)
        if (strcmp(md->topics[i].topic, name) == 0)
            return &md->topics[i];
    return NULL;
}

/* A list of all topics leaves out what may not be seen; a topic that is asked for by name says so. */
static rd_kafka_resp_err_t why_not_listed(rd_kafka_t *rk, const char *name) {
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    if (topic == NULL)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t e = rd_kafka_metadata(rk, 0, topic, &md, DOCTOR_ANSWER_MS);
    if (e == RD_KAFKA_RESP_ERR_NO_ERROR) {
        e = md->topic_cnt > 0 ? md->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        rd_kafka_metadata_destroy(md);
    }
    rd_kafka_topic_destroy(topic);
    return e;
}

bool ctl_topic_is_hidden(rd_kafka_t *rk, const char *name) {
    return why_not_listed(rk, name) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

/* Leaders, and replicas that are not up to date. */
static bool judge_partitions(struct doctor *d, const struct rd_kafka_metadata_topic *t, int brokers) {
    int headless = 0, behind = 0, replicas = 0;
    for (int i = 0; i < t->partition_cnt; i++) {
        const struct rd_kafka_metadata_partition *p = &t->partitions[i];
        headless += p->leader < 0;
        behind += p->isr_cnt < p->replica_cnt;
        replicas = p->replica_cnt;
    }
    if (headless > 0)
        doctor_say(d, DOCTOR_BAD, AREA, t->topic, "bring its brokers back: nothing is read or written there",
                   "%d partitions have no leader", headless);
    else if (behind > 0)
        doctor_say(d, DOCTOR_WARN, AREA, t->topic, "bring the missing broker back, or let it catch up",
                   "%d partitions have a replica that is away or behind", behind);
    else if (brokers > 1 && replicas == 1)
        doctor_say(d, DOCTOR_WARN, AREA, t->topic, "give it three replicas: kafka-reassign-partitions.sh",
                   "one replica, on %d brokers", brokers);
    else
        return true;
    return false;
}

/* The settings that are asked of Kafka, for one topic. */
struct found {
    const struct kafka_topic_due *due;
    int replicas;
};

static const char *value_of(const rd_kafka_ConfigResource_t *resource, const char *name) {
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]) ?: "";
    return "";
}

/* True: nothing is wrong with the settings. */
static bool judge_settings(struct doctor *d, const rd_kafka_ConfigResource_t *r, const struct found *f) {
    const struct kafka_topic_due *due = f->due;
    const char *policy = value_of(r, "cleanup.policy");
    int64_t bytes = atoll(value_of(r, "max.message.bytes")), retention = atoll(value_of(r, "retention.ms"));
    int before = d->counts[DOCTOR_WARN] + d->counts[DOCTOR_BAD];
    if (due->compacted != (strstr(policy, "compact") != NULL) ||
        (due->compacted && strstr(policy, "delete") != NULL))
        doctor_say(d, DOCTOR_BAD, AREA, due->name,
                   due->compacted ? "kafka-configs.sh --alter --add-config cleanup.policy=compact"
                                  : "kafka-configs.sh --alter --add-config cleanup.policy=delete",
                   "cleanup.policy=%s, it must be %s", policy, due->compacted ? "compact" : "delete");
    if (bytes < due->record_bytes)
        doctor_say(d, DOCTOR_BAD, AREA, due->name,
                   "raise it (ops/topics.md): larger records are refused for ever",
                   "max.message.bytes=%" PRId64 ", %d are needed", bytes, due->record_bytes);
    if (!due->compacted && retention >= 0 && retention < due->retention_ms)
        doctor_say(d, DOCTOR_WARN, AREA, due->name,
                   "raise it (ops/topics.md): who is away for longer misses records",
                   "retention.ms=%" PRId64 ", meant are %" PRId64, retention, due->retention_ms);
    if (strcmp(value_of(r, "unclean.leader.election.enable"), "true") == 0)
        doctor_say(d, DOCTOR_BAD, AREA, due->name, "switch it off: acknowledged records can vanish",
                   "unclean.leader.election.enable=true");
    if (f->replicas >= 3 && atoi(value_of(r, "min.insync.replicas")) < 2)
        doctor_say(d, DOCTOR_WARN, AREA, due->name,
                   "set it to 2: what one broker alone has acknowledged can be lost with it",
                   "min.insync.replicas=%s, with %d replicas", value_of(r, "min.insync.replicas"),
                   f->replicas);
    return d->counts[DOCTOR_WARN] + d->counts[DOCTOR_BAD] == before;
}

static void ask_settings(rd_kafka_t *rk, const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *queue,
                         void *ctx) {
    rd_kafka_ConfigResource_t *wanted = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, ctx);
    rd_kafka_DescribeConfigs(rk, &wanted, 1, options, queue);
    rd_kafka_ConfigResource_destroy(wanted);
}

static bool look_at_settings(struct doctor *d, rd_kafka_t *rk, const struct found *f) {
    char why[300], name[64];
    size_t n;
    bool good = true;
    snprintf(name, sizeof name, "%s", f->due->name);
    rd_kafka_event_t *event =
        doctor_ask(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, ask_settings, name, why, sizeof why);
    if (event == NULL)
        return true; /* a trial broker knows none */
    const rd_kafka_ConfigResource_t **found =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);
    if (n == 1 && rd_kafka_ConfigResource_error(found[0]) == RD_KAFKA_RESP_ERR_NO_ERROR)
        good = judge_settings(d, found[0], f);
    else if (n == 1 &&
             rd_kafka_ConfigResource_error(found[0]) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        doctor_say(d, DOCTOR_WARN, AREA, f->due->name, "give this principal DescribeConfigs on it",
                   "its settings cannot be seen");
        good = false;
    }
    rd_kafka_event_destroy(event);
    return good;
}

static void look_at_topic(struct doctor *d, rd_kafka_t *rk, const struct rd_kafka_metadata *md,
                          const struct kafka_topic_due *due) {
    const struct rd_kafka_metadata_topic *t = find(md, due->name);
    long partitions = config_int(d->c->config, "partitions");
    if (t == NULL || t->partition_cnt == 0) {
        bool hidden = ctl_topic_is_hidden(rk, due->name);
        doctor_say(
            d, DOCTOR_BAD, AREA, due->name,
            hidden
                ? "give this principal Describe on it (ops/topics.md, \"Access rights\")"
                : "start usher-worker, which makes it; where it was lost: \"What was lost\" in the runbook",
            hidden ? "may not be seen by this principal" : "is missing");
        return;
    }
    struct found f = {due, t->partitions[0].replica_cnt};
    if (t->partition_cnt != partitions) {
        doctor_say(d, DOCTOR_BAD, AREA, due->name,
                   "set partitions to what the topics were made with; it can never change",
                   "%d partitions, the setting says %ld", t->partition_cnt, partitions);
        return;
    }
    bool good = judge_partitions(d, t, md->broker_cnt);
    if (look_at_settings(d, rk, &f) && good)
        doctor_say(d, DOCTOR_OK, AREA, due->name, NULL, "%d partitions, %d replicas", t->partition_cnt,
                   f.replicas);
}

void doctor_topics(struct doctor *d, rd_kafka_t *rk, const struct rd_kafka_metadata *md) {
    struct kafka_topic_due due;
    for (size_t i = 0; kafka_topic_due(i, &due); i++)
        look_at_topic(d, rk, md, &due);
}
