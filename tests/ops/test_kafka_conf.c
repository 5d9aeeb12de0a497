#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct config_row rows[] = {KAFKA_CONFIG_ROWS, {NULL, CONFIG_STR, NULL, 0, 0, NULL, false}};
static const struct config_spec spec = {"usher-test", rows, &kafka_pass, NULL, NULL};

static void has(rd_kafka_conf_t *conf, const char *key, const char *value) {
    char text[256];
    size_t n = sizeof text;
    assert_int_equal(rd_kafka_conf_get(conf, key, text, &n), RD_KAFKA_CONF_OK);
    if (strcmp(text, value) != 0)
        fail_msg("%s is %s, not %s", key, text, value);
}

static void producers(void **state) {
    (void)state;
    static const enum kafka_role roles[] = {KAFKA_PRODUCER_IDEMPOTENT, KAFKA_PRODUCER_TRANSACTIONAL};
    for (int i = 0; i < 2; i++) {
        rd_kafka_conf_t *conf = kafka_conf_new(NULL, roles[i]);
        has(conf, "enable.idempotence", "true");
        has(conf, "acks", "-1");
        has(conf, "socket.nagle.disable", "true");
        has(conf, "partitioner", "murmur2_random");
        has(conf, "message.max.bytes", "16777216");
        has(conf, "queue.buffering.max.messages", "20000");
        has(conf, "queue.buffering.max.kbytes", "65536");
        has(conf, "linger.ms", "0");
        has(conf, "retry.backoff.ms", i == 0 ? "20" : "2");
        rd_kafka_conf_destroy(conf);
    }
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_PRODUCER_TRANSACTIONAL);
    has(conf, "transaction.timeout.ms", "10000");
    rd_kafka_conf_destroy(conf);
    conf = kafka_conf_new(NULL, KAFKA_PRODUCER_PLAIN);
    has(conf, "enable.idempotence", "false");
    has(conf, "acks", "1");
    rd_kafka_conf_destroy(conf);
}

static void consumers(void **state) {
    (void)state;
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_CONSUMER_GROUP);
    has(conf, "isolation.level", "read_committed");
    has(conf, "enable.auto.commit", "false");
    has(conf, "enable.auto.offset.store", "false");
    has(conf, "auto.offset.reset", "error");
    has(conf, "partition.assignment.strategy", "range");
    has(conf, "session.timeout.ms", "6000");
    rd_kafka_conf_destroy(conf);
    conf = kafka_conf_new(NULL, KAFKA_CONSUMER_ASSIGN);
    has(conf, "isolation.level", "read_uncommitted");
    has(conf, "enable.auto.commit", "false");
    rd_kafka_conf_destroy(conf);
}

static void every_role_opens(void **state) {
    (void)state;
    static const enum kafka_role roles[] = {KAFKA_PRODUCER_IDEMPOTENT, KAFKA_PRODUCER_TRANSACTIONAL,
                                            KAFKA_PRODUCER_PLAIN,      KAFKA_CONSUMER_GROUP,
                                            KAFKA_CONSUMER_ASSIGN,     KAFKA_ADMIN};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        rd_kafka_conf_t *conf = kafka_conf_new(NULL, roles[i]);
        if (roles[i] == KAFKA_PRODUCER_TRANSACTIONAL)
            kafka_conf_set(conf, "transactional.id", "usher-worker-0");
        if (roles[i] == KAFKA_PRODUCER_IDEMPOTENT)
            kafka_conf_set(conf, "message.timeout.ms", "0");
        if (roles[i] == KAFKA_CONSUMER_GROUP)
            kafka_conf_set(conf, "group.id", "usher-workers");
        struct err err = {0};
        rd_kafka_t *rk = kafka_open(conf, roles[i], &err);
        if (!rk)
            fail_msg("role %d: %s", (int)roles[i], err.detail);
        rd_kafka_destroy(rk);
    }
}

static void a_conf_that_cannot_open_is_an_error_and_no_leak(void **state) {
    (void)state;
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_PRODUCER_IDEMPOTENT);
    kafka_conf_set(conf, "max.in.flight", "1000");
    struct err err = {0};
    assert_null(kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, &err));
    assert_int_equal(err.code, ERR_KAFKA);
    assert_non_null(strstr(err.detail, "max.in.flight"));
}

static void settings_pass_through_to_every_role(void **state) {
    (void)state;
    char *argv[] = {"x",
                    "--kafka",
                    "broker:1",
                    "--kafka.linger.ms=7",
                    "--kafka.retry.backoff.ms=30",
                    "--kafka.fetch.wait.max.ms=1",
                    NULL};
    enum config_ask ask;
    struct err err = {0};
    struct config *c = config_read(&spec, 6, argv, &ask, &err);
    assert_non_null(c);
    rd_kafka_conf_t *conf = kafka_conf_new(c, KAFKA_PRODUCER_TRANSACTIONAL);
    has(conf, "bootstrap.servers", "broker:1");
    has(conf, "linger.ms", "7");
    has(conf, "retry.backoff.ms", "30");
    has(conf, "enable.idempotence", "true");
    rd_kafka_conf_destroy(conf);
    conf = kafka_conf_new(c, KAFKA_CONSUMER_GROUP);
    has(conf, "fetch.wait.max.ms", "1");
    has(conf, "isolation.level", "read_committed");
    rd_kafka_conf_destroy(conf);
    config_free(c);
}

