#include "ingest/http/clients.h"

#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
/* An answer gets its time once more for each of these. */
#define ANSWER_PART (1024 * 1024)
#define BUCKETS 4096 /* a power of two */
/* The log names a source with too many connections, but not more often than this. */
#define TELL_US (10 * SECOND)

/* A source that has connections. */
struct source {
    unsigned char network[8];
    int n;
    struct source *next; /* in its bucket */
};

struct list {
    struct client *first, *last;
};

/* The lock protects all below. It also makes sure that no descriptor is shut down that was closed and is used
 * again. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct settings *limits;
static struct list phases[CLIENT_PHASES];
static int living; /* connections that are open and not shut down */
static struct source *buckets[BUCKETS];
static unsigned char hash_key[crypto_shorthash_KEYBYTES]; /* random, so that nobody can fill one bucket */
static int64_t told_us;

void clients_open(const struct settings *s) {
    limits = s;
    randombytes_buf(hash_key, sizeof hash_key);
}

/* ---- sources ---- */

static const unsigned char v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool address_of(const struct sockaddr *from, struct net_address *out) {
    if (from != NULL && from->sa_family == AF_INET) {
        memcpy(out->bytes, v4, sizeof v4);
        memcpy(out->bytes + sizeof v4, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
        return true;
    }
    if (from == NULL || from->sa_family != AF_INET6)
        return false;
    memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, sizeof out->bytes);
    return true;
}

static void network_of(const struct net_address *a, unsigned char network[8]) {
    memcpy(network, memcmp(a->bytes, v4, sizeof v4) == 0 ? a->bytes + 8 : a->bytes, 8);
}

/* The place of a source in its bucket; there it is NULL if the source has no connections. */
static struct source **source_at(const unsigned char network[8]) {
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, network, 8, hash_key);
    struct source **at = &buckets[((unsigned)hash[0] << 8 | hash[1]) & (BUCKETS - 1)];
    while (*at != NULL && memcmp((*at)->network, network, 8) != 0)
        at = &(*at)->next;
    return at;
}

static struct source *join_source(const struct net_address *a) {
    unsigned char network[8];
    network_of(a, network);
    struct source **at = source_at(network);
    if (*at == NULL) {
        *at = xcalloc(1, sizeof **at);
        memcpy((*at)->network, network, sizeof network);
    }
    (*at)->n++;
    return *at;
}

static void leave_source(struct source *s) {
    if (s == NULL || --s->n > 0)
        return;
    *source_at(s->network) = s->next;
    free(s);
}

/* True if the source has as many connections as it may. */
static bool source_is_full(const struct net_address *a) {
    unsigned char network[8];
    network_of(a, network);
    const struct source *s = *source_at(network);
    return s != NULL && s->n >= limits->source_connections;
}

static void tell_of(const struct net_address *a) {
    char text[NET_TEXT_SIZE];
    int64_t now_us = clock_mono_us();
    if (told_us != 0 && now_us - told_us < TELL_US)
        return;
    told_us = now_us;
    log_event(LOG_WARN, "too-many-connections", "source=%s limit=%d", net_address_text(a, text),
              limits->source_connections);
}

/* ---- lists ---- */

static void list_remove(struct client *c) {
    struct list *l = &phases[c->phase];
    *(c->prev != NULL ? &c->prev->next : &l->first) = c->next;
    *(c->next != NULL ? &c->next->prev : &l->last) = c->prev;
}

static void list_append(struct client *c) {
    struct list *l = &phases[c->phase];
    c->prev = l->last;
    c->next = NULL;
    *(l->last != NULL ? &l->last->next : &l->first) = c;
    l->last = c;
}

static int64_t patience_us(enum client_phase phase) {
    switch (phase) {
    case CLIENT_NEW:
    case CLIENT_HEADER:
        return limits->head_us;
    case CLIENT_BODY:
        return limits->body_us;
    case CLIENT_ANSWER:
        return limits->answer_us;
    case CLIENT_IDLE:
        return limits->idle_us;
    case CLIENT_WORK:
    case CLIENT_PHASES:
        break;
    }
    return 0;
}

