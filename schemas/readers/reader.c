/* Who is in which room, kept up to date from Kafka: the example of a reader of usher's streams, to begin a
 * bridge to a voice server with. It does what "4. Sequence numbers" in ../README.md says, with librdkafka and
 * jansson.
 *
 *     reader -b HOST:PORT [-t usher] [-X NAME=VALUE]... [-s]
 *
 * -t: what the names of the topics begin with. -X: a setting of librdkafka (security.protocol, sasl.username
 * …). -s: tell at the end, too, what is held. It prints the lines that reader.py describes, and ends as that
 * does. */
#include "schemas/readers/rooms.h"

#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PARTITIONS_MAX 1024
#define SETTINGS_MAX 32
#define POLL_MS 200
#define ANSWER_MS 30000
#define PATIENCE_S 30 /* in which usher.rooms must tell what usher.membership has told already */

static volatile sig_atomic_t stopping;

struct reader {
    const char *bootstrap;
    char rooms[128], membership[128]; /* names of the topics */
    const char *settings[SETTINGS_MAX];
    int nsettings, partitions;
    json_t *workspaces;
};

static void stop(int number) {
    (void)number;
    stopping = 1;
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("reader: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- what it says ---- */

static void say(json_t *line) {
    if (line == NULL || json_dumpf(line, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF ||
        fflush(stdout) != 0)
        die("nobody reads what it says");
    json_decref(line);
}

static void say_whole(const char *why, const char *workspace, const json_t *held) {
    struct number at = rooms_number(held);
    say(json_pack("{s:s, s:s, s:s, s:I, s:I, s:O}", "do", "whole", "why", why, "workspace", workspace,
                  "epoch", at.epoch, "seq", at.seq, "rooms", json_object_get(held, "rooms")));
}

static void say_all(const char *why, json_t *workspaces) {
    const char *workspace;
    json_t *held;
    json_object_foreach(workspaces, workspace, held) say_whole(why, workspace, held);
}

/* ---- Kafka ---- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        die("%s", why);
}

/* No group: partitions are assigned and no offsets are kept. The library wants a name for one all the same.
 */
static rd_kafka_t *consumer_new(const struct reader *r, const char *isolation) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    set(conf, "bootstrap.servers", r->bootstrap);
    set(conf, "group.id", "usher-reader");
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "error");
    set(conf, "enable.partition.eof", "true");
    set(conf, "isolation.level", isolation);
    set(conf, "queued.max.messages.kbytes", "16384");
    for (int i = 0; i < r->nsettings; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s", r->settings[i]);
        name[strcspn(name, "=")] = '\0';
        set(conf, name, strchr(r->settings[i], '=') + 1);
    }
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (rk == NULL)
        die("%s", why);
    rd_kafka_poll_set_consumer(rk);
    return rk;
}

static void consumer_free(rd_kafka_t *rk) {
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void assign(rd_kafka_t *rk, const char *topic, const int *places, const int64_t *offsets, int n) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic, places[i])->offset = offsets[i];
    rd_kafka_resp_err_t e = rd_kafka_assign(rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(e));
}

static int count_partitions(rd_kafka_t *rk, const char *name) {
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    rd_kafka_resp_err_t e = rd_kafka_metadata(rk, 0, topic, &md, ANSWER_MS);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR || (e = md->topics[0].err) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", name, rd_kafka_err2str(e));
    int n = md->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(topic);
    if (n < 1 || n > PARTITIONS_MAX)
        die("%s has %d partitions", name, n);
    return n;
}

static int64_t end_of(rd_kafka_t *rk, const char *topic, int partition) {
    int64_t low, high;
    rd_kafka_resp_err_t e = rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, ANSWER_MS);
    if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(e));
    return high;
}

/* Up to where usher.membership is decided: for a consumer that is read_committed a partition ends where the
 * first open transaction begins. */
static void decided_ends(struct reader *r, int64_t *offsets) {
    rd_kafka_t *rk = consumer_new(r, "read_committed");
    r->partitions = count_partitions(rk, r->membership);
    for (int p = 0; p < r->partitions; p++)
        offsets[p] = end_of(rk, r->membership, p);
    consumer_free(rk);
}

