/* What the bridge asks Kafka: how far the streams go, what usher.rooms holds, records from a place on.
 * Without a group: each bridge reads all partitions, and keeps no offsets. */
#ifndef USHER_WORKERS_LIVEKIT_SNAPSHOT_H
#define USHER_WORKERS_LIVEKIT_SNAPSHOT_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"
#include "schemas/voice/voice_grant.h"

#include <jansson.h>
#include <librdkafka/rdkafka.h>

struct snapshot_places {
    int n;            /* partitions */
    int64_t *offsets; /* of usher.membership; the caller frees them */
};

/* Up to where usher.membership is decided: for a consumer that is read_committed a partition ends where the
 * first open transaction begins. */
enum err_code snapshot_ends(const struct config *c, struct snapshot_places *out, struct err *err);

#define SNAPSHOT_ALL (-1)
/* Folds usher.rooms, or one partition of it, up to the end that it has now: workspaces in the form of
 * rooms.h, new. NULL and err (ERR_KAFKA): that could not be found out now, or a stop was asked for. */
json_t *snapshot_read(const struct config *c, int partition, struct err *err);
/* The workspace in it, borrowed; with the number at_least, if it has a lower one. */
json_t *snapshot_workspace(json_t *workspaces, const char *workspace, struct voice_number at_least);
/* Of a workspace, or an event. */
struct voice_number snapshot_number(const json_t *held);

/* A read_uncommitted consumer of usher.membership from these places on. NULL and err. */
rd_kafka_t *snapshot_follow(const struct config *c, const struct snapshot_places *from, struct err *err);
void snapshot_close(rd_kafka_t *rk);

/* Copies a header's value. False: there is none. */
bool snapshot_header(const rd_kafka_message_t *m, const char *name, char *out, size_t size);

#endif
