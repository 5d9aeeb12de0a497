#include "workers/takeover.h"

#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/kafka_place.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/outbox.h"
#include "workers/emit/ahead.h"
#include "workers/emit/output.h"

#include <stdlib.h>

#define ASK_MS 5000

/* The committed offsets. The look-up waits until no transaction with pending offsets of the owner before is
 * left (read_committed). */
static enum err_code ask_places(const struct takeover *t, rd_kafka_topic_partition_list_t *places,
                                struct err *err) {
    rd_kafka_resp_err_t code = rd_kafka_committed(consumer_client(t->consumer), places, ASK_MS);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < places->cnt; i++)
        code = places->elems[i].err;
    return code ? err_set(err, ERR_KAFKA, "The group's offsets: %s", rd_kafka_err2str(code)) : ERR_OK;
}

/* Has anything been emitted of these partitions? Then this is no new installation. */
static bool has_worked(const struct outbox_taken *taken, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (taken[i].mark > 0)
            return true;
    return false;
}

/* Without a committed offset: where the log begins, never at its end, which would skip commands. Nobody knows
 * then what stood before that; and a log that begins at 0 may have been made anew, unless nothing was ever
 * done. */
static enum err_code find_offset(const struct takeover *t, const rd_kafka_topic_partition_t *place,
                                 bool worked, int64_t *offset, struct err *err) {
    int64_t first, end;
    *offset = place->offset;
    if (place->offset >= 0)
        return ERR_OK;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(consumer_client(t->consumer), TOPIC_COMMANDS,
                                                                place->partition, &first, &end, ASK_MS);
    if (code)
        return err_set(err, ERR_KAFKA, "The beginning of " TOPIC_COMMANDS ": %s", rd_kafka_err2str(code));
    *offset = first;
    return (first == 0 && !worked) || consumer_note_gap(t->consumer, place->partition, -1, first)
               ? ERR_OK
               : err_set(err, ERR_UNAVAILABLE, "A gap of " TOPIC_COMMANDS " cannot be noted");
}

/* Which row was emitted last. Kafka says it beside the offset. Where it does not, or says less than
 * PostgreSQL knows, the streams are asked; but where no row waits, there is nothing to ask. Where Kafka has
 * forgotten the place, they are asked all the same: PostgreSQL may be older than they are. */
static enum err_code find_number(const struct takeover *t, const rd_kafka_topic_partition_t *place,
                                 const struct outbox_taken *taken, int64_t *number, struct err *err) {
    *number = t->exactly_once ? place_number(place) : taken->mark;
    if (*number >= taken->mark)
        return ERR_OK;
    bool forgotten = t->exactly_once && place->offset < 0 && taken->mark > 0;
    if (taken->last <= taken->mark && !forgotten) {
        *number = taken->mark;
        return ERR_OK;
    }
    if (output_last_row(t->config, t->db, taken, forgotten, number, err) != ERR_OK)
        return err->code;
    if (taken->last <= taken->mark && *number == taken->mark)
        return ERR_OK;
    log_event(LOG_WARN, "place-found", "partition=%d number=%lld mark=%lld last=%lld", taken->partition,
              (long long)*number, (long long)taken->mark, (long long)taken->last);
    return ERR_OK;
}

/* A version before, which wrote no number beside the offset, has emitted the records of all commands before
 * it. */
static enum err_code keep_from_offset(const struct takeover *t, const rd_kafka_topic_partition_t *place,
                                      struct outbox_taken *taken, struct err *err) {
    if (!t->exactly_once || place->offset <= taken->from_offset || place_number(place) >= 0)
        return ERR_OK;
    taken->from_offset = place->offset;
    return outbox_set_from_offset(t->db, taken->partition, place->offset, err);
}

static enum err_code start_one(const struct takeover *t, const rd_kafka_topic_partition_t *place, bool worked,
                               struct outbox_taken *taken, struct start *start, struct err *err) {
    if (find_offset(t, place, worked, &start->offset, err) != ERR_OK ||
        keep_from_offset(t, place, taken, err) != ERR_OK ||
        find_number(t, place, taken, &start->number, err) != ERR_OK)
        return err->code;
    int64_t last = taken->last > taken->mark ? taken->last : taken->mark;
    if (start->number > last)
        return err_set(err, ERR_CONFIG,
                       AHEAD_OLDER
                       ": row %lld of partition %d is emitted, and the outbox ends at %lld. " AHEAD_RESTORE,
                       (long long)start->number, (int)taken->partition, (long long)last);
    start->place = (struct place){taken->epoch, last, taken->from_offset};
    start->mark = taken->mark;
    start->ready = true;
    return ERR_OK;
}

enum err_code takeover_try(const struct takeover *t, const int32_t *partitions, size_t n,
                           struct start *starts, struct err *err) {
    struct outbox_taken *taken = xcalloc(n, sizeof *taken);
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new((int)n);
    for (size_t i = 0; i < n; i++)
        starts[i] = (struct start){.partition = partitions[i]};
    (void)failpoint("takeover.before_take");
    enum err_code code = outbox_take(t->db, partitions, n, taken, err);
    (void)failpoint("takeover.after_take");
    if (code == ERR_OK)
        code = ahead_check_epoch(t->db, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        rd_kafka_topic_partition_list_add(places, TOPIC_COMMANDS, taken[i].partition);
    if (code == ERR_OK)
        code = ask_places(t, places, err);
    bool worked = code == ERR_OK && has_worked(taken, n);
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        struct err why = {0};
        starts[i].partition = taken[i].partition;
        if (start_one(t, &places->elems[i], worked, &taken[i], &starts[i], &why) != ERR_OK)
            *err = why;
    }
    for (size_t i = 0; i < n; i++)
        free(taken[i].positions);
    free(taken);
    rd_kafka_topic_partition_list_destroy(places);
    return code != ERR_OK ? code : err->code;
}
