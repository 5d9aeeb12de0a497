/* A closed-loop HTTP load generator for the benchmark: N keep-alive connections on one epoll thread, each
 * with one request in flight; with --rate no more than so many requests a second. Requests come from
 * templates, so that one program serves every case: {n} is a number that no other request of the run has, {1}
 * and {2} are the columns of the current line of the --ids file. What it prints is one JSON object; what it
 * cannot understand ends it with a message. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384
#define IN_MAX (8 << 20) /* a room of 10,000 is 2 MB */

struct line {
    char *col[2];
};

static struct {
    const char *host, *method, *path, *body, *ids, *save;
    const char *headers[16];
    int nheaders, port, conns, expect;
    double seconds, warmup, rate;
    long requests; /* 0 = until the time is over */
    bool random;
} opt = {
    .host = "127.0.0.1", .method = "GET", .path = "/", .port = 8080, .conns = 1, .expect = 200, .seconds = 5};

struct conn {
    int fd;
    bool busy;
    char *out, *in;
    size_t out_len, out_done, in_len;
    int64_t start_us;
};

static struct conn **resting; /* with --rate: those that wait for the time of the next request */
static size_t nresting;
static int64_t begin_us;

static struct line *lines;
static size_t nlines, next_line;
static uint64_t next_number;
static uint64_t random_state = 0x9e3779b97f4a7c15u;
static uint32_t *latency_us;
static size_t nlatency, latency_cap;
static long sent, errors, statuses[600];
static int64_t measure_from_us, end_us;
static FILE *save_file;
static char *body_text; /* of the request that is being built */
static size_t body_max;

