/* How long a removal takes from the moment its HTTP request is sent to the event in a reader's hands: one
 * reader read_uncommitted (with the rule of sequence numbers, as a voice server reads) and one
 * read_committed, each on its own thread, beside a client that sends one request after the other. removal
 * --brokers B --port P --token T --trials FILE --events N [--gap-ms G] A line of FILE: user id TAB path TAB
 * body of a PATCH that takes that user out of N rooms. Prints one JSON object. */
#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TOPIC "usher.membership"

struct trial {
    char *user, *path, *body;
    _Atomic int64_t sent_us;
};

struct reader {
    const char *isolation;
    rd_kafka_t *rk;
    uint32_t *latency_us;
    _Atomic size_t n;
    size_t doubled; /* events that the rule of sequence numbers dropped (read_uncommitted), or that came twice
                       (read_committed: must be none) */
    int64_t last_seq[1024]; /* by partition: one workspace is enough for this program */
};

static struct trial *trials;
static size_t ntrials, expected, per_trial;
static const char *brokers, *token;
static int port, gap_ms = 10;
static atomic_bool stop;

static void die(const char *what) {
    fprintf(stderr, "removal: %s\n", what);
    exit(2);
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_user(const void *a, const void *b) {
    return strcmp(((const struct trial *)a)->user, ((const struct trial *)b)->user);
}

static void read_trials(const char *name) {
    FILE *f = fopen(name, "r");
    char *text = NULL;
    size_t cap = 0;
    if (!f)
        die("cannot read the --trials file");
    while (getline(&text, &cap, f) > 0) {
        char *rest = strdup(text);
        rest[strcspn(rest, "\n")] = 0;
        struct trial *more = realloc(trials, (ntrials + 1) * sizeof *trials);
        if (!more)
            die("out of memory");
        trials = more;
        struct trial *t = &trials[ntrials++];
        t->user = strsep(&rest, "\t");
        t->path = strsep(&rest, "\t");
        t->body = rest;
        atomic_init(&t->sent_us, 0);
        if (!t->path || !t->body)
            die("a line of the --trials file has not three columns");
    }
    free(text);
    fclose(f);
    qsort(trials, ntrials, sizeof *trials, by_user);
}

static void assign_at_end(struct reader *r) {
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *t = rd_kafka_topic_new(r->rk, TOPIC, NULL);
    if (rd_kafka_metadata(r->rk, 0, t, &md, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR || md->topic_cnt != 1)
        die("no metadata of " TOPIC);
    int n = md->topics[0].partition_cnt;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int32_t p = 0; p < n; p++) {
        int64_t low, high;
        if (rd_kafka_query_watermark_offsets(r->rk, TOPIC, p, &low, &high, 10000) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            die("cannot ask for the end of a partition");
        rd_kafka_topic_partition_list_add(list, TOPIC, p)->offset = high;
    }
    rd_kafka_assign(r->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(t);
}

static void reader_open(struct reader *r, const char *isolation, size_t room) {
    const char *settings[][2] = {{"bootstrap.servers", brokers}, {"isolation.level", isolation},
                                 {"group.id", "bench"},          {"enable.auto.commit", "false"},
                                 {"fetch.wait.max.ms", "100"},   {"socket.nagle.disable", "true"}};
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
            die(text);
    r->isolation = isolation;
    r->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    r->latency_us = calloc(room, sizeof *r->latency_us);
    if (!r->rk)
        die(text);
    rd_kafka_poll_set_consumer(r->rk);
    assign_at_end(r);
}

/* The sequence number and the user of a removal event; false for any other record. */
static bool read_event(const rd_kafka_message_t *m, int64_t *seq, char user[37]) {
    char text[2048];
    size_t len = m->len < sizeof text - 1 ? m->len : sizeof text - 1;
    memcpy(text, m->payload, len);
    text[len] = 0;
    const char *s = strstr(text, "\"seq\":"), *u = strstr(text, "\"user\":{\"id\":\"");
    if (!strstr(text, "\"usher.member.removed\"") || !s || !u)
        return false;
    *seq = strtoll(s + 6, NULL, 10);
    snprintf(user, 37, "%.36s", u + 14);
    return true;
}

static void take(struct reader *r, const rd_kafka_message_t *m) {
    int64_t now = now_us(), seq;
    char user[37];
    if (m->err || !m->payload || !read_event(m, &seq, user))
        return;
    if (seq <= r->last_seq[m->partition & 1023]) {
        r->doubled++;
        return;
    }
    struct trial key = {.user = user}, *t = bsearch(&key, trials, ntrials, sizeof *trials, by_user);
    int64_t sent = t ? atomic_load(&t->sent_us) : 0;
    if (!sent)
        return; /* another workspace's, or set-up that was still on its way */
    r->last_seq[m->partition & 1023] = seq;
    size_t n = atomic_load(&r->n);
    if (n < expected)
        r->latency_us[n] = (uint32_t)(now - sent);
    atomic_store(&r->n, n + 1);
}

static void *reader_run(void *ctx) {
    struct reader *r = ctx;
    while (!atomic_load(&stop)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, 50);
        if (m) {
            take(r, m);
            rd_kafka_message_destroy(m);
        }
    }
    return NULL;
}

static int http_open(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        die("cannot connect");
    return fd;
}

/* Reads one answer and returns its status. */
static int http_answer(int fd) {
    static char in[1 << 20];
    size_t n = 0;
    for (;;) {
        ssize_t k = recv(fd, in + n, sizeof in - 1 - n, 0);
        if (k <= 0)
            return 0;
        n += (size_t)k;
        in[n] = 0;
        char *end = strstr(in, "\r\n\r\n"), *l = strstr(in, "Content-Length:");
        size_t body = l && l < end ? strtoul(l + 15, NULL, 10) : 0;
        if (end && n >= (size_t)(end + 4 - in) + body)
            return atoi(in + 9);
    }
}

static void send_trials(uint32_t *answer_us) {
    static char out[65536];
    int fd = http_open();
    for (size_t i = 0; i < ntrials; i++) {
        struct trial *t = &trials[i];
        int n = snprintf(out, sizeof out,
                         "PATCH %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: "
                         "application/scim+json\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         t->path, token, strlen(t->body), t->body);
        int64_t start = now_us();
        atomic_store(&t->sent_us, start);
        if (send(fd, out, (size_t)n, MSG_NOSIGNAL) != n)
            die("cannot send");
        int status = http_answer(fd);
        answer_us[i] = (uint32_t)(now_us() - start);
        if (status != 200 && status != 204) {
            fprintf(stderr, "removal: %s answered %d\n", t->path, status);
            exit(2);
        }
        usleep((useconds_t)gap_ms * 1000);
    }
    close(fd);
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print_part(const char *name, uint32_t *us, size_t n) {
    qsort(us, n, sizeof *us, by_value);
    printf("\"%s\":{\"n\":%zu,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}", name, n, n ? us[(n - 1) / 2] : 0,
           n ? us[(size_t)((double)(n - 1) * 0.99)] : 0, n ? us[n - 1] : 0);
}

static void read_options(int argc, char **argv) {
    const char *file = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *k = argv[i], *v = argv[i + 1];
        if (!strcmp(k, "--brokers"))
            brokers = v;
        else if (!strcmp(k, "--token"))
            token = v;
        else if (!strcmp(k, "--port"))
            port = atoi(v);
        else if (!strcmp(k, "--trials"))
            file = v;
        else if (!strcmp(k, "--events"))
            per_trial = (size_t)atol(v);
        else if (!strcmp(k, "--gap-ms"))
            gap_ms = atoi(v);
        else
            die("unknown option");
    }
    if (!brokers || !token || !port || !file || !per_trial)
        die("usage: removal --brokers B --port P --token T --trials FILE --events N [--gap-ms G]");
    read_trials(file);
    expected = ntrials * per_trial;
}

int main(int argc, char **argv) {
    static struct reader readers[2];
    pthread_t threads[2];
    read_options(argc, argv);
    reader_open(&readers[0], "read_uncommitted", expected);
    reader_open(&readers[1], "read_committed", expected);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, reader_run, &readers[i]);
    usleep(500000); /* both have asked for the end of the log and wait there */
    uint32_t *answer_us = calloc(ntrials, sizeof *answer_us);
    send_trials(answer_us);
    int64_t give_up = now_us() + 15000000;
    while (now_us() < give_up &&
           (atomic_load(&readers[0].n) < expected || atomic_load(&readers[1].n) < expected))
        usleep(5000);
    atomic_store(&stop, true);
    printf("{\"expected\":%zu,", expected);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        size_t n = atomic_load(&readers[i].n);
        print_part(readers[i].isolation, readers[i].latency_us, n < expected ? n : expected);
        printf(",\"%s_dropped\":%zu,", readers[i].isolation, readers[i].doubled);
    }
    print_part("answer", answer_us, ntrials);
    printf("}\n");
    return atomic_load(&readers[0].n) == expected && atomic_load(&readers[1].n) == expected ? 0 : 1;
}
