#include "workers/livekit/stream.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/notify.h"
#include "workers/livekit/snapshot.h"
#include "workers/livekit/stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS 100
#define WAIT_FIRST_MS 100
#define WAIT_MOST_MS 5000
#define LAG_EVERY_US 1000000

struct stream {
    const struct config *config;
    struct table *table;
    struct bridge *bridge;
    int wait_ms; /* of the next failure */
};

/* Says why it does not go on, once, and waits. False: a stop was asked for. */
static bool wait_for_kafka(struct stream *s, const char *step, const struct err *why) {
    char quoted[600];
    if (s->wait_ms == 0)
        log_event(LOG_WARN, "kafka-waits", "for=%s why=%s", step,
                  log_quote(err_text(why), quoted, sizeof quoted));
    notify_alive();
    notify_status(err_text(why));
    s->wait_ms = s->wait_ms == 0                 ? WAIT_FIRST_MS
                 : s->wait_ms * 2 < WAIT_MOST_MS ? s->wait_ms * 2
                                                 : WAIT_MOST_MS;
    return !lifecycle_wait(s->wait_ms);
}

static void kafka_is_back(struct stream *s, const char *step) {
    if (s->wait_ms > 0)
        log_event(LOG_INFO, "kafka-goes-on", "with=%s", step);
    s->wait_ms = 0;
}

/* ---- one workspace anew ---- */

static void mark_all_of(void *ctx, const char *workspace, const char *room) {
    struct stream *s = ctx;
    bridge_mark_room(s->bridge, workspace, room, 0);
    bridge_mark_compare(s->bridge, workspace, room);
}

/* usher.rooms must tell at least the change that showed the gap, or the number at which an epoch begins: that
 * record may still be on its way. What another kind of event did stands there too, under its number or not at
 * all. */
static void reload(struct stream *s, const char *workspace, int partition, struct voice_number at,
                   bool waits) {
    while (!lifecycle_stopping()) {
        struct err err = {0};
        json_t *found = snapshot_read(s->config, partition, &err);
        if (found == NULL) {
            if (!wait_for_kafka(s, "the rooms of a workspace", &err))
                return;
            continue;
        }
        kafka_is_back(s, "the rooms of a workspace");
        json_t *held = snapshot_workspace(found, workspace, waits ? (struct voice_number){0, 0} : at);
        bool enough = voice_number_compare(snapshot_number(held), at) >= 0;
        if (enough)
            table_reload(s->table, workspace, held, mark_all_of, s);
        json_decref(found);
        if (enough)
            return;
        (void)lifecycle_wait(POLL_MS);
    }
}

/* ---- events ---- */

struct event {
    const char *kind, *workspace, *room, *user; /* user NULL: about the room */
    struct voice_number at;
    json_t *tree;
};

static bool read_event(const rd_kafka_message_t *m, char kind[64], struct event *e) {
    e->tree = m->payload != NULL ? json_loadb(m->payload, m->len, 0, NULL) : NULL;
    e->kind = snapshot_header(m, "ce_type", kind, 64) ? kind : NULL;
    e->workspace = json_string_value(json_object_get(e->tree, "workspace"));
    e->room = json_string_value(json_object_get(json_object_get(e->tree, "room"), "id"));
    e->user = json_string_value(json_object_get(json_object_get(e->tree, "user"), "id"));
    e->at = snapshot_number(e->tree);
    return e->kind != NULL && e->workspace != NULL;
}

/* Whoever comes in needs nothing done: he may join now. What else has changed is made so. */
static void mark_changed(struct stream *s, const struct event *e, int64_t now_us) {
    if (strcmp(e->kind, "usher.room.created") == 0 || strcmp(e->kind, "usher.room.deleted") == 0)
        bridge_mark_room(s->bridge, e->workspace, e->room, now_us);
    else if (strcmp(e->kind, "usher.member.removed") == 0 ||
             strcmp(e->kind, "usher.member.transmit_changed") == 0)
        bridge_mark_person(s->bridge, e->workspace, e->room, e->user, now_us);
}

static void observe_age(const json_t *tree) {
    const char *text = json_string_value(json_object_get(tree, "time"));
    int64_t then_us;
    if (text != NULL && rfc3339_parse(text, &then_us))
        metric_observe_us(livekit_stats.event_age, clock_wall_us() - then_us);
}

