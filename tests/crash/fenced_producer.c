/* A transactional producer that is fenced while messages of it are queued and in flight, and is then
 * destroyed. librdkafka 2.0.2 corrupts the heap there, unless the messages are taken out before
 * (workers/emit/emitter.c). Built with ASan, which sees it.
 *
 *     fenced_producer BOOTSTRAP plain|purged [ROUNDS]
 *
 * Ends with 0 if nothing was found, and prints which library it was; ASan ends it otherwise. */
#include "ops/runtime/kafka_conf.h"
#include "workers/emit/producer_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES 60000 /* more than the queue takes */
#define PARTITIONS 12

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk, (void)m, (void)opaque;
}

static rd_kafka_t *open_producer(const char *bootstrap, const char *id) {
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_PRODUCER_TRANSACTIONAL);
    kafka_conf_set(conf, "bootstrap.servers", bootstrap);
    kafka_conf_set(conf, "transactional.id", id);
    kafka_conf_set(conf, "socket.timeout.ms", "1000");
    kafka_conf_set(conf, "message.timeout.ms", "0");
    kafka_conf_set(conf, "transaction.timeout.ms", "1000");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_PRODUCER_TRANSACTIONAL, &err);
    rd_kafka_error_t *error = rk != NULL ? rd_kafka_init_transactions(rk, 20000) : NULL;
    if (rk == NULL || error != NULL) {
        fprintf(stderr, "cannot begin: %s\n", error != NULL ? rd_kafka_error_string(error) : err_text(&err));
        exit(2);
    }
    return rk;
}

static void produce(rd_kafka_t *rk, const char *topic, int n) {
    char value[1000];
    memset(value, 'x', sizeof value);
    for (int i = 0; i < n;) {
        rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
        rd_kafka_header_add(headers, "ce_specversion", -1, "1.0", -1);
        rd_kafka_header_add(headers, "ce_id", -1, value, 36);
        rd_kafka_resp_err_t code = rd_kafka_producev(
            rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(i % PARTITIONS), RD_KAFKA_V_KEY(value, 36),
            RD_KAFKA_V_VALUE(value, sizeof value), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_headers_destroy(headers);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 5);
        else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        else
            i++;
    }
}

/* how: even: another instance of the id takes over; odd: the coordinator's time-out; then a try to commit, to
 * abort, or none. */
static void round_of(const char *bootstrap, bool purged, int how) {
    const char *topic = TOPIC_MEMBERSHIP;
    char id[64];
    snprintf(id, sizeof id, "fenced-%d-%d", (int)getpid(), how);
    rd_kafka_t *rk = open_producer(bootstrap, id), *other = NULL;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(rk);
    produce(rk, topic, 100);
    if (how % 2 == 0)
        other = open_producer(bootstrap, id);
    else
        usleep(3500000);
    produce(rk, topic, MESSAGES);
    usleep((useconds_t)(how * 1700) % 20000); /* so that some are in flight, some queued */
    if (error == NULL && how % 3 == 0)
        error = rd_kafka_commit_transaction(rk, 200);
    else if (error == NULL && how % 3 == 1)
        error = rd_kafka_abort_transaction(rk, 2000);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    if (purged)
        producer_end(rk);
    else
        rd_kafka_destroy(rk);
    if (other != NULL)
        producer_end(other);
}

static void make_topics(const char *bootstrap) {
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_ADMIN);
    kafka_conf_set(conf, "bootstrap.servers", bootstrap);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_ADMIN, &err);
    if (rk == NULL || kafka_topics_ensure(rk, PARTITIONS, 1, 20000, &err) != ERR_OK) {
        fprintf(stderr, "no topics: %s\n", err_text(&err));
        exit(2);
    }
    rd_kafka_destroy(rk);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    int rounds = argc > 3 ? atoi(argv[3]) : 8;
    make_topics(argv[1]);
    for (int i = 0; i < rounds; i++)
        round_of(argv[1], strcmp(argv[2], "purged") == 0, i);
    printf("librdkafka %s: %d rounds, nothing found\n", rd_kafka_version_str(), rounds);
    return 0;
}
