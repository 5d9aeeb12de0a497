/* usher-worker: takes commands from the log, applies them to PostgreSQL, replies, and emits what changed. */
#include "ops/runtime/clock.h"
#include "ops/runtime/config.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/notify.h"
#include "ops/runtime/trace.h"
#include "schemas/types/schema_load.h"
#include "sql/ask/outbox.h"
#include "sql/migrate.h"
#include "workers/archive/archive.h"
#include "workers/consumer.h"
#include "workers/deliver/deliver.h"
#include "workers/emit/ahead.h"
#include "workers/health.h"
#include "workers/loop.h"
#include "workers/lost.h"
#include "workers/replies.h"
#include "workers/roles.h"
#include "workers/selfcheck.h"
#include "workers/settings.h"
#include "workers/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An archive that has not come round for so long is not told to be alive. */
#define READER_TURNS_US INT64_C(30000000)
/* What makes the names of the broker's check its own where there is no slot: no slot has such a number. */
#define NO_SLOT (1000 + (int)(getpid() % 100000))

/* Topics, and what the broker can do: asked until it answers. False: a stop was asked for. */
static bool prepare_kafka(const struct config *config, struct health *health, int slot, bool *exactly_once) {
    for (;;) {
        struct err err = {0};
        rd_kafka_t *admin = kafka_open(kafka_conf_new(config, KAFKA_ADMIN), KAFKA_ADMIN, &err);
        enum err_code code = admin != NULL
                                 ? kafka_topics_ensure(admin, (int)config_int(config, "partitions"),
                                                       (int)config_int(config, "replication"), 10000, &err)
                                 : ERR_KAFKA;
        if (admin != NULL)
            rd_kafka_destroy(admin);
        if (code == ERR_OK)
            code = selfcheck_run(config, slot, exactly_once, &err);
        if (code == ERR_OK)
            return true;
        if (code == ERR_CONFIG) {
            fprintf(stderr, "usher-worker: %s\n", err_text(&err));
            exit(2);
        }
        if (health_wait(health, "Kafka", &err))
            return false;
    }
}

/* The schema is the one that this program was made for, and the outbox has its tables. False: a stop was
 * asked for. */
static bool prepare_database(const struct config *config, struct health *health) {
    struct db *db = db_new(config_str(config, "pg"), "usher-worker-start", "");
    struct err err = {0};
    bool stop = false;
    db_say_why(db);
    int gone; /* the tables of the outbox's next days are there before its first row */
    while (!stop && (schema_check(db, &err) != ERR_OK || outbox_turn_days(db, &gone, &err) != ERR_OK))
        stop = health_wait(health, "PostgreSQL", &err);
    db_free(db);
    return !stop;
}

/* What the streams say and what PostgreSQL says go together. False: a stop was asked for. */
static bool agree(const struct config *config, struct health *health) {
    struct db *db = db_new(config_str(config, "pg"), "usher-worker-start", "");
    struct err err = {0};
    bool stop = false;
    while (!stop && ahead_check(config, db, &err) != ERR_OK)
        stop = health_wait(health, "The streams", &err);
    db_free(db);
    return !stop;
}

/* *why: what ended it, if that was not a signal. */
static int apply_commands(const struct config *config, struct health *health, struct slot *slot,
                          bool exactly_once, const char **why) {
    struct err err = {0};
    struct emitter *emitter = emitter_start(config, slot, exactly_once);
    if (emitter == NULL)
        return 0;
    struct lost *lost = lost_new(config);
    struct gap_listener gaps = {lost_note, lost};
    struct replies *replies = replies_open(config, &err);
    struct consumer *consumer =
        replies != NULL ? consumer_open(config, slot_number(slot), exactly_once, emitter, gaps, &err) : NULL;
    if (consumer == NULL) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        *why = "start-failed";
        return 1;
    }
    struct loop *loop = loop_new(config, consumer, emitter, replies, slot, exactly_once);
    health_attach(health, consumer, emitter, loop, slot);
    lost_start(lost, consumer);
    int code = loop_run(loop, why);
    lifecycle_watchdog(20, 1);
    health_detach(health);
    lost_stop(lost);
    consumer_close(consumer);
    lost_free(lost);
    bool clean = emitter_stop(emitter);
    replies_close(replies);
    loop_free(loop);
    slot_free(slot, clean);
    return code;
}

/* False and *why: the settings are wrong. */
static bool start_readers(const struct config *config, const struct roles *roles, bool trial,
                          struct archive **archive, struct deliver **deliver, const char **why) {
    struct err err = {0};
    if (roles->archive)
        *archive = archive_start(config, trial, &err);
    if (roles->deliver && err.code == ERR_OK)
        *deliver = deliver_start(config, trial, &err);
    if (err.code == ERR_OK)
        return true;
    fprintf(stderr, "usher-worker: %s\n", err_text(&err));
    *why = "start-failed";
    archive_stop(*archive);
    return false;
}

/* Each of the two that there is has come round a short while ago. */
static bool come_round(struct archive *archive, struct deliver *deliver) {
    int64_t since_us = clock_mono_us() - READER_TURNS_US;
    return (archive == NULL || archive_turned_us(archive) > since_us) &&
           (deliver == NULL || deliver_turned_us(deliver) > since_us);
}

/* Those who read the streams begin before commands are applied and end after them, so that what was emitted
 * last is there. */
static int run_roles(const struct config *config, struct health *health, const char **why) {
    struct roles roles;
    struct err err = {0};
    struct archive *archive = NULL;
    struct deliver *deliver = NULL;
    bool exactly_once = false;
    int code = 0;
    if (roles_parse(config_str(config, "roles"), &roles, &err) != ERR_OK)
        return 2; /* was judged with the settings */
    struct slot *slot = roles.apply ? slot_take(config) : NULL;
    if ((roles.apply && slot == NULL) ||
        !prepare_kafka(config, health, slot != NULL ? slot_number(slot) : NO_SLOT, &exactly_once) ||
        (exactly_once && !agree(config, health)))
        return 0;
    if (!start_readers(config, &roles, !exactly_once, &archive, &deliver, why))
        return 1;
    health_attach_roles(health, archive, deliver, !roles.apply);
    if (roles.apply) {
        code = apply_commands(config, health, slot, exactly_once, why);
    } else {
        lifecycle_ready();
        while (!lifecycle_wait(200)) /* the guard may have heard the signal */
            if (come_round(archive, deliver))
                notify_alive();
    }
    health_attach_roles(health, NULL, NULL, !roles.apply);
    deliver_stop(deliver);
    archive_stop(archive);
    return code;
}

int main(int argc, char **argv) {
    lifecycle_init();
    struct config *config = config_load(&worker_config, argc, argv);
    log_init("worker", config_str(config, "log-level"));
    log_limit(LOG_BURST, config_int(config, "log-repeat-ms") * 1000);
    config_log(config);
    failpoint_init();
    worker_stats_init();
    struct err err = {0};
    if (schema_load_folder(config_str(config, "schema-dir"), &err) != ERR_OK) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        return 2;
    }
    if (trace_open(config, "usher-worker", &err) != ERR_OK) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        return 2;
    }
    struct health *health = health_start(config, &err);
    if (health == NULL) {
        fprintf(stderr, "usher-worker: %s\n", err_text(&err));
        return 2;
    }
    int code = 0;
    const char *why = "signal";
    if (prepare_database(config, health))
        code = run_roles(config, health, &why);
    health_stop(health);
    trace_close();
    log_event(LOG_INFO, "stopped", "reason=%s code=%d", why, code);
    return code;
}
