/* The one place that sets up librdkafka clients and knows topic names; reference: pitfalls sections 3 and 4.
 */
#ifndef USHER_RUNTIME_KAFKA_CONF_H
#define USHER_RUNTIME_KAFKA_CONF_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

#include <librdkafka/rdkafka.h>

#define TOPIC_COMMANDS "usher.commands"
#define TOPIC_REPLIES "usher.replies"
#define TOPIC_MEMBERSHIP "usher.membership"
#define TOPIC_ROOMS "usher.rooms"
#define TOPIC_EVENTS "usher.events"
#define TOPIC_AUDIT "usher.audit"
#define TOPIC_DEADLETTER "usher.deadletter"

enum kafka_role {
    KAFKA_PRODUCER_IDEMPOTENT,    /* ingest: commands, audit; worker: replies */
    KAFKA_PRODUCER_TRANSACTIONAL, /* worker: events */
    KAFKA_CONSUMER_GROUP,  /* worker: commands; read_committed, no auto commit, no auto offset store, range
                              assignment */
    KAFKA_CONSUMER_ASSIGN, /* ingest: replies; read_uncommitted */
    KAFKA_ADMIN,
};

/* Config rows every Kafka-using program has: "kafka" (bootstrap servers; default "127.0.0.1:9092") and
 * "partitions" (default 12). Programs put KAFKA_CONFIG_ROWS into their table; "kafka.*" settings pass through
 * to librdkafka. */
#define KAFKA_CONFIG_ROWS                                                                                    \
    {"kafka", CONFIG_STR, "127.0.0.1:9092", 0, 0, "Kafka bootstrap servers, host:port[,…]", false}, {        \
        "partitions", CONFIG_INT, "12", 1, 1024, "partitions of every topic; must agree with the cluster",   \
            false                                                                                            \
    }

/* A configuration for role with everything that must hold set explicitly, then the pass-through settings. The
 * caller owns it until rd_kafka_new takes it. Log callback goes to log_event; it never blocks. */
rd_kafka_conf_t *kafka_conf_new(const struct config *c, enum kafka_role role);
/* kafka_conf_new + rd_kafka_new for callers that need no callbacks of their own; conf may be one from
 * kafka_conf_new with callbacks added (taken). */
rd_kafka_t *kafka_open(rd_kafka_conf_t *conf, enum kafka_role role, struct err *err);
/* Creates the topics that are missing with their settings (DESIGN section 3: retention, compaction;
 * usher.commands takes 16 MiB messages) and checks that each has `partitions` partitions (replies and
 * deadletter too). Refuses (ERR_CONFIG) where a topic has another count. */
enum err_code kafka_topics_ensure(rd_kafka_t *rk, int partitions, int replication, int timeout_ms,
                                  struct err *err);
/* Asks for the metadata of each named topic once, so that the first message need not wait. */
enum err_code kafka_warm_up(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                            struct err *err);

#endif
