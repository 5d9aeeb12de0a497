/* usher-broker: librdkafka's mock cluster in a process of its own, so that usher can be tried with Debian
 * packages alone.
 *
 * It is a broker for trying things out: it keeps everything in memory and forgets it at exit, drops the
 * oldest records of a partition beyond 5 MiB, knows no compaction, and its transactions hide and fence
 * nothing. It says so on start. Exactly-once is claimed and tested on Apache Kafka only. This file is the
 * only one of the product that knows the mock's (experimental) interface. */
#include "ops/broker/settings.h"
#include "ops/runtime/config.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"

#include <errno.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The mock creates an unknown topic by itself, with its own number of partitions. So all topics are made
 * before a client can ask for one. */
static const char *const topics[] = {TOPIC_COMMANDS, TOPIC_REPLIES, TOPIC_MEMBERSHIP,  TOPIC_ROOMS,
                                     TOPIC_EVENTS,   TOPIC_AUDIT,   TOPIC_CHECKPOINTS, TOPIC_DEADLETTER};

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    char quoted[512];
    (void)rk;
    log_event(level <= 3 ? LOG_WARN : LOG_DEBUG, "mock", "facility=%s text=%s", facility,
              log_quote(text, quoted, sizeof quoted));
}

/* The mock cluster lives inside a client handle, which is used for nothing else. */
static rd_kafka_t *host_open(void) {
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (host == NULL)
        fprintf(stderr, "usher-broker: %s\n", reason);
    return host;
}

static rd_kafka_mock_cluster_t *cluster_open(rd_kafka_t *host, int partitions) {
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
    if (cluster == NULL) {
        fprintf(stderr, "usher-broker: the mock cluster did not start\n");
        return NULL;
    }
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(cluster, topics[i], partitions, 1);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            fprintf(stderr, "usher-broker: topic %s: %s\n", topics[i], rd_kafka_err2str(code));
            rd_kafka_mock_cluster_destroy(cluster);
            return NULL;
        }
    }
    return cluster;
}

/* The file is written under another name and then renamed, so that a reader never sees half an address. */
static int write_bootstrap(const char *path, const char *bootstrap) {
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    FILE *file = fopen(part, "w");
    if (file == NULL)
        return -1;
    int bad = fprintf(file, "%s\n", bootstrap) < 0;
    bad |= fclose(file) != 0;
    return bad ? -1 : rename(part, path);
}

int main(int argc, char **argv) {
    lifecycle_init();
    struct config *config = config_load(&broker_config, argc, argv);
    log_init("broker", config_str(config, "log-level"));

    rd_kafka_t *host = host_open();
    int partitions = (int)config_int(config, "partitions");
    rd_kafka_mock_cluster_t *cluster = host != NULL ? cluster_open(host, partitions) : NULL;
    if (cluster == NULL)
        return 1;
    const char *bootstrap = rd_kafka_mock_cluster_bootstraps(cluster);
    const char *path = config_str(config, "bootstrap-file");
    if (*path != '\0' && write_bootstrap(path, bootstrap) != 0) {
        fprintf(stderr, "usher-broker: %s: %s\n", path, strerror(errno));
        return 1;
    }
    printf("%s\n", bootstrap);
    fflush(stdout);
    log_event(LOG_WARN, "started",
              "bootstrap=%s partitions=%d note=\"a broker for trying things out: all data is lost when it "
              "ends, nothing is "
              "exactly-once; use Apache Kafka for anything that counts\"",
              bootstrap, partitions);
    lifecycle_ready();

    lifecycle_wait(-1);
    /* There is nothing to finish. */
    lifecycle_watchdog(5, 0);
    if (*path != '\0')
        unlink(path);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    config_free(config);
    log_event(LOG_INFO, "stopped", "%s", "");
    return 0;
}
