/* A transactional producer that is fenced while it has messages in flight, and is then ended.
 *
 *     fenced_producer BOOTSTRAP destroyed|ended
 *
 * librdkafka (seen in 2.0.2 to 2.16.0) frees the text of the transaction's error twice there:
 * rd_kafka_destroy lets the library's main thread free it (rd_kafka_txns_term) before the brokers' threads
 * have ended, and one of them that still has a refused ProduceRequest to handle frees it once more
 * (rd_kafka_txn_set_fatal_error). "destroyed" does just that; "ended" uses producer_end, after which no
 * thread has one to handle. Between its message in the log and the second free a thread of the library is
 * held up here, so that what is a matter of microseconds happens each time. Built with ASan, which sees it:
 * then the program ends with what ASan says, else with 0, or with 3 if no second request was refused. */
#include "ops/runtime/kafka_conf.h"
#include "workers/emit/producer_end.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PARTITIONS 12
#define ROUNDS_MAX 20
#define ROUND_S 60
#define HELD_UP_US 1000000

static atomic_int refused; /* ProduceRequests of this round */

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    (void)rk, (void)level;
    if (strcmp(facility, "TXNERR") != 0 || strstr(text, "Fatal") == NULL)
        return;
    if (atomic_fetch_add(&refused, 1) > 0)
        usleep(HELD_UP_US);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk, (void)m, (void)opaque;
}

static rd_kafka_t *open_producer(const char *bootstrap, const char *id) {
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_PRODUCER_TRANSACTIONAL);
    kafka_conf_set(conf, "bootstrap.servers", bootstrap);
    kafka_conf_set(conf, "transactional.id", id);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_t *rk = kafka_open(conf, KAFKA_PRODUCER_TRANSACTIONAL, &err);
    rd_kafka_error_t *error = rk != NULL ? rd_kafka_init_transactions(rk, 20000) : NULL;
    if (rk == NULL || error != NULL) {
        fprintf(stderr, "cannot begin: %s\n", error != NULL ? rd_kafka_error_string(error) : err_text(&err));
        exit(2);
    }
    return rk;
}

static rd_kafka_resp_err_t produce_one(rd_kafka_t *rk, int i) {
    char value[600] = "";
    return rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(TOPIC_MEMBERSHIP), RD_KAFKA_V_PARTITION(i % PARTITIONS),
                             RD_KAFKA_V_VALUE(value, sizeof value), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_END);
}

static void *fence(void *arg) {
    const char *const *words = arg;
    return open_producer(words[0], words[1]);
}

/* Its partitions belong to the transaction first: a fence that is met there refuses no ProduceRequest. */
static void begin(rd_kafka_t *rk) {
    rd_kafka_error_t *error = rd_kafka_begin_transaction(rk);
    for (int i = 0; error == NULL && i < PARTITIONS; i++)
        (void)produce_one(rk, i);
    if (error != NULL || rd_kafka_flush(rk, 20000) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fprintf(stderr, "cannot begin a transaction\n");
        exit(2);
    }
}

/* As fast as it goes, until it is told that it is fenced. */
static void produce_all(rd_kafka_t *rk) {
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    time_t until = time(NULL) + ROUND_S;
    for (int i = 0; time(NULL) < until; i++) {
        code = produce_one(rk, i);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(rk, 1);
        else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
    }
}

/* Was a second request refused, before the producer was ended? */
static bool round_of(const char *bootstrap, bool destroyed, int n) {
    char id[64];
    pthread_t other;
    void *fencer = NULL;
    snprintf(id, sizeof id, "fenced-%d-%d", (int)getpid(), n);
    atomic_store(&refused, 0);
    rd_kafka_t *rk = open_producer(bootstrap, id);
    begin(rk);
    const char *words[] = {bootstrap, id};
    if (pthread_create(&other, NULL, fence, words) != 0)
        abort();
    produce_all(rk);
    for (int waited = 0; atomic_load(&refused) < 2 && waited < 100; waited++)
        usleep(1000);
    bool met = atomic_load(&refused) >= 2;
    if (destroyed)
        rd_kafka_destroy(rk);
    else
        producer_end(rk);
    pthread_join(other, &fencer);
    rd_kafka_destroy(fencer);
    return met;
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
    int met = 0;
    if (argc != 3)
        return 2;
    make_topics(argv[1]);
    for (int i = 0; i < ROUNDS_MAX && met < 2; i++)
        met += round_of(argv[1], strcmp(argv[2], "destroyed") == 0, i);
    printf("librdkafka %s: fenced with requests under way %d times, nothing found\n", rd_kafka_version_str(),
           met);
    return met > 0 ? 0 : 3;
}
