/* usher-worker: takes commands from the log, applies them to PostgreSQL, replies, and emits what changed. */
#include "ops/runtime/config.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/metrics_http.h"
#include "schemas/types/schema_load.h"
#include "sql/ask/signing_key.h"
#include "workers/consumer.h"
#include "workers/loop.h"
#include "workers/replies.h"
#include "workers/selfcheck.h"
#include "workers/settings.h"
#include "workers/stats.h"

#include <stdio.h>
#include <stdlib.h>

/* What a topic does not take is replaced by stubs: the worker works, but somebody should know. */
static void check_limits(rd_kafka_t *admin) {
    struct err err = {0};
    char quoted[600];
    if (kafka_topics_limits(admin, 10000, &err) == ERR_CONFIG)
        log_event(LOG_ERROR, "topic-too-small", "error=%s", log_quote(err_text(&err), quoted, sizeof quoted));
}

/* Topics, and what the broker can do: asked until it answers. */
static bool prepare_kafka(const struct config *config, const struct slot *slot, bool *exactly_once) {
    for (;;) {
        struct err err = {0};
        rd_kafka_t *admin = kafka_open(kafka_conf_new(config, KAFKA_ADMIN), KAFKA_ADMIN, &err);
        enum err_code code = admin != NULL
                                 ? kafka_topics_ensure(admin, (int)config_int(config, "partitions"),
                                                       (int)config_int(config, "replication"), 10000, &err)
                                 : ERR_KAFKA;
        if (code == ERR_OK)
            check_limits(admin);
        if (admin != NULL)
            rd_kafka_destroy(admin);
        if (code == ERR_OK)
            code = selfcheck_run(config, slot_number(slot), exactly_once, &err);
        if (code == ERR_OK)
            return true;
        char quoted[600];
        log_event(LOG_WARN, "kafka-not-ready", "error=%s", log_quote(err_text(&err), quoted, sizeof quoted));
        if (code == ERR_CONFIG) {
            fprintf(stderr, "usher-worker: %s\n", err_text(&err));
            exit(2);
        }
        if (lifecycle_wait(300))
            return false;
    }
}

/* Before anything is signed with it. False: a stop was asked for. */
static bool publish_key(const struct config *config, const struct jws_key *key) {
    struct db *db = db_new(config_str(config, "pg"), "usher-worker-key", "");
    struct err err = {0};
    char quoted[600];
    bool stop = false;
    while (!stop && signing_key_publish(db, key, &err) != ERR_OK) {
        log_event(LOG_WARN, "signing-key-not-published", "error=%s",
                  log_quote(err_text(&err), quoted, sizeof quoted));
        stop = lifecycle_wait(300);
    }
    db_free(db);
    return !stop;
}

static int work(const struct config *config, struct slot *slot, const struct jws_key *key) {
    bool exactly_once = false;
    struct err err = {0};
    if (!publish_key(config, key) || !prepare_kafka(config, slot, &exactly_once))
        return 0;
    struct emitter *emitter = emitter_start(config, slot, key, exactly_once);
    if (emitter == NULL)
        return 0;
    struct replies *replies = replies_open(config, &err);
    struct consumer *consumer =
        replies != NULL ? consumer_open(config, slot_number(slot), exactly_once, emitter, &err) : NULL;
    if (consumer == NULL) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        return 1;
    }
    struct loop *loop = loop_new(config, consumer, emitter, replies, slot);
    const char *listen = config_str(config, "metrics-listen");
    struct metrics_http *http = *listen ? metrics_http_start(listen, loop_ready, loop, &err) : NULL;
    if (*listen && http == NULL) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        return 2;
    }
    int code = loop_run(loop);
    lifecycle_watchdog(20, 1);
    metrics_http_stop(http);
    consumer_close(consumer);
    bool clean = emitter_stop(emitter);
    replies_close(replies);
    loop_free(loop);
    slot_free(slot, clean);
    return code;
}

int main(int argc, char **argv) {
    char **rest;
    int nrest;
    lifecycle_init();
    struct config *config = config_load(&worker_config, argc, argv, &rest, &nrest);
    if (nrest) {
        fprintf(stderr, "usher-worker: unexpected argument %s\n", rest[0]);
        return 2;
    }
    log_init("worker", config_str(config, "log-level"));
    failpoint_init();
    worker_stats_init();
    struct err err = {0};
    if (schema_load_folder(config_str(config, "schema-dir"), &err) != ERR_OK) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        return 2;
    }
    struct jws_key *key = signing_key_open(config_str(config, "signing-key"), &err);
    if (key == NULL) {
        fprintf(stderr, "usher-worker: signing-key: %s\n", err_text(&err));
        return 2;
    }
    struct slot *slot = slot_take(config);
    int code = slot != NULL ? work(config, slot, key) : 0;
    jws_key_free(key);
    log_event(LOG_INFO, "stopped", "code=%d", code);
    return code;
}