static void what_the_promises_rest_on_cannot_be_changed(void **state) {
    (void)state;
    static const char *const fixed[][2] = {
        {"enable.idempotence", "false"},
        {"acks", "1"},
        {"request.required.acks", "1"},
        {"enable.auto.commit", "true"},
        {"isolation.level", "read_uncommitted"},
        {"auto.offset.reset", "latest"},
        {"group.id", "x"},
        {"transactional.id", "x"},
        {"bootstrap.servers", "x"},
        {"partition.assignment.strategy", "cooperative-sticky"},
    };
    char why[256];
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        assert_false(kafka_pass.accepts(fixed[i][0], fixed[i][1], why, sizeof why));
    assert_true(kafka_pass.accepts("security.protocol", "ssl", why, sizeof why));
    assert_false(kafka_pass.accepts("no.such.setting", "1", why, sizeof why));
    assert_non_null(strstr(why, "no.such.setting"));
}

/* A mock cluster in the test's own process, with a client on it. */
struct cluster {
    rd_kafka_t *host, *rk;
    rd_kafka_mock_cluster_t *mock;
};

static struct cluster cluster_open(void) {
    struct cluster k;
    char why[256];
    k.host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why);
    assert_non_null(k.host);
    k.mock = rd_kafka_mock_cluster_new(k.host, 1);
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_PRODUCER_IDEMPOTENT);
    kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(k.mock));
    struct err err = {0};
    k.rk = kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, &err);
    assert_non_null(k.rk);
    return k;
}

static void cluster_close(struct cluster *k) {
    rd_kafka_destroy(k->rk);
    rd_kafka_mock_cluster_destroy(k->mock);
    rd_kafka_destroy(k->host);
}

static const char *const all_topics[] = {TOPIC_COMMANDS, TOPIC_REPLIES, TOPIC_MEMBERSHIP,  TOPIC_ROOMS,
                                         TOPIC_EVENTS,   TOPIC_AUDIT,   TOPIC_CHECKPOINTS, TOPIC_DEADLETTER};

static void topics_are_made_where_the_broker_knows_no_create_request(void **state) {
    (void)state;
    struct cluster k = cluster_open();
    struct err err = {0};
    /* The mock cluster makes four partitions by itself. */
    if (kafka_topics_ensure(k.rk, 4, 0, 10000, &err))
        fail_msg("%s", err.detail);
    const struct rd_kafka_metadata *md;
    assert_int_equal(rd_kafka_metadata(k.rk, 1, NULL, &md, 5000), 0);
    assert_int_equal(md->topic_cnt, 8);
    rd_kafka_metadata_destroy(md);
    assert_int_equal(kafka_topics_ensure(k.rk, 4, 0, 10000, &err), ERR_OK);
    cluster_close(&k);
}

static void another_partition_count_is_refused_by_name(void **state) {
    (void)state;
    struct cluster k = cluster_open();
    for (size_t i = 0; i < sizeof all_topics / sizeof *all_topics; i++)
        rd_kafka_mock_topic_create(k.mock, all_topics[i], strcmp(all_topics[i], TOPIC_ROOMS) ? 12 : 11, 1);
    struct err err = {0};
    assert_int_equal(kafka_topics_ensure(k.rk, 12, 0, 10000, &err), ERR_CONFIG);
    assert_non_null(strstr(err.detail, TOPIC_ROOMS));
    assert_non_null(strstr(err.detail, "11"));
    cluster_close(&k);
}

static void warm_up_asks_for_each_topic(void **state) {
    (void)state;
    struct cluster k = cluster_open();
    struct err err = {0};
    for (size_t i = 0; i < sizeof all_topics / sizeof *all_topics; i++)
        rd_kafka_mock_topic_create(k.mock, all_topics[i], 12, 1);
    assert_int_equal(kafka_warm_up(k.rk, all_topics, 7, 5000, &err), ERR_OK);
    rd_kafka_mock_topic_set_error(k.mock, TOPIC_AUDIT, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(kafka_warm_up(k.rk, all_topics, 7, 5000, &err), ERR_KAFKA);
    assert_non_null(strstr(err.detail, TOPIC_AUDIT));
    cluster_close(&k);
}

static void nobody_there_is_a_retry_within_the_time_given(void **state) {
    (void)state;
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_ADMIN);
    kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1");
    struct err err = {0};
    rd_kafka_t *rk = kafka_open(conf, KAFKA_ADMIN, &err);
    int64_t start = clock_mono_us();
    assert_int_equal(kafka_topics_ensure(rk, 12, 0, 300, &err), ERR_KAFKA);
    assert_int_equal(err_class(err.code), ERR_CLASS_RETRY);
    assert_true(clock_mono_us() - start < 3000000);
    rd_kafka_destroy(rk);
}

