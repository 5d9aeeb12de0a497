#include "workers/deliver/notice.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/command.h"
#include "schemas/stream/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_MS 1000

struct notice {
    const struct config *config;
    rd_kafka_t *rk;
};

struct notice *notice_new(const struct config *config, struct err *err) {
    rd_kafka_t *rk =
        kafka_open(kafka_conf_new(config, KAFKA_PRODUCER_IDEMPOTENT), KAFKA_PRODUCER_IDEMPOTENT, err);
    if (rk == NULL)
        return NULL;
    struct notice *n = xcalloc(1, sizeof *n);
    n->config = config;
    n->rk = rk;
    return n;
}

static void notice_produce(struct notice *n, const struct command *c) {
    struct jbuf value = {0};
    struct headers h;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADERS_MAX);
    headers_command(&h, c);
    for (size_t i = 0; i < h.n; i++)
        rd_kafka_header_add(headers, h.row[i].name, -1, h.row[i].value, -1);
    command_encode(c, &value);
    int32_t partition = workspace_partition(c->workspace.s, (int32_t)config_int(n->config, "partitions"));
    rd_kafka_resp_err_t code = rd_kafka_producev(
        n->rk, RD_KAFKA_V_TOPIC(TOPIC_COMMANDS), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(c->workspace.s, strlen(c->workspace.s)),
        RD_KAFKA_V_VALUE(value.p, value.n), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers); /* producev owns them only when it succeeds */
        log_event(LOG_WARN, "deliver-notice-failed", "code=%s", rd_kafka_err2name(code));
    }
    jb_free(&value);
}

void notice_stop(struct notice *n, const char *workspace, const char *endpoint, const char *state,
                 const char *reason) {
    struct command c = {.type = COMMAND_DELIVERY_SET,
                        .txn = uuid_v7(),
                        .actor = {.kind = ACTOR_OPERATOR, .name = "usher-worker"},
                        .dialect = DIALECT_RFC,
                        .reason = "api",
                        .reply_partition = -1,
                        .time_us = clock_wall_us()};
    if (!uuid_parse(workspace, &c.workspace) || !uuid_parse(endpoint, &c.id))
        abort(); /* they come from the database */
    if (gethostname(c.actor.host, sizeof c.actor.host - 1) != 0)
        c.actor.host[0] = '\0';
    c.resource = json_pack("{s:s, s:s}", "state", state, "reason", reason);
    if (c.resource == NULL)
        abort(); /* no memory */
    notice_produce(n, &c);
    command_clear(&c);
}

void notice_work(struct notice *n) {
    rd_kafka_poll(n->rk, 0);
}

void notice_free(struct notice *n) {
    if (n == NULL)
        return;
    rd_kafka_flush(n->rk, FLUSH_MS);
    rd_kafka_destroy(n->rk);
    free(n);
}