static void take_event(struct stream *s, const struct event *e, int partition) {
    struct voice_number last = table_number(s->table, e->workspace);
    enum table_news news = table_apply(s->table, e->workspace, e->kind, e->tree, e->at);
    if (news == TABLE_OLD) {
        metric_add(livekit_stats.repeated, 1);
        return;
    }
    metric_add(livekit_stats.events, 1);
    if (news == TABLE_NEWS) {
        mark_changed(s, e, clock_mono_us());
        observe_age(e->tree);
        return;
    }
    bool gap = last.epoch == e->at.epoch && last.seq + 1 != e->at.seq;
    metric_add(livekit_stats.reloads, 1);
    log_event(gap ? LOG_ERROR : LOG_WARN, gap ? "gap" : "read-anew",
              "workspace=%s kind=%s after=%" PRId64 ".%" PRId64 " got=%" PRId64 ".%" PRId64, e->workspace,
              e->kind, last.epoch, last.seq, e->at.epoch, e->at.seq);
    reload(s, e->workspace, partition, e->at, gap || strcmp(e->kind, "usher.stream.epoch") == 0);
}

static void take_change(struct stream *s, const rd_kafka_message_t *m) {
    struct event e;
    char kind[64];
    if (read_event(m, kind, &e))
        take_event(s, &e, (int)m->partition);
    else
        log_event(LOG_ERROR, "not-usher's", "topic=" TOPIC_MEMBERSHIP " partition=%d offset=%" PRId64,
                  (int)m->partition, m->offset);
    json_decref(e.tree);
}

/* ---- following ---- */

static void observe_lag(rd_kafka_t *rk, const struct snapshot_places *p) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(p->n);
    int64_t lag = 0;
    for (int i = 0; i < p->n; i++)
        rd_kafka_topic_partition_list_add(list, TOPIC_MEMBERSHIP, i);
    if (rd_kafka_position(rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (int i = 0; i < p->n; i++) {
            int64_t low, high, at = list->elems[i].offset;
            if (rd_kafka_get_watermark_offsets(rk, TOPIC_MEMBERSHIP, i, &low, &high) ==
                    RD_KAFKA_RESP_ERR_NO_ERROR &&
                at >= 0 && high > at)
                lag += high - at;
        }
    rd_kafka_topic_partition_list_destroy(list);
    metric_set(livekit_stats.lag, lag);
}

/* What `systemctl status` shows. */
static void tell_manager(struct stream *s) {
    char why[300];
    notify_status(bridge_ready(s->bridge, why, sizeof why) ? "ready" : why);
}

/* Until a stop, or until the place is lost: then everything begins anew. */
static void follow(struct stream *s, rd_kafka_t *rk, const struct snapshot_places *places) {
    int64_t lag_due_us = 0;
    while (!lifecycle_stopping()) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, POLL_MS);
        notify_alive();
        if (clock_mono_us() >= lag_due_us) {
            observe_lag(rk, places);
            tell_manager(s);
            lag_due_us = clock_mono_us() + LAG_EVERY_US;
        }
        if (m == NULL)
            continue;
        bool lost =
            m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_change(s, m);
        rd_kafka_message_destroy(m);
        if (lost) {
            log_event(LOG_WARN, "place-lost", "topic=" TOPIC_MEMBERSHIP);
            return;
        }
    }
}

/* In this order: what is decided in usher.membership by now is in usher.rooms before the end that it has
 * then. */
static enum err_code start(struct stream *s, struct snapshot_places *places, rd_kafka_t **rk,
                           struct err *err) {
    if (snapshot_ends(s->config, places, err) != ERR_OK)
        return err->code;
    json_t *workspaces = snapshot_read(s->config, SNAPSHOT_ALL, err);
    if (workspaces == NULL)
        return err->code;
    *rk = snapshot_follow(s->config, places, err);
    if (*rk == NULL) {
        json_decref(workspaces);
        return err->code;
    }
    log_event(LOG_INFO, "loaded", "workspaces=%zu", json_object_size(workspaces));
    table_load(s->table, workspaces);
    bridge_compare_all(s->bridge);
    return ERR_OK;
}

void stream_run(const struct config *c, struct table *t, struct bridge *b) {
    struct stream s = {.config = c, .table = t, .bridge = b};
    while (!lifecycle_stopping()) {
        struct snapshot_places places = {0};
        struct err err = {0};
        rd_kafka_t *rk = NULL;
        if (start(&s, &places, &rk, &err) == ERR_OK) {
            kafka_is_back(&s, "the streams");
            follow(&s, rk, &places);
            snapshot_close(rk);
        } else if (!lifecycle_stopping()) {
            (void)wait_for_kafka(&s, "the streams", &err);
        }
        free(places.offsets);
    }
}