static void die(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(2);
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void *grab(void *p, size_t n) {
    p = realloc(p, n);
    if (!p)
        die("out of memory");
    return p;
}

static void read_lines(const char *name) {
    FILE *f = fopen(name, "r");
    if (!f)
        die("cannot read the --ids file");
    char *text = NULL;
    size_t cap = 0, room = 0;
    while (getline(&text, &cap, f) > 0) {
        text[strcspn(text, "\n")] = 0;
        if (nlines == room)
            lines = grab(lines, (room = room ? room * 2 : 1024) * sizeof *lines);
        char *tab = strchr(text, '\t');
        if (tab)
            *tab = 0;
        lines[nlines].col[0] = strdup(text);
        lines[nlines++].col[1] = strdup(tab ? tab + 1 : "");
    }
    free(text);
    fclose(f);
    if (nlines == 0)
        die("the --ids file is empty");
}

/* The line of the next request; NULL when each has been used once (or none are needed: then *ok stays true).
 */
static const struct line *take_line(bool *ok) {
    *ok = true;
    if (!lines)
        return NULL;
    if (opt.random) {
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return &lines[random_state % nlines];
    }
    *ok = next_line < nlines;
    return *ok ? &lines[next_line++] : NULL;
}

static size_t expand(char *out, size_t cap, const char *t, const struct line *line, uint64_t number) {
    size_t n = 0;
    while (*t) {
        char digits[24];
        const char *add = NULL;
        if (t[0] == '{' && t[1] && t[2] == '}') {
            if (t[1] == 'n') {
                snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
                add = digits;
            } else if (line && (t[1] == '1' || t[1] == '2')) {
                add = line->col[t[1] - '1'];
            }
        }
        size_t len = add ? strlen(add) : 1 + strcspn(t + 1, "{");
        if (n + len >= cap)
            die("request too long");
        memcpy(out + n, add ? add : t, len);
        n += len;
        t += add ? 3 : len;
    }
    out[n] = 0;
    return n;
}

static void build_request(struct conn *c, const struct line *line) {
    char path[4096];
    uint64_t number = next_number++;
    size_t body_len = opt.body ? expand(body_text, body_max, opt.body, line, number) : 0;
    expand(path, sizeof path, opt.path, line, number);
    int n =
        snprintf(c->out, HEAD_MAX, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n", opt.method, path, opt.host, opt.port);
    bool typed = false; /* the Management API takes another type than SCIM */
    for (int i = 0; i < opt.nheaders; i++) {
        typed = typed || strncasecmp(opt.headers[i], "Content-Type:", 13) == 0;
        n += (int)expand(c->out + n, HEAD_MAX - (size_t)n, opt.headers[i], line, number);
        n += snprintf(c->out + n, HEAD_MAX - (size_t)n, "\r\n");
    }
    if (opt.body && !typed)
        n += snprintf(c->out + n, HEAD_MAX - (size_t)n, "Content-Type: application/scim+json\r\n");
    if (opt.body)
        n += snprintf(c->out + n, HEAD_MAX - (size_t)n, "Content-Length: %zu\r\n", body_len);
    n += snprintf(c->out + n, HEAD_MAX - (size_t)n, "\r\n");
    if (n >= HEAD_MAX)
        die("request head too long");
    memcpy(c->out + n, body_text, body_len);
    c->out_len = (size_t)n + body_len;
}

static void push(struct conn *c) {
    while (c->out_done < c->out_len) {
        ssize_t k = send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_NOSIGNAL);
        if (k < 0)
            return; /* EAGAIN: epoll calls again; a broken one shows when it is read */
        c->out_done += (size_t)k;
    }
}

static void open_conn(int ep, struct conn *c) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    inet_pton(AF_INET, opt.host, &a.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0)
        die("cannot connect");
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static bool is_early(void) {
    return opt.rate > 0 && (double)(now_us() - begin_us) * opt.rate < (double)sent * 1e6;
}

static void start_request(struct conn *c) {
    bool ok;
    c->busy = false;
    c->in_len = 0;
    if (now_us() >= end_us || (opt.requests && sent >= opt.requests))
        return;
    if (is_early()) {
        resting[nresting++] = c;
        return;
    }
    const struct line *line = take_line(&ok);
    if (!ok)
        return;
    build_request(c, line);
    c->out_done = 0;
    c->busy = true;
    sent++;
    c->start_us = now_us();
    push(c);
}

static void keep_latency(int64_t us) {
    if (nlatency == latency_cap)
        latency_us =
            grab(latency_us, (latency_cap = latency_cap ? latency_cap * 2 : 65536) * sizeof *latency_us);
    latency_us[nlatency++] = (uint32_t)us;
}

static void save_location(const char *head) {
    const char *l = strcasestr(head, "\r\nLocation:");
    if (!save_file || !l)
        return;
    const char *end = strstr(l + 2, "\r\n"), *p = end;
    while (p > l && p[-1] != '/')
        p--;
    fprintf(save_file, "%.*s\n", (int)(end - p), p);
}

/* True when a whole answer is in; *status set. */
static bool answer_complete(struct conn *c, int *status) {
    c->in[c->in_len] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return false;
    *status = atoi(c->in + 9);
    end[2] = 0; /* the head alone, for the searches */
    const char *l = strcasestr(c->in, "\r\nContent-Length:");
    size_t body = l ? strtoul(l + 17, NULL, 10) : 0;
    bool whole = c->in_len >= (size_t)(end + 4 - c->in) + body;
    if (whole && *status == opt.expect)
        save_location(c->in);
    else if (whole && *status != opt.expect && errors < 3)
        fprintf(stderr, "load: %s %s answered %d: %.300s\n", opt.method, opt.path, *status, end + 4);
    end[2] = '\r';
    return whole;
}

static void finish_request(struct conn *c, int status) {
    int64_t now = now_us();
    if (status != opt.expect)
        errors++;
    if (status > 0 && status < 600)
        statuses[status]++;
    if (now >= measure_from_us && status == opt.expect)
        keep_latency(now - c->start_us);
    start_request(c);
}

static void serve(int ep, struct conn *c) {
    ssize_t k = recv(c->fd, c->in + c->in_len, IN_MAX - 1 - c->in_len, 0);
    if (k < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (k <= 0) {
        bool was_busy = c->busy;
        close(c->fd);
        open_conn(ep, c);
        if (was_busy)
            finish_request(c, 0);
        return;
    }
    c->in_len += (size_t)k;
    int status;
    if (c->busy && answer_complete(c, &status))
        finish_request(c, status);
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t percentile(double p) {
    return nlatency ? latency_us[(size_t)((double)(nlatency - 1) * p)] : 0;
}

static void report(double seconds) {
    qsort(latency_us, nlatency, sizeof *latency_us, by_value);
    printf("{\"rate\":%.1f,\"answered\":%zu,\"seconds\":%.3f,\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u,"
           "\"errors\":%ld,"
           "\"statuses\":{",
           (double)nlatency / seconds, nlatency, seconds, percentile(0.50), percentile(0.99), percentile(1.0),
           errors);
    const char *sep = "";
    for (int i = 0; i < 600; i++)
        if (statuses[i]) {
            printf("%s\"%d\":%ld", sep, i, statuses[i]);
            sep = ",";
        }
    printf("}}\n");
}

static char *read_text(const char *name) {
    FILE *f = fopen(name, "r");
    size_t n = 0, got;
    char *text = NULL;
    if (!f)
        die("cannot read the --body-file");
    do {
        text = grab(text, n + 65537);
        got = fread(text + n, 1, 65536, f);
        n += got;
    } while (got > 0);
    text[n] = 0;
    fclose(f);
    return text;
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *k = argv[i], *v = argv[i + 1];
        if (!strcmp(k, "--host"))
            opt.host = v;
        else if (!strcmp(k, "--port"))
            opt.port = atoi(v);
        else if (!strcmp(k, "--conns"))
            opt.conns = atoi(v);
        else if (!strcmp(k, "--seconds"))
            opt.seconds = atof(v);
        else if (!strcmp(k, "--warmup"))
            opt.warmup = atof(v);
        else if (!strcmp(k, "--rate"))
            opt.rate = atof(v);
        else if (!strcmp(k, "--requests"))
            opt.requests = atol(v);
        else if (!strcmp(k, "--method"))
            opt.method = v;
        else if (!strcmp(k, "--path"))
            opt.path = v;
        else if (!strcmp(k, "--body"))
            opt.body = v;
        else if (!strcmp(k, "--body-file"))
            opt.body = read_text(v);
        else if (!strcmp(k, "--expect"))
            opt.expect = atoi(v);
        else if (!strcmp(k, "--ids"))
            opt.ids = v;
        else if (!strcmp(k, "--order"))
            opt.random = !strcmp(v, "random");
        else if (!strcmp(k, "--save"))
            opt.save = v;
        else if (!strcmp(k, "--first"))
            next_number = strtoull(v, NULL, 10);
        else if (!strcmp(k, "--header") && opt.nheaders < 16)
            opt.headers[opt.nheaders++] = v;
        else
            die("usage: load --port P --conns N --seconds S --method M --path T [--body T | --body-file F] [--header H]… "
                "[--expect 200]\n"
                "  [--warmup S] [--rate N] [--requests N] [--ids FILE [--order seq|random]] [--save FILE] [--first N]");
    }
    if (opt.ids)
        read_lines(opt.ids);
    body_max =
        opt.body ? 2 * strlen(opt.body) + 32768 : 1; /* what it is filled with may be longer than the marks */
    body_text = grab(NULL, body_max);
    if (opt.save && !(save_file = fopen(opt.save, "w")))
        die("cannot write the --save file");
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    int ep = epoll_create1(EPOLL_CLOEXEC), busy = 0;
    struct conn *conns = grab(NULL, (size_t)opt.conns * sizeof *conns);
    resting = grab(NULL, (size_t)opt.conns * sizeof(struct conn *));
    memset(conns, 0, (size_t)opt.conns * sizeof *conns);
    for (int i = 0; i < opt.conns; i++) {
        conns[i].out = grab(NULL, HEAD_MAX + body_max);
        conns[i].in = grab(NULL, IN_MAX);
        open_conn(ep, &conns[i]);
    }
    begin_us = now_us();
    measure_from_us = begin_us + (int64_t)(opt.warmup * 1e6);
    end_us = measure_from_us + (int64_t)(opt.seconds * 1e6);
    for (int i = 0; i < opt.conns; i++)
        start_request(&conns[i]);
    struct epoll_event events[64];
    do {
        int n = epoll_wait(ep, events, 64, nresting > 0 ? 1 : 10000);
        if (n == 0 && nresting == 0)
            die("no answer for 10 s");
        for (int i = 0; i < n; i++)
            serve(ep, events[i].data.ptr);
        while (nresting > 0 && !is_early())
            start_request(resting[--nresting]);
        busy = (int)nresting;
        for (int i = 0; i < opt.conns; i++)
            busy += conns[i].busy;
    } while (busy);
    report((double)(now_us() - measure_from_us) / 1e6);
    free(conns);
    if (save_file)
        fclose(save_file);
    return 0;
}
