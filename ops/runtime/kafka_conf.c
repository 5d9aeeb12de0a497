#include "ops/runtime/kafka_conf.h"

#include "ops/runtime/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    const char *key, *value;
};

/* Defaults that a pass-through setting may change. */
static const struct setting common[] = {
    {"client.id", "usher"},
    /* Nagle's algorithm, which is on by default, can cost 40 ms per request. */
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"socket.timeout.ms", "10000"},
    {"reconnect.backoff.ms", "50"},
    /* A broker that comes back is found within a second. */
    {"reconnect.backoff.max.ms", "1000"},
    {"message.max.bytes", "16777216"},
    {"fetch.max.bytes", "17825792"},
    {"receive.message.max.bytes", "33554432"}, /* must exceed fetch.max.bytes */
    {"log.connection.close", "false"},
    {NULL, NULL},
};

static const struct setting producer[] = {
    /* As the Java client does; used only where no partition is given. */
    {"partitioner", "murmur2_random"},
    /* Batches grow by themselves while requests are in flight. */
    {"linger.ms", "0"},
    {"queue.buffering.max.messages", "20000"},
    {"queue.buffering.max.kbytes", "65536"},
    {NULL, NULL},
};

static const struct setting idempotent[] = {
    {"message.timeout.ms", "30000"},
    {"retry.backoff.ms", "20"},
    {NULL, NULL},
};

static const struct setting transactional[] = {
    {"transaction.timeout.ms", "10000"},
    /* The coordinator answers CONCURRENT_TRANSACTIONS while it finishes the transaction before. With the
       default of 100 ms, every transaction would take that long. */
    {"retry.backoff.ms", "2"},
    {NULL, NULL},
};

static const struct setting consumer[] = {
    {"fetch.message.max.bytes", "16842752"},
    /* A fetch that finds nothing comes back after that, and costs both sides something. Records wait for
       nothing. */
    {"fetch.wait.max.ms", "500"},
    {"fetch.error.backoff.ms", "50"},
    /* A queue that reaches one of the limits stops fetching for a whole second (librdkafka 2.0.x). So the
       count is higher than what ingests keep in flight, and the bytes bound the memory. */
    {"queued.min.messages", "10000"},
    {"queued.max.messages.kbytes", "16384"},
    {NULL, NULL},
};

static const struct setting group[] = {
    {"session.timeout.ms", "6000"},
    /* A member hears with its next one that another has left. */
    {"heartbeat.interval.ms", "300"},
    {NULL, NULL},
};

static const struct setting assign[] = {
    /* rd_kafka_assign needs a group; nothing joins it and nothing is committed. */
    {"group.id", "usher-unjoined"},
    {"auto.offset.reset", "latest"},
    {NULL, NULL},
};

/* The settings that usher's promises rest on. They are set after the pass-through settings, which may not
 * name them. */
static const struct setting fixed_producer[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {NULL, NULL},
};

static const struct setting fixed_consumer[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "false"},
    {NULL, NULL},
};

static const struct setting fixed_group[] = {
    /* Waits for the open transaction of a predecessor. */
    {"isolation.level", "read_committed"},
    /* Without a committed offset, no command is skipped. */
    {"auto.offset.reset", "error"},
    {"partition.assignment.strategy", "range"},
    {NULL, NULL},
};

static const struct setting fixed_assign[] = {
    {"isolation.level", "read_uncommitted"},
    {NULL, NULL},
};

static const struct setting fixed_ends[] = {
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    /* Where the retention has passed the place, all that is left is read. */
    {"auto.offset.reset", "earliest"},
    {NULL, NULL},
};

static const struct setting fixed_plain[] = {
    {"enable.idempotence", "false"},
    {"acks", "1"},
    {NULL, NULL},
};

static const struct setting *const fixed_tables[] = {fixed_producer, fixed_consumer, fixed_group,
                                                     fixed_assign};
static const char *const fixed_keys[] = {"bootstrap.servers", "metadata.broker.list", "group.id",
                                         "transactional.id", "request.required.acks"};

static bool is_fixed(const char *key) {
    for (size_t i = 0; i < sizeof fixed_keys / sizeof *fixed_keys; i++)
        if (strcmp(fixed_keys[i], key) == 0)
            return true;
    for (size_t i = 0; i < sizeof fixed_tables / sizeof *fixed_tables; i++)
        for (const struct setting *s = fixed_tables[i]; s->key != NULL; s++)
            if (strcmp(s->key, key) == 0)
                return true;
    return false;
}