/* Copies a header's value. False: there is none. */
static bool header_text(const rd_kafka_message_t *m, const char *name, char *out, size_t size) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t n;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    snprintf(out, size, "%.*s", (int)n, (const char *)value);
    return true;
}

static json_int_t header_number(const rd_kafka_message_t *m, const char *name, json_int_t otherwise) {
    char text[24];
    return header_text(m, name, text, sizeof text) ? strtoll(text, NULL, 10) : otherwise;
}

/* ---- the snapshot ---- */

/* only: NULL or the one workspace that counts. */
static void fold(json_t *found, const rd_kafka_message_t *m, const char *only) {
    char key[3 * 37];
    snprintf(key, sizeof key, "%.*s", (int)m->key_len, (const char *)m->key);
    char *rest = key, *workspace = strsep(&rest, "/"), *room = strsep(&rest, "/"), *user = strsep(&rest, "/");
    if (room == NULL || (only != NULL && strcmp(only, workspace) != 0))
        return;
    struct number at = {header_number(m, "usher-epoch", 1), header_number(m, "usher-seq", 0)};
    json_t *value = m->payload != NULL ? json_loadb(m->payload, m->len, 0, NULL) : NULL;
    rooms_fold(rooms_of(found, workspace), room, user, value, at);
    json_decref(value);
}

/* Folds partitions of usher.rooms from their beginning to the end that each has now. */
static json_t *read_rooms(const struct reader *r, const int *places, int n, const char *only) {
    rd_kafka_t *rk = consumer_new(r, "read_uncommitted");
    json_t *found = json_object();
    int64_t ends[PARTITIONS_MAX] = {0}, beginnings[PARTITIONS_MAX];
    int left = 0;
    for (int i = 0; i < n; i++) {
        beginnings[i] = RD_KAFKA_OFFSET_BEGINNING;
        ends[places[i]] = end_of(rk, r->rooms, places[i]);
        left += ends[places[i]] > 0;
    }
    assign(rk, r->rooms, places, beginnings, n);
    while (left > 0 && !stopping) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, POLL_MS);
        if (m == NULL)
            continue;
        if (m->partition < 0) { /* an error of no partition, which the library goes on from by itself */
            rd_kafka_message_destroy(m);
            continue;
        }
        /* The last offset may be a transaction's marker, which no record has. So the end is reached by
         * whatever comes first: a record behind it, or that the partition has ended there. */
        int64_t *end = &ends[m->partition];
        if (*end > 0 && m->offset >= *end) {
            *end = 0;
            left--;
        } else if (*end > 0 && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            fold(found, m, only);
        } else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            die("%s: %s", r->rooms, rd_kafka_message_errstr(m));
        }
        rd_kafka_message_destroy(m);
    }
    consumer_free(rk);
    return found;
}

/* One workspace anew, from its partition. After a gap, and with a new epoch, usher.rooms must tell at least
 * the number that showed it: that record may still be on its way. What a stub or a kind of event that nobody
 * knows has done may stand there under no number. */
static void reload(struct reader *r, const char *workspace, int partition, struct number at,
                   const char *why) {
    time_t until = time(NULL) + PATIENCE_S;
    bool waits = strcmp(why, "gap") == 0 || strcmp(why, "usher.stream.epoch") == 0;
    while (!stopping) {
        json_t *found = read_rooms(r, &partition, 1, workspace), *held = rooms_of(found, workspace);
        bool enough = number_compare(rooms_number(held), at) >= 0;
        if (!stopping && (enough || !waits)) {
            if (!enough)
                rooms_set_number(held, at);
            json_object_set(r->workspaces, workspace, held);
            say_whole(why, workspace, held);
            json_decref(found);
            return;
        }
        json_decref(found);
        if (time(NULL) > until)
            die("%s does not tell number (%" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT ") of %s",
                r->rooms, at.epoch, at.seq, workspace);
        usleep(100000);
    }
}

/* ---- the changes ---- */