/* --check-config: a client is opened with all of it. */
static void settings_are_opened_together(void **state) {
    (void)state;
    static const struct {
        const char *flags[3], *says; /* says NULL: good */
    } cases[] = {
        {{"--kafka=a:9092,b:9093, c:1", "", ""}, NULL},
        {{"--kafka=", "", ""}, "kafka: \"\" is not host:port"},
        {{"--kafka=a:9092,", "", ""}, "is not host:port"},
        {{"--kafka=a:ninety", "", ""}, "kafka: \"a:ninety\" is not host:port"},
        {{"--kafka=a:99999", "", ""}, "is not host:port"},
        {{"--kafka.security.protocol=ssl", "--kafka.ssl.ca.location=/nonexistent/ca.pem", ""},
         "ssl.ca.location"},
        {{"--kafka.security.protocol=ssl", "--kafka.ssl.key.location=/nonexistent/key.pem", ""},
         "ssl.key.location"},
        {{"--kafka.security.protocol=sasl_plaintext", "--kafka.sasl.mechanism=PLAIN", ""}, "sasl.username"},
        {{"--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=u", "--kafka.sasl.password=p"}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *argv[] = {"usher-test", NULL, NULL, NULL, NULL};
        int argc = 1;
        struct err err = {0};
        enum config_ask ask;
        for (int f = 0; f < 3 && *cases[i].flags[f] != '\0'; f++)
            argv[argc++] = (char *)(uintptr_t)cases[i].flags[f];
        struct config *c = config_read(&spec, argc, argv, &ask, &err);
        assert_non_null(c);
        enum err_code code = kafka_pass.open(c, &err);
        if ((code == ERR_OK) != (cases[i].says == NULL) ||
            (cases[i].says != NULL && strstr(err_text(&err), cases[i].says) == NULL))
            fail_msg("case %zu: %s", i, code == ERR_OK ? "is taken" : err_text(&err));
        config_free(c);
    }
}

static void scram_of_an_old_library_is_told(void **state) {
    (void)state;
    char why[400] = "";
    static char *const mechanisms[] = {"--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.mechanism=SCRAM-SHA-512",
                                       "--kafka.sasl.mechanisms=SCRAM-SHA-256"};
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        char *argv[] = {"usher-test", mechanisms[i], NULL};
        struct err err = {0};
        enum config_ask ask;
        struct config *c = config_read(&spec, 2, argv, &ask, &err);
        assert_non_null(c);
        bool due = i > 0 && rd_kafka_version() < 0x020601ff;
        assert_int_equal(kafka_pass.doubt(c, why, sizeof why), due);
        assert_true(!due || (strstr(why, rd_kafka_version_str()) != NULL && strstr(why, "SCRAM") != NULL));
        config_free(c);
    }
}

/* What the library says on its log is what people need to know. */
static void the_cause_is_kept(void **state) {
    (void)state;
    char why[300];
    rd_kafka_conf_t *conf = kafka_conf_new(NULL, KAFKA_ADMIN);
    kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1");
    struct err err = {0};
    rd_kafka_t *rk = kafka_open(conf, KAFKA_ADMIN, &err);
    assert_int_equal(kafka_topics_ensure(rk, 12, 0, 1000, &err), ERR_KAFKA);
    assert_non_null(strstr(err_text(&err), "Connection refused"));
    assert_null(strstr(err_text(&err), "thrd:"));
    assert_string_equal(kafka_why(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, why, sizeof why),
                        rd_kafka_err2str(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
    rd_kafka_destroy(rk);
}

static int quiet(void **state) {
    (void)state;
    log_init("test", "error");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(producers),
        cmocka_unit_test(consumers),
        cmocka_unit_test(every_role_opens),
        cmocka_unit_test(a_conf_that_cannot_open_is_an_error_and_no_leak),
        cmocka_unit_test(settings_pass_through_to_every_role),
        cmocka_unit_test(what_the_promises_rest_on_cannot_be_changed),
        cmocka_unit_test(topics_are_made_where_the_broker_knows_no_create_request),
        cmocka_unit_test(another_partition_count_is_refused_by_name),
        cmocka_unit_test(warm_up_asks_for_each_topic),
        cmocka_unit_test(settings_are_opened_together),
        cmocka_unit_test(scram_of_an_old_library_is_told),
        cmocka_unit_test(the_cause_is_kept),
        cmocka_unit_test(nobody_there_is_a_retry_within_the_time_given),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