static bool accepts_setting(const char *key, const char *value, char *why, size_t n) {
    if (is_fixed(key)) {
        snprintf(why, n, "usher sets this itself");
        return false;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = rd_kafka_conf_set(conf, key, value, why, n) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_destroy(conf);
    return good;
}

void kafka_conf_set(rd_kafka_conf_t *conf, const char *key, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, key, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return;
    char quoted[300];
    log_event(LOG_ERROR, "kafka_setting", "key=%s why=%s", key, log_quote(why, quoted, sizeof quoted));
    exit(2);
}

static void set_all(rd_kafka_conf_t *conf, const struct setting *table) {
    for (; table->key != NULL; table++)
        kafka_conf_set(conf, table->key, table->value);
}

static void pass_setting(const char *key, const char *value, void *conf) {
    kafka_conf_set(conf, key, value);
}

static pthread_mutex_t trouble_lock = PTHREAD_MUTEX_INITIALIZER;
static char trouble[300];

const char *kafka_trouble(char *out, size_t n) {
    pthread_mutex_lock(&trouble_lock);
    snprintf(out, n, "%s", trouble);
    pthread_mutex_unlock(&trouble_lock);
    return out;
}

const char *kafka_why(rd_kafka_resp_err_t code, char *out, size_t n) {
    bool unanswered = code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                      code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (!unanswered || kafka_trouble(out, n)[0] == '\0')
        snprintf(out, n, "%s", rd_kafka_err2str(code));
    return out;
}

/* "[thrd:…]: 127.0.0.1:9092/bootstrap: Connect to … failed: Connection refused (after 0ms in state CONNECT)":
 * what stands before and behind the words is for those who debug the library. */
static void note_trouble(const char *text) {
    const char *from = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;
    from = from != NULL ? from + 3 : text;
    const char *end = strstr(from, " (after ");
    size_t n = end != NULL ? (size_t)(end - from) : strlen(from);
    pthread_mutex_lock(&trouble_lock);
    snprintf(trouble, sizeof trouble, "%.*s", (int)(n < sizeof trouble ? n : sizeof trouble - 1), from);
    pthread_mutex_unlock(&trouble_lock);
}

/* Called on any thread of the library. Its levels are those of syslog. A broker that cannot be reached has
 * level 3 there and is a warning here, because the library goes on trying. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    if (strcmp(facility, "CONFWARN") == 0)
        /* A producer's setting that was passed through to a consumer, or the other way round. */
        return;
    if (level <= 3 && strstr(text, "brokers are down") == NULL) /* which says no more than that */
        note_trouble(text);
    enum log_level ours = level <= 2 ? LOG_ERROR : level <= 4 ? LOG_WARN : level <= 6 ? LOG_INFO : LOG_DEBUG;
    char quoted[1024];
    log_event(ours, "kafka", "client=%s facility=%s text=%s", rk != NULL ? rd_kafka_name(rk) : "-", facility,
              log_quote(text, quoted, sizeof quoted));
}

static bool is_consumer(enum kafka_role role) {
    return role == KAFKA_CONSUMER_GROUP || role == KAFKA_CONSUMER_ASSIGN || role == KAFKA_CONSUMER_ENDS;
}

rd_kafka_conf_t *kafka_conf_new(const struct config *c, enum kafka_role role) {
    bool produces = role == KAFKA_PRODUCER_IDEMPOTENT || role == KAFKA_PRODUCER_TRANSACTIONAL ||
                    role == KAFKA_PRODUCER_PLAIN;
    bool consumes = is_consumer(role);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    set_all(conf, common);
    if (produces) {
        set_all(conf, producer);
        set_all(conf, role == KAFKA_PRODUCER_TRANSACTIONAL ? transactional : idempotent);
    }
    if (consumes) {
        set_all(conf, consumer);
        set_all(conf, role == KAFKA_CONSUMER_GROUP ? group : assign);
    }
    if (c != NULL) {
        config_each(c, kafka_pass.prefix, pass_setting, conf);
        kafka_conf_set(conf, "bootstrap.servers", config_str(c, "kafka"));
    }
    if (produces)
        set_all(conf, role == KAFKA_PRODUCER_PLAIN ? fixed_plain : fixed_producer);
    if (consumes) {
        set_all(conf, fixed_consumer);
        set_all(conf, role == KAFKA_CONSUMER_GROUP  ? fixed_group
                      : role == KAFKA_CONSUMER_ENDS ? fixed_ends
                                                    : fixed_assign);
    }
    return conf;
}

