/* Hands a change to the log and waits for its outcome. */
#include "ops/ctl/ctl.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "schemas/stream/headers.h"
#include "sql/ask/command_log.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KAFKA_ANSWER_MS 5000

struct delivery { /* set by the delivery report */
    bool done;
    rd_kafka_resp_err_t error;
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    struct delivery *d = m->_private;
    (void)rk, (void)opaque;
    d->done = true;
    d->error = m->err;
}

void ctl_actor(struct actor *a) {
    const struct passwd *who = getpwuid(getuid());
    *a = (struct actor){.kind = ACTOR_OPERATOR};
    if (who != NULL)
        snprintf(a->name, sizeof a->name, "%.100s", who->pw_name);
    else
        snprintf(a->name, sizeof a->name, "uid %ld", (long)getuid());
    if (gethostname(a->host, sizeof a->host - 1) != 0)
        a->host[0] = '\0';
}

static void fill_in(const struct ctl *c, struct command *cmd) {
    cmd->txn = uuid_v7();
    ctl_actor(&cmd->actor);
    cmd->dialect = DIALECT_RFC;
    cmd->reason = "api";
    cmd->reply_partition = -1;
    cmd->time_us = clock_wall_us();
    /* At the deadline the command is cancelled. This is only for the case that the database cannot be reached
     * then. */
    cmd->not_after_us = cmd->time_us + (int64_t)config_int(c->config, "deadline-ms") * 1000 + 5000000;
}

/* With a wrong number of partitions the command would go to a partition that the workspace's worker does not
 * read, and break the order. */
static enum err_code check_topic(struct ctl *c, rd_kafka_t *rk, struct err *err) {
    const struct rd_kafka_metadata *md;
    char why[300];
    /* Asks for all topics: a broker with automatic creation would create a topic that is asked for by name.
     */
    rd_kafka_resp_err_t e = rd_kafka_metadata(rk, 1, NULL, &md, KAFKA_ANSWER_MS);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        return err_set(err, ERR_KAFKA, "Kafka at %s does not answer (%s); nothing was changed",
                       config_str(c->config, "kafka"), kafka_why(e, why, sizeof why));
    int found = 0;
    for (int i = 0; i < md->topic_cnt; i++) {
        if (strcmp(md->topics[i].topic, TOPIC_COMMANDS) == 0)
            found = md->topics[i].partition_cnt;
    }
    rd_kafka_metadata_destroy(md);
    if (found == 0)
        return err_set(
            err, ERR_KAFKA,
            "topic %s does not exist: start usher-worker, it creates the topics; nothing was changed",
            TOPIC_COMMANDS);
    if (found != config_int(c->config, "partitions"))
        return err_set(err, ERR_CONFIG,
                       "topic %s has %d partitions, the setting says %ld; nothing was changed",
                       TOPIC_COMMANDS, found, config_int(c->config, "partitions"));
    return ERR_OK;
}

static rd_kafka_resp_err_t produce(struct ctl *c, rd_kafka_t *rk, const struct command *cmd,
                                   struct delivery *d) {
    struct jbuf value = {0};
    struct headers h;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_MAX);
    headers_command(&h, cmd);
    for (size_t i = 0; i < h.n; i++)
        rd_kafka_header_add(headers, h.row[i].name, -1, h.row[i].value, -1);
    command_encode(cmd, &value);
    int32_t partition = workspace_partition(cmd->workspace.s, (int32_t)config_int(c->config, "partitions"));
    rd_kafka_resp_err_t e = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(TOPIC_COMMANDS), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(cmd->workspace.s, strlen(cmd->workspace.s)),
        RD_KAFKA_V_VALUE(value.p, value.n), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(d),
        RD_KAFKA_V_END);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers); /* producev owns them only when it succeeds */
    jb_free(&value);
    return e;
}