/* The list ends at the one that came last, so the due times of a list rise, but for answers. */
static void enter(struct client *c, enum client_phase phase, int64_t times) {
    int64_t patience = patience_us(phase) * times;
    int64_t due_us = patience != 0 ? clock_mono_us() + patience : 0;
    pthread_mutex_lock(&lock);
    if (!c->closing) {
        list_remove(c);
        c->phase = phase;
        c->due_us = due_us;
        list_append(c);
    }
    pthread_mutex_unlock(&lock);
}

/* The library notices and closes the connection. */
static void shut_down(struct client *c, struct metric *why) {
    shutdown(c->fd, SHUT_RDWR);
    list_remove(c);
    c->closing = true;
    living--;
    metric_add(why, 1);
}

/* ---- who comes in ---- */

int clients_count(void) {
    pthread_mutex_lock(&lock);
    int n = living;
    pthread_mutex_unlock(&lock);
    return n;
}

int clients_asking(void) {
    static const enum client_phase asking[] = {CLIENT_NEW, CLIENT_HEADER, CLIENT_BODY};
    int n = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < sizeof asking / sizeof *asking; i++)
        for (const struct client *c = phases[asking[i]].first; c != NULL; c = c->next)
            n++;
    pthread_mutex_unlock(&lock);
    return n;
}

/* Ends the connection that is needed least. False: usher works for all of them. */
static bool make_room(void) {
    for (int phase = 0; phase < CLIENT_WORK; phase++) {
        if (phases[phase].first != NULL) {
            shut_down(phases[phase].first, stats.closed_full);
            return true;
        }
    }
    return false;
}

bool client_welcome(const struct sockaddr *address) {
    struct net_address a;
    bool counted = address_of(address, &a) && !net_ranges_hold(&limits->proxies, &a), welcome = true;
    pthread_mutex_lock(&lock);
    if (counted && source_is_full(&a)) {
        metric_add(stats.closed_source, 1);
        tell_of(&a);
        welcome = false;
    }
    if (welcome && living >= limits->connections && !make_room()) {
        metric_add(stats.closed_full, 1);
        welcome = false;
    }
    pthread_mutex_unlock(&lock);
    return welcome;
}

struct client *client_open(int fd, const struct sockaddr *address) {
    struct client *c = xcalloc(1, sizeof *c);
    struct net_address a;
    bool known = address_of(address, &a);
    c->fd = fd;
    c->phase = CLIENT_NEW;
    c->due_us = clock_mono_us() + patience_us(CLIENT_NEW);
    if (known)
        net_address_text(&a, c->ip);
    pthread_mutex_lock(&lock);
    if (known && !net_ranges_hold(&limits->proxies, &a))
        c->source = join_source(&a);
    list_append(c);
    living++;
    pthread_mutex_unlock(&lock);
    metric_add(stats.connections, 1);
    return c;
}

void client_close(struct client *c) {
    pthread_mutex_lock(&lock);
    if (!c->closing) {
        list_remove(c);
        living--;
    }
    leave_source(c->source);
    pthread_mutex_unlock(&lock);
    free(c);
    metric_add(stats.connections, -1);
}

void client_phase(struct client *c, enum client_phase phase) {
    enter(c, phase, 1);
}

void client_answers(struct client *c, size_t bytes) {
    enter(c, CLIENT_ANSWER, 1 + (int64_t)(bytes / ANSWER_PART));
}

/* ---- who is too slow ---- */

static void end_late(enum client_phase phase, struct metric *why, int64_t now_us) {
    for (struct client *c = phases[phase].first, *next; c != NULL; c = next) {
        next = c->next;
        if (c->due_us <= now_us)
            shut_down(c, why);
        else if (phase != CLIENT_ANSWER)
            break; /* who comes later is due later */
    }
}

void clients_tick(int64_t now_us) {
    pthread_mutex_lock(&lock);
    end_late(CLIENT_NEW, stats.closed_head, now_us);
    end_late(CLIENT_HEADER, stats.closed_head, now_us);
    end_late(CLIENT_BODY, stats.closed_body, now_us);
    end_late(CLIENT_ANSWER, stats.closed_answer, now_us);
    end_late(CLIENT_IDLE, stats.closed_idle, now_us);
    pthread_mutex_unlock(&lock);
}
