/* What the parts of usherctl doctor share. Each part looks at one thing, and says of everything that it has
 * looked at whether it is right, doubtful or wrong, and what to do. */
#ifndef USHER_CTL_CTL_DOCTOR_H
#define USHER_CTL_CTL_DOCTOR_H

#include "ops/ctl/ctl.h"
#include "ops/runtime/kafka_conf.h"

#include <librdkafka/rdkafka.h>

#define DOCTOR_ANSWER_MS 5000 /* how long Kafka may take for one answer */

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_BAD };

struct doctor {
    struct ctl *c;
    int counts[DOCTOR_BAD + 1];
    bool unreachable;      /* PostgreSQL or Kafka */
    int64_t transaction_s; /* an older transaction is told of; 0: the usual bound */
};

/* One line: where, what, what is seen (format), and what to do about it (NULL where nothing is to be done).
 */
void doctor_say(struct doctor *d, enum doctor_state state, const char *area, const char *what,
                const char *todo, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The parts, each with all of its lines. */
void doctor_postgres(struct doctor *d);
void doctor_sight(struct doctor *d); /* of all workspaces; a part of PostgreSQL */
void doctor_kafka(struct doctor *d);
void doctor_files(struct doctor *d);
/* Parts of Kafka: rk is a client that answers; brokers: how many there are. */
void doctor_topics(struct doctor *d, rd_kafka_t *rk, const struct rd_kafka_metadata *md);
void doctor_rights(struct doctor *d, rd_kafka_t *rk);
void doctor_lag(struct doctor *d, rd_kafka_t *rk, const struct rd_kafka_metadata *md);

/* Is the topic missing in the list of all because this principal may not see it? */
bool ctl_topic_is_hidden(rd_kafka_t *rk, const char *name);

/* Sends an admin request that is set up by `ask`, and waits for the event of its answer. NULL with the reason
 * in why. The caller destroys the event. */
rd_kafka_event_t *doctor_ask(rd_kafka_t *rk, rd_kafka_admin_op_t op,
                             void (*ask)(rd_kafka_t *rk, const rd_kafka_AdminOptions_t *options,
                                         rd_kafka_queue_t *queue, void *ctx),
                             void *ctx, char *why, size_t n);

#endif