static void take_change(struct reader *r, const rd_kafka_message_t *m) {
    char kind[128] = "";
    json_t *value = json_loadb(m->payload, m->len, 0, NULL);
    const char *workspace = json_string_value(json_object_get(value, "workspace"));
    if (workspace == NULL || !header_text(m, "ce_type", kind, sizeof kind))
        die("%s[%d]: the record at offset %" PRId64 " is not usher's", r->membership, (int)m->partition,
            m->offset);
    json_t *held = rooms_of(r->workspaces, workspace);
    struct number at = rooms_number(value), last = rooms_number(held);
    if (at.epoch == 0) /* of a version before epochs */
        at.epoch = 1;
    if (number_compare(at, last) <= 0) {
        /* in the snapshot; or a transaction was broken off and done again */
    } else if (strcmp(kind, "usher.stream.epoch") == 0) {
        reload(r, workspace, m->partition, at, kind);
    } else if (!number_follows(last, at)) {
        say(json_pack("{s:s, s:s, s:[I, I], s:[I, I]}", "do", "gap", "workspace", workspace, "after",
                      last.epoch, last.seq, "got", at.epoch, at.seq));
        reload(r, workspace, m->partition, at, "gap");
    } else if (!rooms_apply(held, kind, value, at)) { /* usher.stream.stub, or of a newer version */
        reload(r, workspace, m->partition, at, kind);
    } else {
        json_t *line = json_pack("{s:s}", "do", kind);
        json_object_del(value, "type");
        json_object_update(line, value);
        say(line);
    }
    json_decref(value);
}

/* Until the end, or until the place is lost: then everything begins anew. */
static void follow(struct reader *r, const int *places, const int64_t *offsets) {
    rd_kafka_t *rk = consumer_new(r, "read_uncommitted");
    bool lost = false;
    assign(rk, r->membership, places, offsets, r->partitions);
    while (!stopping && !lost) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, POLL_MS);
        if (m == NULL)
            continue;
        lost =
            m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || m->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_change(r, m);
        else if (!lost && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            die("%s: %s", r->membership, rd_kafka_message_errstr(m));
        rd_kafka_message_destroy(m);
    }
    consumer_free(rk);
}

static void run(struct reader *r) {
    static int places[PARTITIONS_MAX];
    static int64_t offsets[PARTITIONS_MAX];
    for (int p = 0; p < PARTITIONS_MAX; p++)
        places[p] = p;
    while (!stopping) {
        /* In this order. What is decided in usher.membership by now is in usher.rooms before the end it has
         * then. */
        decided_ends(r, offsets);
        json_decref(r->workspaces);
        r->workspaces = read_rooms(r, places, r->partitions, NULL);
        if (stopping)
            return;
        say(json_pack("{s:s}", "do", "start"));
        say_all("start", r->workspaces);
        say(json_pack("{s:s, s:I}", "do", "ready", "workspaces",
                      (json_int_t)json_object_size(r->workspaces)));
        follow(r, places, offsets);
    }
}

int main(int argc, char **argv) {
    struct reader r = {.workspaces = json_object()};
    const char *topics = "usher";
    bool state = false, usable = true;
    for (int option; (option = getopt(argc, argv, "b:t:X:s")) != -1;) {
        if (option == 'b')
            r.bootstrap = optarg;
        else if (option == 't')
            topics = optarg;
        else if (option == 's')
            state = true;
        else if (option == 'X' && strchr(optarg, '=') != NULL && r.nsettings < SETTINGS_MAX)
            r.settings[r.nsettings++] = optarg;
        else
            usable = false;
    }
    if (!usable || r.bootstrap == NULL || optind < argc)
        die("usage: reader -b HOST:PORT [-t usher] [-X NAME=VALUE]... [-s]");
    snprintf(r.rooms, sizeof r.rooms, "%s.rooms", topics);
    snprintf(r.membership, sizeof r.membership, "%s.membership", topics);
    /* A write to a closed pipe shall fail, and not end the program without a word. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    run(&r);
    if (state)
        say_all("end", r.workspaces);
    say(json_pack("{s:s}", "do", "end"));
    json_decref(r.workspaces);
    return 0;
}
