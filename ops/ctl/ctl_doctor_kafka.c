/* usherctl doctor: Kafka as a whole, the workers' group, and whether it takes transactions. */
#include "ops/ctl/ctl_doctor.h"
#include "ops/runtime/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define AREA "kafka"
#define WORKER_GROUP "usher-worker"
#define LAG_WARN 1000
/* The workers' transactions are ended by Kafka after 10 s at the latest, and a second later its cleaner has
 * been there. */
#define HANGS_MS 12000
#define CHECK_ID "usher-selfcheck-doctor"

static rd_kafka_t *open_as(struct doctor *d, enum kafka_role role, const char *key, const char *value,
                           struct err *err) {
    char text[256];
    rd_kafka_conf_t *conf = kafka_conf_new(d->c->config, role);
    /* Who may not begin transactions is told so in one line of the result, and not by the library besides. */
    if (role == KAFKA_PRODUCER_TRANSACTIONAL)
        kafka_conf_set(conf, "log_level", "0");
    if (key != NULL && rd_kafka_conf_set(conf, key, value, text, sizeof text) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        (void)err_set(err, ERR_CONFIG, "%s", text);
        return NULL;
    }
    return kafka_open(conf, role, err);
}

/* A mock cluster names a controller that is none of its brokers. */
static bool is_trial(rd_kafka_t *rk, const struct rd_kafka_metadata *md) {
    int32_t controller = rd_kafka_controllerid(rk, 1000);
    for (int i = 0; i < md->broker_cnt; i++)
        if (md->brokers[i].id == controller)
            return false;
    return true;
}

/* ---- transactions ---- */

/* What the worker's own check at its start does, up to where it would write. */
static void look_at_transactions(struct doctor *d) {
    struct err err = {0};
    rd_kafka_t *rk = open_as(d, KAFKA_PRODUCER_TRANSACTIONAL, "transactional.id", CHECK_ID, &err);
    if (rk == NULL) {
        doctor_say(d, DOCTOR_BAD, AREA, "transactions", NULL, "%s", err_text(&err));
        return;
    }
    rd_kafka_error_t *failed = rd_kafka_init_transactions(rk, DOCTOR_ANSWER_MS);
    if (failed == NULL)
        doctor_say(d, DOCTOR_OK, AREA, "transactions", NULL, "this Kafka takes them");
    else if (rd_kafka_error_code(failed) == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        doctor_say(d, DOCTOR_OK, AREA, "transactions", NULL,
                   "not tried: this principal has no right to the transactional id " CHECK_ID);
    else
        doctor_say(d, DOCTOR_BAD, AREA, "transactions",
                   "see the brokers' logs, and that __transaction_state has its replicas", "%s",
                   rd_kafka_error_string(failed));
    if (failed != NULL)
        rd_kafka_error_destroy(failed);
    rd_kafka_destroy(rk);
}

/* ---- a transaction that hangs ---- */

struct ends {
    int n;
    int64_t stable[1024],
        high[1024]; /* of each partition: where read_committed and read_uncommitted readers get to */
};

static void read_ends(rd_kafka_t *committed, rd_kafka_t *uncommitted, const char *topic, struct ends *e) {
    for (int i = 0; i < e->n; i++) {
        int64_t low;
        if (rd_kafka_query_watermark_offsets(committed, topic, i, &low, &e->stable[i], DOCTOR_ANSWER_MS) !=
                0 ||
            rd_kafka_query_watermark_offsets(uncommitted, topic, i, &low, &e->high[i], DOCTOR_ANSWER_MS) != 0)
            e->stable[i] = e->high[i] = 0;
    }
}

/* Partitions where readers have not got on while Kafka should have ended any transaction of usher's. */
static void look_at_hanging(struct doctor *d, int partitions) {
    static struct ends first, second;
    struct err err = {0};
    rd_kafka_t *committed = open_as(d, KAFKA_CONSUMER_ENDS, "group.id", CHECK_ID, &err);
    rd_kafka_t *uncommitted = open_as(d, KAFKA_CONSUMER_ASSIGN, "group.id", CHECK_ID, &err);
    int stuck = 0, open = 0;
    first.n = second.n = partitions <= 1024 ? partitions : 1024;
    if (committed != NULL && uncommitted != NULL) {
        read_ends(committed, uncommitted, TOPIC_AUDIT, &first);
        for (int i = 0; i < first.n; i++)
            open += first.stable[i] < first.high[i];
        if (open > 0) {
            nanosleep(&(struct timespec){.tv_sec = HANGS_MS / 1000}, NULL);
            read_ends(committed, uncommitted, TOPIC_AUDIT, &second);
        }
        for (int i = 0; open > 0 && i < first.n; i++)
            stuck += first.stable[i] < first.high[i] && second.stable[i] == first.stable[i] &&
                     second.stable[i] < second.high[i];
        doctor_say(d, stuck > 0 ? DOCTOR_BAD : DOCTOR_OK, AREA, "hanging transactions",
                   stuck > 0 ? "see \"A transaction that hangs\" in the runbook" : NULL,
                   "%d partitions of " TOPIC_AUDIT " have stood still for %d s", stuck,
                   open > 0 ? HANGS_MS / 1000 : 0);
    }
    if (committed != NULL)
        rd_kafka_destroy(committed);
    if (uncommitted != NULL)
        rd_kafka_destroy(uncommitted);
}

/* ---- how far everybody is ---- */

/* The end of a partition; -1: not known. */
static int64_t end_of(rd_kafka_t *rk, const char *topic, int partition, int64_t *low) {
    int64_t high = -1;
    if (rd_kafka_query_watermark_offsets(rk, topic, partition, low, &high, DOCTOR_ANSWER_MS) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    return high;
}

static void say_lag(struct doctor *d, const char *who, const char *topic, int64_t lag) {
    doctor_say(d, lag > LAG_WARN ? DOCTOR_WARN : DOCTOR_OK, "lag", who,
               lag > LAG_WARN ? "it is dead, stuck or too slow: see its /readyz and its log" : NULL,
               "%" PRId64 " records of %s wait", lag, topic);
}

static void look_at_commands(struct doctor *d, rd_kafka_t *rk, int partitions) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    int64_t total = 0, low = 0;
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, TOPIC_COMMANDS, i);
    rd_kafka_resp_err_t e = rd_kafka_committed(rk, list, DOCTOR_ANSWER_MS);
    for (int i = 0; e == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        e = list->elems[i].err;
        int64_t high = end_of(rk, TOPIC_COMMANDS, i, &low), at = list->elems[i].offset;
        total += high - (at >= low ? at : low);
    }
    if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
        say_lag(d, "workers", TOPIC_COMMANDS, total);
    else
        doctor_say(d, DOCTOR_WARN, "lag", "workers",
                   "give this principal Describe on the group " WORKER_GROUP, "not known: %s",
                   rd_kafka_err2str(e));
    rd_kafka_topic_partition_list_destroy(list);
}