rd_kafka_t *kafka_open(rd_kafka_conf_t *conf, enum kafka_role role, struct err *err) {
    bool consumes = is_consumer(role);
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(consumes ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf); /* rd_kafka_new takes it only if it succeeds */
        (void)err_set(err, ERR_KAFKA, "cannot open a Kafka client: %s", why);
        return NULL;
    }
    if (consumes)
        rd_kafka_poll_set_consumer(rk);
    return rk;
}

enum err_code kafka_warm_up(rd_kafka_t *rk, const char *const *topics, size_t n, int timeout_ms,
                            struct err *err) {
    for (size_t i = 0; i < n; i++) {
        rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, topics[i], NULL);
        const struct rd_kafka_metadata *md = NULL;
        rd_kafka_resp_err_t code =
            topic != NULL ? rd_kafka_metadata(rk, 0, topic, &md, timeout_ms) : rd_kafka_last_error();
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && md != NULL && md->topic_cnt == 1)
            code = md->topics[0].err;
        if (md != NULL)
            rd_kafka_metadata_destroy(md);
        if (topic != NULL)
            rd_kafka_topic_destroy(topic);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return err_set(err, ERR_KAFKA, "no metadata of topic %s: %s", topics[i], rd_kafka_err2str(code));
    }
    return ERR_OK;
}

/* ---- a program's settings of Kafka ---- */

/* host:port, or the library's default port. */
static enum err_code check_bootstrap(const char *list, struct err *err) {
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        char one[300];
        snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), at);
        char *from = one + strspn(one, " "), *scheme = strstr(from, "://");
        const char *colon = strrchr(scheme != NULL ? scheme + 3 : from, ':');
        long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 1;
        bool number = colon == NULL || strspn(colon + 1, "0123456789") == strcspn(colon + 1, " ");
        if (*from == '\0' || colon == from || strchr(from, ';') != NULL || !number || port < 1 ||
            port > 65535)
            return err_set(err, ERR_CONFIG, "kafka: \"%s\" is not host:port", one);
        at += n;
        if (*at == '\0')
            return ERR_OK;
    }
}

/* A client reads the certificates and keys that are named, and sees whether the settings go together. It
 * connects to nobody before it is asked something. */
static enum err_code open_settings(const struct config *c, struct err *err) {
    static const enum kafka_role roles[] = {KAFKA_ADMIN, KAFKA_CONSUMER_GROUP};
    if (check_bootstrap(config_str(c, "kafka"), err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        rd_kafka_conf_t *conf = kafka_conf_new(c, roles[i]);
        if (roles[i] == KAFKA_CONSUMER_GROUP)
            kafka_conf_set(conf, "group.id", "usher-check");
        kafka_conf_set(conf, "log_level", "0");
        rd_kafka_t *rk = kafka_open(conf, roles[i], err);
        if (rk == NULL)
            return err_set(err, ERR_CONFIG, "kafka.*: %s", err_text(err));
        rd_kafka_destroy(rk);
    }
    return ERR_OK;
}

static void find_scram(const char *key, const char *value, void *found) {
    if ((strcmp(key, "sasl.mechanism") == 0 || strcmp(key, "sasl.mechanisms") == 0) &&
        strncmp(value, "SCRAM-", 6) == 0)
        *(bool *)found = true;
}

/* librdkafka before 2.6.1 sends a wrong nonce, which Apache Kafka has refused since 4.0. */
#define SCRAM_SINCE 0x020601ff

static bool doubt_settings(const struct config *c, char *why, size_t n) {
    bool scram = false;
    config_each(c, kafka_pass.prefix, find_scram, &scram);
    if (!scram || rd_kafka_version() >= SCRAM_SINCE)
        return false;
    snprintf(
        why, n,
        "kafka.sasl.mechanism: SCRAM of librdkafka %s is refused by Apache Kafka 4 (as invalid credentials); "
        "2.6.1 and later can do it, PLAIN over TLS and client certificates work with all",
        rd_kafka_version_str());
    return true;
}

const struct config_pass kafka_pass = {"kafka.", "any setting of librdkafka, by flag or file",
                                       accepts_setting, open_settings, doubt_settings};

bool kafka_header_text(const rd_kafka_message_t *m, const char *name, char *out, size_t size) {
    rd_kafka_headers_t *headers;
    const void *value = NULL;
    size_t n = 0;
    if (rd_kafka_message_headers((rd_kafka_message_t *)(uintptr_t)m, &headers) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR || n >= size)
        return false;
    memcpy(out, value, n);
    out[n] = '\0';
    return true;
}
