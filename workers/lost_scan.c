#include "workers/lost_scan.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/headers.h"
#include "sql/ask/log_gaps.h"
#include "workers/acceptance.h"
#include "workers/emit/emit_record.h"
#include "workers/stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS 5000
#define FLUSH_MS 30000
#define ACCEPTED_MAX 500 /* in one question to PostgreSQL */

/* What was accepted, and is to be looked up. */
struct accepted {
    struct command commands[ACCEPTED_MAX];
    size_t n;
};

struct refusals {
    int64_t acknowledged;
};

static void on_refusal_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk;
    struct refusals *r = opaque;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        r->acknowledged++;
}

static enum err_code scan_failed(rd_kafka_resp_err_t code, const char *what, struct err *err) {
    return err_set(err, ERR_KAFKA, "%s: %s", what, rd_kafka_err2str(code));
}

/* Still ours, and nobody wants us to stop? */
static bool may_go_on(const struct lost_scan *s) {
    return !atomic_load(s->stop) && consumer_done(s->consumer, s->partition) != CONSUMER_NONE;
}

/* Until all that the log holds now is applied: an accepted command without a claim is lost then, as its
 * acceptance came after the log had it. */
static enum err_code wait_for_apply(const struct lost_scan *s, rd_kafka_t *rk, struct err *err) {
    int64_t first, end;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(rk, TOPIC_COMMANDS, s->partition, &first, &end, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return scan_failed(code, "The end of " TOPIC_COMMANDS, err);
    while (may_go_on(s)) {
        int64_t done = consumer_done(s->consumer, s->partition);
        if ((done > first ? done : first) >= end)
            return ERR_OK;
        usleep(50000);
    }
    return err_set(err, ERR_UNAVAILABLE, "The partition is not ours any more");
}

/* ---- to the log, as refused ---- */

static rd_kafka_resp_err_t send_refusal(rd_kafka_t *rk, int32_t partition, const struct command *c) {
    struct headers h;
    struct jbuf value = {0};
    rd_kafka_resp_err_t code;
    headers_command(&h, c);
    command_encode(c, &value);
    do {
        rd_kafka_headers_t *headers = emit_headers(&h);
        code = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(TOPIC_COMMANDS), RD_KAFKA_V_PARTITION(partition),
                                 RD_KAFKA_V_KEY(c->workspace.s, strlen(c->workspace.s)),
                                 RD_KAFKA_V_VALUE(value.p, value.n), RD_KAFKA_V_HEADERS(headers),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_headers_destroy(headers);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 20);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    jb_free(&value);
    return code;
}

static enum err_code send_refusals(const struct lost_scan *s, const struct accepted *a, const bool *which,
                                   int64_t *acknowledged, struct err *err) {
    struct refusals report = {0};
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t sent = 0;
    rd_kafka_conf_t *conf = kafka_conf_new(s->config, KAFKA_PRODUCER_IDEMPOTENT);
    rd_kafka_conf_set_dr_msg_cb(conf, on_refusal_report);
    rd_kafka_conf_set_opaque(conf, &report);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, err);
    if (rk == NULL)
        return err->code;
    for (size_t i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < a->n; i++) {
        if (!which[i])
            continue;
        code = send_refusal(rk, s->partition, &a->commands[i]);
        sent += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t flushed = rd_kafka_flush(rk, FLUSH_MS);
    if (flushed != RD_KAFKA_RESP_ERR_NO_ERROR)
        (void)rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(rk);
    *acknowledged = report.acknowledged;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || flushed != RD_KAFKA_RESP_ERR_NO_ERROR)
        return scan_failed(code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : flushed,
                           "Producing to " TOPIC_COMMANDS, err);
    return report.acknowledged == sent ? ERR_OK : err_set(err, ERR_KAFKA, TOPIC_COMMANDS " did not take all");
}

/* ---- from the audit ---- */

