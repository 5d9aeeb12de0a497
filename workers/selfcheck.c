#include "workers/selfcheck.h"

#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/kafka_place.h"
#include "ops/runtime/log.h"

#include <stdio.h>

#define STEP_MS 10000
/* The offsets that the check moves are a group's of its own, on a topic that nobody follows by offsets, and
 * small: a monitor that sees the group for a moment finds no lag to speak of. */
#define TOPIC TOPIC_DEADLETTER
#define MARKS 1000

struct check {
    const struct config *config;
    char group[48];
    rd_kafka_consumer_group_metadata_t *metadata;
    rd_kafka_t *reader;
};

static enum err_code failed(rd_kafka_error_t *error, const char *step, struct err *err) {
    (void)err_set(err, ERR_KAFKA, "Self-check: %s: %s", step, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return ERR_KAFKA;
}

static rd_kafka_t *open_producer(const struct check *c, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(c->config, KAFKA_PRODUCER_TRANSACTIONAL);
    kafka_conf_set(conf, "transactional.id", c->group);
    kafka_conf_set(conf, "log_level", "0"); /* its failures are the check's results */
    rd_kafka_t *rk = kafka_open(conf, KAFKA_PRODUCER_TRANSACTIONAL, err);
    rd_kafka_error_t *error = rk != NULL ? rd_kafka_init_transactions(rk, STEP_MS) : NULL;
    if (error == NULL)
        return rk;
    (void)failed(error, "init", err);
    rd_kafka_destroy(rk);
    return NULL;
}

/* One transaction that does nothing but move the group's offset, with its metadata. */
static rd_kafka_error_t *move(const struct check *c, rd_kafka_t *rk, int64_t offset, bool commit) {
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(offsets, TOPIC, 0);
    place->offset = offset;
    place_set_number(place, offset);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(rk);
    if (error == NULL)
        error = rd_kafka_send_offsets_to_transaction(rk, offsets, c->metadata, STEP_MS);
    if (error == NULL)
        error = commit ? rd_kafka_commit_transaction(rk, STEP_MS) : rd_kafka_abort_transaction(rk, STEP_MS);
    rd_kafka_topic_partition_list_destroy(offsets);
    return error;
}

static enum err_code committed(const struct check *c, int64_t *offset, struct err *err) {
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, TOPIC, 0);
    rd_kafka_resp_err_t code = rd_kafka_committed(c->reader, parts, STEP_MS);
    *offset = parts->elems[0].offset;
    if (place_number(&parts->elems[0]) != *offset)
        *offset = -1; /* without the number beside it an offset is no use */
    rd_kafka_topic_partition_list_destroy(parts);
    return code ? err_set(err, ERR_KAFKA, "Self-check: offsets: %s", rd_kafka_err2str(code)) : ERR_OK;
}

static enum err_code run(const struct check *c, bool *sticks, bool *aborts, bool *fences, struct err *err) {
    int64_t seen, mark;
    rd_kafka_t *first = open_producer(c, err);
    if (first == NULL)
        return ERR_KAFKA;
    if (committed(c, &seen, err) != ERR_OK) {
        rd_kafka_destroy(first);
        return err->code;
    }
    mark = seen < 0 ? 0 : (seen + 3) % MARKS; /* another one than an earlier check may have left there */
    rd_kafka_error_t *error = move(c, first, mark, true);
    enum err_code code = error != NULL ? failed(error, "commit", err) : committed(c, &seen, err);
    *sticks = code == ERR_OK && seen == mark;
    if (*sticks) {
        error = move(c, first, mark + 1, false);
        code = error != NULL ? failed(error, "abort", err) : committed(c, &seen, err);
        *aborts = code == ERR_OK && seen == mark;
    }
    rd_kafka_t *second = code == ERR_OK && *aborts ? open_producer(c, err) : NULL;
    if (second != NULL) {
        error = move(c, first, mark + 2, true);
        *fences = error != NULL;
        if (error != NULL)
            rd_kafka_error_destroy(error);
        rd_kafka_destroy(second);
    } else if (code == ERR_OK && *aborts) {
        code = ERR_KAFKA;
    }
    rd_kafka_destroy(first);
    return code;
}

/* What is left of the group would stand in everybody's list of groups. */
static void forget_group(const struct check *c) {
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->reader);
    rd_kafka_DeleteGroup_t *group = rd_kafka_DeleteGroup_new(c->group);
    rd_kafka_DeleteGroups(c->reader, &group, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, STEP_MS);
    rd_kafka_resp_err_t code = event != NULL ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t n = 0;
    const rd_kafka_group_result_t **done =
        code == RD_KAFKA_RESP_ERR_NO_ERROR
            ? rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event), &n)
            : NULL;
    if (n == 1 && rd_kafka_group_result_error(done[0]) != NULL)
        code = rd_kafka_error_code(rd_kafka_group_result_error(done[0]));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_event(LOG_WARN, "selfcheck-group-stays", "group=%s code=%s", c->group, rd_kafka_err2name(code));
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_DeleteGroup_destroy(group);
    rd_kafka_queue_destroy(queue);
}

enum err_code selfcheck_run(const struct config *config, int slot, bool *exactly_once, struct err *err) {
    struct check c = {.config = config};
    bool sticks = false, aborts = false, fences = false;
    snprintf(c.group, sizeof c.group, "usher-selfcheck-%d", slot);
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_CONSUMER_GROUP);
    kafka_conf_set(conf, "group.id", c.group);
    c.reader = kafka_open(conf, KAFKA_CONSUMER_GROUP, err);
    if (c.reader == NULL)
        return ERR_KAFKA;
    c.metadata = rd_kafka_consumer_group_metadata_new(c.group);
    enum err_code code = run(&c, &sticks, &aborts, &fences, err);
    if (sticks)
        forget_group(&c);
    rd_kafka_consumer_group_metadata_destroy(c.metadata);
    rd_kafka_destroy(c.reader);
    *exactly_once = sticks && aborts && fences;
    if (code == ERR_OK)
        log_event(*exactly_once ? LOG_INFO : LOG_WARN, "broker",
                  "exactly_once=%s offsets_stick=%d aborts_hide=%d fences=%d%s", *exactly_once ? "yes" : "no",
                  sticks, aborts, fences,
                  *exactly_once ? ""
                                : " note=\"this broker is for trying things out: events can be doubled or "
                                  "lost when something dies\"");
    return code;
}
