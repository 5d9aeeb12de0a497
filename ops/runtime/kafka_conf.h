/* The one place that sets up librdkafka clients and knows topic names. */
#ifndef USHER_RUNTIME_KAFKA_CONF_H
#define USHER_RUNTIME_KAFKA_CONF_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#define TOPIC_COMMANDS "usher.commands"
#define TOPIC_REPLIES "usher.replies"
#define TOPIC_MEMBERSHIP "usher.membership"
#define TOPIC_ROOMS "usher.rooms"
#define TOPIC_EVENTS "usher.events"
#define TOPIC_AUDIT "usher.audit"
#define TOPIC_CHECKPOINTS "usher.checkpoints"
#define TOPIC_DEADLETTER "usher.deadletter"

/* The largest record of any topic (of usher.commands; the others: RECORD_MAX); kafka_conf_new lets producers
 * and consumers carry it. */
#define KAFKA_RECORD_MAX (16 * 1024 * 1024)

enum kafka_role {
    /* Ingest: commands, audit. */
    KAFKA_PRODUCER_IDEMPOTENT,
    /* Worker: replies. Their order means nothing, and an ingest drops a reply that comes twice. Unlike an
       idempotent producer, a plain one never waits for records in flight (librdkafka 2.0.x waits busily). */
    KAFKA_PRODUCER_PLAIN,
    /* Worker: events. */
    KAFKA_PRODUCER_TRANSACTIONAL,
    /* Worker: commands. read_committed, no auto commit, no auto offset store, range assignment. */
    KAFKA_CONSUMER_GROUP,
    /* Ingest: replies. read_uncommitted. */
    KAFKA_CONSUMER_ASSIGN,
    /* Worker: how far the streams go, where Kafka has forgotten it. read_committed, and says where a
       partition ends. */
    KAFKA_CONSUMER_ENDS,
    KAFKA_ADMIN,
};

/* The settings of every program that uses Kafka. Programs put KAFKA_CONFIG_ROWS into their table, and
 * kafka_pass into their spec. */
#define KAFKA_CONFIG_ROWS                                                                                    \
    {"kafka", CONFIG_STR, "127.0.0.1:9092", 0, 0, "Kafka bootstrap servers, host:port[,…]", false}, {        \
        "partitions", CONFIG_INT, "12", 1, 1024, "partitions of every topic; must agree with the cluster",   \
            false                                                                                            \
    }

/* "kafka.*" settings, for the spec of a program that has KAFKA_CONFIG_ROWS. Accepts every setting that
 * librdkafka knows, except those that usher's promises rest on (idempotence, isolation, offsets). */
extern const struct config_pass kafka_pass;

/* A configuration for a role. Everything that must hold is set explicitly; the pass-through settings come
 * from c (NULL in tests: none). The caller owns it until rd_kafka_new takes it, and adds group.id,
 * transactional.id, client.id and callbacks. The time-out of a record is 30 s; for records that must never be
 * given up, the caller sets message.timeout.ms=0. The log callback writes to log_event and never blocks. */
rd_kafka_conf_t *kafka_conf_new(const struct config *c, enum kafka_role role);
/* Sets one more property. If librdkafka refuses it, that is a mistake in the program, and the process ends.
 */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *key, const char *value);
/* What a broker, or the way to one, was last said to be wrong with in this process ("… Connection refused",
 * "… SASL authentication error: …"), in out, which is returned; "" where nothing was. */
const char *kafka_trouble(char *out, size_t n);
/* That, where a request was not answered and there is such a text; else the library's words for code. */
const char *kafka_why(rd_kafka_resp_err_t code, char *out, size_t n);
/* rd_kafka_new for a conf from kafka_conf_new. The conf is taken in any case. NULL with err (ERR_KAFKA) on
 * failure. */
rd_kafka_t *kafka_open(rd_kafka_conf_t *conf, enum kafka_role role, struct err *err);
/* Creates the topics that are missing with their settings (ops/topics.md) and checks that each has
 * `partitions` partitions. Refuses (ERR_CONFIG) where a topic has another count. A broker that cannot create
 * topics by request (usher-broker) makes them when asked about them. replication 0 = the broker's default. */
enum err_code kafka_topics_ensure(rd_kafka_t *rk, int partitions, int replication, int timeout_ms,
                                  struct err *err);
/* What the i-th topic must be (ops/topics.md). False behind the last one. */
struct kafka_topic_due {
    const char *name;
    int record_bytes;     /* what it must take */
    bool compacted;       /* the others forget by time */
    int64_t retention_ms; /* how long it must hold; 0: compacted */
};
bool kafka_topic_due(size_t i, struct kafka_topic_due *due);
/* Does each topic take records as large as usher writes? ERR_CONFIG, and which one, if it was made with less.
 * ERR_KAFKA: cannot be found out, as a trial broker knows no settings. */
enum err_code kafka_topics_limits(rd_kafka_t *rk, int timeout_ms, struct err *err);
/* Asks for the metadata of each named topic once, so that the first message need not wait. */
enum err_code kafka_warm_up(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                            struct err *err);

/* The newest header of that name as a text. False: there is none, or it does not fit. */
bool kafka_header_text(const rd_kafka_message_t *m, const char *name, char *out, size_t size);

#endif