/* ERR_OK: the command is in the log. ERR_OUTCOME_UNKNOWN: perhaps. Any other code: it is not. */
static enum err_code publish(struct ctl *c, const struct command *cmd, int64_t end_us, struct err *err) {
    struct delivery d = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(c->config, KAFKA_PRODUCER_IDEMPOTENT);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, err);
    if (rk == NULL)
        return err->code;
    enum err_code code = check_topic(c, rk, err);
    if (code == ERR_OK) {
        rd_kafka_resp_err_t e = produce(c, rk, cmd, &d);
        if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
            code = err_set(err, ERR_KAFKA, "cannot hand over the command: %s; nothing was changed",
                           rd_kafka_err2str(e));
    }
    while (code == ERR_OK && !d.done && clock_mono_us() < end_us)
        rd_kafka_poll(rk, 50);
    if (code == ERR_OK && (!d.done || d.error != RD_KAFKA_RESP_ERR_NO_ERROR))
        code = err_set(err, ERR_OUTCOME_UNKNOWN, "Kafka did not acknowledge the command");
    if (code !=
        /* What still waits must not be sent later, and its report must come while d lives. */
        ERR_OK)
        rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(rk, 1000);
    rd_kafka_destroy(rk);
    return code;
}

static enum err_code take_outcome(struct reply *r, struct err *err) {
    enum err_code code = r->code;
    if (code != ERR_OK)
        (void)err_set(err, code, "%s", r->detail);
    reply_clear(r);
    return code;
}

/* At the deadline the command is claimed as cancelled, in the same way in which a worker would claim it. So
 * only one of the two can happen. */
static enum err_code settle(struct ctl *c, const struct command *cmd, const char *why, struct err *err) {
    enum claim_result claim;
    struct reply r = {0};
    struct err db = {0};
    if (command_log_cancel(c->db, cmd->workspace.s, cmd->txn.s, &claim, &r, &db) != ERR_OK)
        return err_set(err, ERR_OUTCOME_UNKNOWN,
                       "%s, and PostgreSQL cannot be asked (%s): the outcome of %s is not known", why,
                       err_text(&db), cmd->txn.s);
    if (claim == CLAIM_LOST)
        return take_outcome(&r, err);
    return err_set(err, ERR_DEADLINE, "%s; the command was cancelled and nothing was changed", why);
}

static enum err_code wait_outcome(struct ctl *c, const struct command *cmd, int64_t end_us, struct err *err) {
    long pause_us = 2000;
    while (clock_mono_us() < end_us) {
        bool found = false, cancelled = false;
        struct reply r = {0};
        struct err db = {0};
        enum err_code code =
            command_log_find(c->db, cmd->workspace.s, cmd->txn.s, &found, &cancelled, &r, &db);
        if (code == ERR_OK && found)
            return cancelled ? err_set(err, ERR_DEADLINE, "the command was cancelled; nothing was changed")
                             : take_outcome(&r, err);
        if (code != ERR_OK && err_class(code) != ERR_CLASS_RETRY)
            return err_set(err, ERR_OUTCOME_UNKNOWN, "the outcome of %s cannot be read: %s", cmd->txn.s,
                           err_text(&db));
        nanosleep(&(struct timespec){0, pause_us * 1000}, NULL);
        pause_us = pause_us < 50000 ? pause_us * 3 / 2 : pause_us;
    }
    return settle(c, cmd, "no worker took the command in time (is usher-worker running?)", err);
}

enum err_code ctl_command_run(struct ctl *c, struct command *cmd, struct err *err) {
    int64_t end_us = clock_mono_us() + (int64_t)config_int(c->config, "deadline-ms") * 1000;
    fill_in(c, cmd);
    enum err_code code = publish(c, cmd, end_us, err);
    if (code == ERR_OUTCOME_UNKNOWN)
        return settle(c, cmd, "Kafka did not acknowledge the command", err);
    return code == ERR_OK ? wait_outcome(c, cmd, end_us, err) : code;
}
