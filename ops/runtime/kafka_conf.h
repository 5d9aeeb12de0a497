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
#define TOPIC_DEADLETTER "usher.deadletter"

/* The largest record of any topic (of usher.commands; the others: RECORD_MAX); kafka_conf_new lets producers
 * and consumers carry it. */
#define KAFKA_RECORD_MAX (16 * 1024 * 1024)

enum kafka_role {
    KAFKA_PRODUCER_IDEMPOTENT, /* ingest: commands, audit */
    KAFKA_PRODUCER_PLAIN, /* worker: replies. One that comes twice is dropped by who waits, their order means
                             nothing; and unlike an idempotent producer it never has to wait for what is in
                             flight (2.0.x waits busily) */
    KAFKA_PRODUCER_TRANSACTIONAL, /* worker: events */
    KAFKA_CONSUMER_GROUP,  /* worker: commands; read_committed, no auto commit, no auto offset store, range
                              assignment */
    KAFKA_CONSUMER_ASSIGN, /* ingest: replies; read_uncommitted */
    KAFKA_ADMIN,
};

/* Config rows every Kafka-using program has: "kafka" (bootstrap servers; default "127.0.0.1:9092") and
 * "partitions" (default 12). Programs put KAFKA_CONFIG_ROWS into their table, and kafka_pass
 * into their spec. */
#define KAFKA_CONFIG_ROWS                                                                                    \
    {"kafka", CONFIG_STR, "127.0.0.1:9092", 0, 0, "Kafka bootstrap servers, host:port[,…]", false}, {        \
        "partitions", CONFIG_INT, "12", 1, 1024, "partitions of every topic; must agree with the cluster",   \
            false                                                                                            \
    }

/* "kafka.*" settings, for the spec of a program that has KAFKA_CONFIG_ROWS. Accepted is what librdkafka
 * knows, but for the settings that usher's promises rest on (idempotence, isolation, offsets). */
extern const struct config_pass kafka_pass;

/* A configuration for role with everything that must hold set explicitly, and the pass-through settings (c
 * may be NULL: defaults, for tests). The caller owns it until rd_kafka_new takes it, and adds what is its
 * own: group.id, transactional.id, callbacks, client.id; for records that must never be given up
 * message.timeout.ms=0 (here 30 s). Log callback goes to log_event; it never blocks. */
rd_kafka_conf_t *kafka_conf_new(const struct config *c, enum kafka_role role);
/* Sets one more property; a refusal is a mistake in the program and ends it. */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *key, const char *value);
/* rd_kafka_new for a conf from kafka_conf_new, with callbacks added or not. The conf is taken in any case.
 * NULL and err (ERR_KAFKA) on failure. */
rd_kafka_t *kafka_open(rd_kafka_conf_t *conf, enum kafka_role role, struct err *err);
/* Creates the topics that are missing with their settings (ops/topics.md) and checks that each has
 * `partitions` partitions. Refuses (ERR_CONFIG) where a topic has another count. A broker that cannot create
 * topics by request (usher-broker) makes them when asked about them. replication 0 = the broker's default. */
enum err_code kafka_topics_ensure(rd_kafka_t *rk, int partitions, int replication, int timeout_ms,
                                  struct err *err);
/* Does each topic take records as large as usher writes? ERR_CONFIG, and which one, if it was made with less.
 * ERR_KAFKA: cannot be found out, as a trial broker knows no settings. */
enum err_code kafka_topics_limits(rd_kafka_t *rk, int timeout_ms, struct err *err);
/* Asks for the metadata of each named topic once, so that the first message need not wait. */
enum err_code kafka_warm_up(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                            struct err *err);

#endif