/* Those of a that nobody has claimed are lost. Empties a. */
static enum err_code judge(const struct lost_scan *s, rd_kafka_t *rk, struct accepted *a, int64_t *lost,
                           struct err *err) {
    struct txn_of txns[ACCEPTED_MAX];
    bool unclaimed[ACCEPTED_MAX], any = false;
    int64_t told = 0;
    if (a->n == 0)
        return ERR_OK;
    for (size_t i = 0; i < a->n; i++)
        txns[i] = (struct txn_of){a->commands[i].workspace.s, a->commands[i].txn.s};
    enum err_code code = wait_for_apply(s, rk, err);
    if (code == ERR_OK)
        code = log_gaps_unclaimed(s->db, txns, a->n, unclaimed, err);
    for (size_t i = 0; code == ERR_OK && i < a->n; i++)
        any = any || unclaimed[i];
    if (code != ERR_OK || !any) {
        a->n = 0;
        return code;
    }
    code = send_refusals(s, a, unclaimed, &told, err);
    a->n = 0;
    *lost += told;
    metric_add(worker_stats.accepted_lost, told);
    struct err why = {0};
    enum err_code counted = told > 0 ? log_gaps_count(s->db, s->partition, told, &why) : ERR_OK;
    if (code == ERR_OK && counted != ERR_OK)
        *err = why;
    return code != ERR_OK ? code : counted;
}

/* Where to begin, and where it ends now. */
static enum err_code find_range(struct lost_scan *s, rd_kafka_t *rk, int64_t *end, struct err *err) {
    int64_t first;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(rk, TOPIC_AUDIT, s->partition, &first, end, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && s->next < 0) {
        rd_kafka_topic_partition_list_t *at = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(at, TOPIC_AUDIT, s->partition)->offset = s->since_us / 1000;
        code = rd_kafka_offsets_for_times(rk, at, ASK_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            code = at->elems[0].err;
        s->next = at->elems[0].offset >= 0 ? at->elems[0].offset : *end; /* all of it is older */
        rd_kafka_topic_partition_list_destroy(at);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            s->next = -1;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return scan_failed(code, "The ends of " TOPIC_AUDIT, err);
    if (s->next < first)
        s->next = first;
    return ERR_OK;
}

static void take_acceptance(const struct lost_scan *s, struct accepted *a, const rd_kafka_message_t *m) {
    struct command *c = &a->commands[a->n];
    if (acceptance_read(m->payload, m->len, clock_wall_us(), c) && uuid_time_us(&c->txn) >= s->since_us)
        a->n++;
}

/* The records from s->next to end. What was read counts (s->next moves on) when it was judged. */
static enum err_code read_records(struct lost_scan *s, rd_kafka_t *rk, int64_t end, struct accepted *a,
                                  int64_t *lost, struct err *err) {
    int64_t next = s->next;
    while (next < end && may_go_on(s)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 200);
        if (m == NULL)
            continue;
        rd_kafka_resp_err_t code = m->err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_acceptance(s, a, m);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            next = code == RD_KAFKA_RESP_ERR_NO_ERROR ? m->offset + 1 : m->offset;
        rd_kafka_message_destroy(m);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            return scan_failed(code, "Reading " TOPIC_AUDIT, err);
        if (a->n < ACCEPTED_MAX && next < end)
            continue;
        if (judge(s, rk, a, lost, err) != ERR_OK)
            return err->code;
        s->next = next;
    }
    return next >= end ? ERR_OK : err_set(err, ERR_UNAVAILABLE, "The partition is not ours any more");
}

static rd_kafka_t *open_reader(const struct lost_scan *s, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(s->config, KAFKA_CONSUMER_ASSIGN);
    /* The end of a partition is told, as what stands last may be the mark of a transaction; and retention may
     * pass the place while it is read. */
    kafka_conf_set(conf, "enable.partition.eof", "true");
    kafka_conf_set(conf, "auto.offset.reset", "earliest");
    kafka_conf_set(conf, "queued.max.messages.kbytes", "4096");
    return kafka_open(conf, KAFKA_CONSUMER_ASSIGN, err);
}

enum err_code lost_scan(struct lost_scan *s, int64_t *lost, struct err *err) {
    int64_t end = 0;
    rd_kafka_t *rk = open_reader(s, err);
    if (rk == NULL)
        return err->code;
    enum err_code code = find_range(s, rk, &end, err);
    if (code == ERR_OK && s->next < end) {
        rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(parts, TOPIC_AUDIT, s->partition)->offset = s->next;
        rd_kafka_resp_err_t assigned = rd_kafka_assign(rk, parts);
        rd_kafka_topic_partition_list_destroy(parts);
        struct accepted *a = xmalloc(sizeof *a);
        a->n = 0;
        code = assigned == RD_KAFKA_RESP_ERR_NO_ERROR ? read_records(s, rk, end, a, lost, err)
                                                      : scan_failed(assigned, "Reading " TOPIC_AUDIT, err);
        free(a);
        rd_kafka_consumer_close(rk);
    }
    rd_kafka_destroy(rk);
    return code;
}