/* Archive and deliveries note their places in PostgreSQL. */
static void look_at_places(struct doctor *d, rd_kafka_t *rk) {
    struct db_result *r = NULL;
    struct err why = {0};
    int64_t archive = 0, deliveries = 0, low = 0;
    if (db_run(d->c->db, SQL_CTL_DOCTOR_PLACES, NULL, &r, &why) != ERR_OK)
        return; /* the part about PostgreSQL has said why */
    for (size_t i = 0; i < db_rows(r); i++) {
        const char *topic = db_text(r, i, 0);
        int64_t high = end_of(rk, topic, (int)db_int(r, i, 1), &low), at = db_int(r, i, 2);
        int64_t lag = high > at ? high - (at >= low ? at : low) : 0;
        *(strcmp(topic, TOPIC_AUDIT) == 0 ? &archive : &deliveries) += lag;
    }
    db_results_free(&r, 1);
    say_lag(d, "archive", TOPIC_AUDIT, archive);
    say_lag(d, "deliveries", TOPIC_EVENTS " and " TOPIC_MEMBERSHIP, deliveries);
}

void doctor_lag(struct doctor *d, rd_kafka_t *rk, const struct rd_kafka_metadata *md) {
    for (int i = 0; i < md->topic_cnt; i++)
        if (strcmp(md->topics[i].topic, TOPIC_COMMANDS) == 0 && md->topics[i].partition_cnt > 0)
            look_at_commands(d, rk, md->topics[i].partition_cnt);
    if (!d->unreachable)
        look_at_places(d, rk);
}

/* ---- all of it ---- */

static void look(struct doctor *d, rd_kafka_t *rk, const struct rd_kafka_metadata *md) {
    bool trial = is_trial(rk, md);
    doctor_say(d, trial ? DOCTOR_WARN : DOCTOR_OK, AREA, "brokers",
               trial ? "take Apache Kafka: what this broker holds is lost when it ends" : NULL, "%d%s",
               md->broker_cnt, trial ? ", usher-broker" : "");
    doctor_topics(d, rk, md);
    if (trial)
        doctor_say(d, DOCTOR_OK, AREA, "transactions", NULL,
                   "not tried: usher-broker does not keep their promises");
    else {
        look_at_transactions(d);
        for (int i = 0; i < md->topic_cnt; i++)
            if (strcmp(md->topics[i].topic, TOPIC_AUDIT) == 0)
                look_at_hanging(d, md->topics[i].partition_cnt);
        doctor_rights(d, rk);
    }
    doctor_lag(d, rk, md);
}

void doctor_kafka(struct doctor *d) {
    const struct rd_kafka_metadata *md = NULL;
    struct err err = {0};
    char why[300];
    rd_kafka_t *rk = open_as(d, KAFKA_CONSUMER_ASSIGN, "group.id", WORKER_GROUP, &err);
    if (rk != NULL) {
        rd_kafka_resp_err_t e = rd_kafka_metadata(rk, 1, NULL, &md, DOCTOR_ANSWER_MS);
        if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
            (void)err_set(&err, ERR_KAFKA, "%s", kafka_why(e, why, sizeof why));
    }
    if (md == NULL) {
        d->unreachable = true;
        doctor_say(d, DOCTOR_BAD, AREA, "reachable",
                   "check the setting kafka, the brokers, and kafka.* (TLS, SASL)", "%s: %s",
                   config_str(d->c->config, "kafka"), err_text(&err));
    } else {
        look(d, rk, md);
        rd_kafka_metadata_destroy(md);
    }
    if (rk != NULL)
        rd_kafka_destroy(rk);
}
