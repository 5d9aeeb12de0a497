/* The Kafka part of usherctl status: topics, partitions, and how far the workers are behind. */
#include "ops/ctl/ctl_doctor.h"

#include "ops/runtime/kafka_conf.h"

#include <inttypes.h>
#include <string.h>

#define ANSWER_MS 5000
#define WORKER_GROUP "usher-worker"

static const char *const topics[] = {TOPIC_COMMANDS, TOPIC_REPLIES, TOPIC_MEMBERSHIP,  TOPIC_ROOMS,
                                     TOPIC_EVENTS,   TOPIC_AUDIT,   TOPIC_CHECKPOINTS, TOPIC_DEADLETTER};
#define NTOPICS (sizeof topics / sizeof topics[0])

static int partitions_of(const struct rd_kafka_metadata *md, const char *topic) {
    for (int i = 0; i < md->topic_cnt; i++) {
        if (strcmp(md->topics[i].topic, topic) == 0)
            return md->topics[i].partition_cnt;
    }
    return 0;
}

static bool put_topics(struct ctl *c, rd_kafka_t *rk, const struct rd_kafka_metadata *md) {
    long due = config_int(c->config, "partitions");
    bool good = true;
    if (c->json) {
        jb_key(&c->out, "topics");
        jb_raw(&c->out, "[");
    }
    for (size_t i = 0; i < NTOPICS; i++) {
        int found = partitions_of(md, topics[i]);
        bool hidden = found == 0 && ctl_topic_is_hidden(rk, topics[i]);
        good = good && found == due;
        if (c->json) {
            jb_sep(&c->out);
            jb_raw(&c->out, "{");
            jb_kstr(&c->out, "name", topics[i]);
            jb_kint(&c->out, "partitions", found);
            jb_kbool(&c->out, "hidden", hidden);
            jb_raw(&c->out, "}");
        } else if (hidden) {
            jb_printf(&c->out, "  %-18s may NOT be seen by this principal: it needs Describe on it\n",
                      topics[i]);
        } else if (found == 0) {
            jb_printf(&c->out, "  %-18s MISSING: starting usher-worker creates it\n", topics[i]);
        } else {
            jb_printf(&c->out, "  %-18s %d partitions%s\n", topics[i], found,
                      found == due ? "" : ", which is NOT what the setting says");
        }
    }
    if (c->json)
        jb_raw(&c->out, "]");
    return good;
}

/* One partition: what is left to read, from the committed offset, or from the start where none is committed.
 * -1: not known. */
static int64_t put_partition(struct ctl *c, rd_kafka_t *rk, const rd_kafka_topic_partition_t *p) {
    int64_t low = 0, high = 0, lag = -1;
    if (p->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_query_watermark_offsets(rk, p->topic, p->partition, &low, &high, ANSWER_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        lag = high - (p->offset >= 0 ? p->offset : low);
    if (!c->json) {
        if (lag > 0)
            jb_printf(&c->out, "  partition %-8" PRId32 " committed %" PRId64 ", end %" PRId64 "\n",
                      p->partition, p->offset >= 0 ? p->offset : low, high);
        return lag;
    }
    jb_sep(&c->out);
    jb_raw(&c->out, "{");
    jb_kint(&c->out, "partition", p->partition);
    jb_key(&c->out, "committed");
    if (p->offset >= 0)
        jb_int(&c->out, p->offset);
    else
        jb_raw(&c->out, "null");
    jb_kint(&c->out, "end", high);
    jb_kint(&c->out, "lag", lag);
    jb_raw(&c->out, "}");
    return lag;
}

static void put_lag(struct ctl *c, rd_kafka_t *rk, int partitions) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    int64_t total = 0;
    bool known = true;
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, TOPIC_COMMANDS, i);
    rd_kafka_resp_err_t e = rd_kafka_committed(rk, list, ANSWER_MS);
    if (c->json) {
        jb_key(&c->out, "lag");
        jb_raw(&c->out, "{");
        jb_kstr(&c->out, "group", WORKER_GROUP);
        jb_kstr(&c->out, "error", e != RD_KAFKA_RESP_ERR_NO_ERROR ? rd_kafka_err2str(e) : NULL);
        jb_kraw(&c->out, "partitions", "[");
    }
    for (int i = 0; e == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        int64_t lag = put_partition(c, rk, &list->elems[i]);
        known = known && lag >= 0;
        total += lag > 0 ? lag : 0;
    }
    known = known && e == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (c->json) {
        jb_raw(&c->out, "]");
        jb_kint(&c->out, "total", known ? total : -1);
        jb_raw(&c->out, "}");
    } else if (known) {
        jb_printf(&c->out, "lag         %" PRId64 " commands wait for group " WORKER_GROUP "\n", total);
    } else {
        jb_printf(&c->out, "lag         not known: %s\n", rd_kafka_err2str(e));
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* A client that never subscribes: it only asks about the workers' group. */
static rd_kafka_t *open_client(struct ctl *c, struct err *err) {
    char text[256];
    rd_kafka_conf_t *conf = kafka_conf_new(c->config, KAFKA_CONSUMER_ASSIGN);
    if (rd_kafka_conf_set(conf, "group.id", WORKER_GROUP, text, sizeof text) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        (void)err_set(err, ERR_CONFIG, "%s", text);
        return NULL;
    }
    return kafka_open(conf, KAFKA_CONSUMER_ASSIGN, err);
}

bool ctl_status_kafka(struct ctl *c) {
    const struct rd_kafka_metadata *md = NULL;
    struct err err = {0};
    char why[300];
    rd_kafka_t *rk = open_client(c, &err);
    bool good = false;
    if (rk != NULL) {
        rd_kafka_resp_err_t e = rd_kafka_metadata(rk, 1, NULL, &md, ANSWER_MS);
        if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
            (void)err_set(&err, ERR_KAFKA, "%s", kafka_why(e, why, sizeof why));
    }
    if (c->json) {
        jb_key(&c->out, "kafka");
        jb_raw(&c->out, "{");
        jb_kstr(&c->out, "bootstrap", config_str(c->config, "kafka"));
        jb_kbool(&c->out, "reachable", md != NULL);
        jb_kstr(&c->out, "error", md != NULL ? NULL : err_text(&err));
    } else if (md != NULL) {
        jb_printf(&c->out, "Kafka       %s reachable, %d broker%s\n", config_str(c->config, "kafka"),
                  md->broker_cnt, md->broker_cnt == 1 ? "" : "s");
    } else {
        jb_printf(&c->out, "Kafka       %s NOT reachable: %s\n", config_str(c->config, "kafka"),
                  err_text(&err));
    }
    if (md != NULL) {
        good = put_topics(c, rk, md);
        if (partitions_of(md, TOPIC_COMMANDS) > 0)
            put_lag(c, rk, partitions_of(md, TOPIC_COMMANDS));
        rd_kafka_metadata_destroy(md);
    }
    if (c->json)
        jb_raw(&c->out, "}");
    if (rk != NULL)
        rd_kafka_destroy(rk);
    return good;
}
