#include "ingest/gate/throttle.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024 /* a power of two */
#define WAYS 8    /* sources of a set */
#define GOOD 8192 /* good tokens that are remembered; a power of two */

struct source {
    unsigned char network[8];
    unsigned failures;          /* wrong tokens, the last of them less than a minute after the one before */
    unsigned count;             /* requests without a good credential since period_us */
    unsigned asked;             /* tokens that were looked up over the limit since period_us */
    int64_t last_us, period_us; /* last_us 0: nobody is here */
    int64_t refused, first_us;  /* of the group that nobody was told of yet; since when it grows */
};

/* The last one stands for all that find no place. */
struct set {
    struct source sources[WAYS + 1];
};

struct throttle {
    pthread_mutex_t lock;
    /* random, so that nobody can fill the set of somebody else on purpose */
    unsigned char key[crypto_shorthash_KEYBYTES];
    unsigned limit;
    struct set sets[SETS];
    /* Eight bytes of the hash of each good token, at a place that other bytes say. */
    atomic_uint_least64_t good[GOOD];
};

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct throttle *throttle_new(int limit) {
    struct throttle *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    randombytes_buf(t->key, sizeof t->key);
    t->limit = (unsigned)limit;
    return t;
}

void throttle_free(struct throttle *t) {
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* IPv4: the last eight bytes, which no /64 has in front. */
static void network_of(const struct net_address *a, unsigned char out[8]) {
    bool is_v4 = memcmp(a->bytes, v4_prefix, sizeof v4_prefix) == 0;
    memcpy(out, is_v4 ? a->bytes + 8 : a->bytes, 8);
}

static struct net_address address_of(const unsigned char network[8]) {
    struct net_address a = {0};
    if (memcmp(network, v4_prefix + 8, 4) == 0) {
        memcpy(a.bytes, v4_prefix, sizeof v4_prefix);
        memcpy(a.bytes + 8, network, 8);
    } else {
        memcpy(a.bytes, network, 8);
    }
    return a;
}

static bool is_free(const struct source *s, int64_t now_us) {
    return s->last_us == 0 || (now_us - s->last_us > THROTTLE_WINDOW_US && s->refused == 0);
}

static struct source *set_of(struct throttle *t, const struct net_address *address,
                             unsigned char network[8]) {
    unsigned char hash[crypto_shorthash_BYTES];
    network_of(address, network);
    crypto_shorthash(hash, network, 8, t->key);
    return t->sets[((unsigned)hash[0] << 8 | hash[1]) & (SETS - 1)].sources;
}

/* NULL: nothing is known of it. */
static struct source *find_source(struct throttle *t, const struct net_address *address) {
    unsigned char network[8];
    struct source *set = set_of(t, address, network);
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].last_us != 0 && memcmp(set[i].network, network, 8) == 0)
            return &set[i];
    return NULL;
}

/* The place of the source. It was seen now. */
static struct source *source_of(struct throttle *t, const struct net_address *address, int64_t now_us) {
    unsigned char network[8];
    struct source *set = set_of(t, address, network), *place = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].last_us != 0 && memcmp(set[i].network, network, 8) == 0) {
            place = &set[i];
            break;
        }
        if (is_free(&set[i], now_us) && (place == NULL || set[i].last_us < place->last_us))
            place = &set[i];
    }
    if (place == NULL)
        place = &set[WAYS];
    else if (place->last_us == 0 || memcmp(place->network, network, 8) != 0)
        *place = (struct source){0};
    if (place != &set[WAYS])
        memcpy(place->network, network, 8);
    if (now_us - place->last_us > THROTTLE_WINDOW_US)
        place->failures = 0;
    if (now_us - place->period_us >= THROTTLE_PERIOD_US) {
        place->period_us = now_us;
        place->count = place->asked = 0;
    }
    place->last_us = now_us;
    return place;
}

/* The hash is a SHA-256: nobody chooses a place. */
static atomic_uint_least64_t *good_place(struct throttle *t, const unsigned char *hash, uint64_t *mark) {
    memcpy(mark, hash, sizeof *mark);
    return &t->good[((unsigned)hash[8] << 8 | hash[9]) & (GOOD - 1)];
}

void throttle_good(struct throttle *t, const unsigned char token_hash[TOKEN_HASH_SIZE]) {
    uint64_t mark;
    atomic_uint_least64_t *place = good_place(t, token_hash, &mark);
    if (atomic_load_explicit(place, memory_order_relaxed) != mark)
        atomic_store_explicit(place, mark, memory_order_relaxed);
}

bool throttle_lets_ask(struct throttle *t, const struct net_address *source,
                       const unsigned char token_hash[TOKEN_HASH_SIZE], int64_t now_us) {
    uint64_t mark;
    if (atomic_load_explicit(good_place(t, token_hash, &mark), memory_order_relaxed) == mark)
        return true;
    pthread_mutex_lock(&t->lock);
    struct source *s = find_source(t, source);
    bool over = s != NULL && now_us - s->period_us < THROTTLE_PERIOD_US && s->count >= t->limit;
    bool lets = !over || s->asked < THROTTLE_ASKS;
    if (over && lets)
        s->asked++;
    pthread_mutex_unlock(&t->lock);
    return lets;
}

static int64_t delay_us(unsigned failures) {
    int64_t us = THROTTLE_FIRST_US;
    if (failures <= THROTTLE_FREE)
        return 0;
    for (unsigned i = THROTTLE_FREE + 1; i < failures && us < THROTTLE_MOST_US; i++)
        us *= 2;
    return us < THROTTLE_MOST_US ? us : THROTTLE_MOST_US;
}

int64_t throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_us) {
    pthread_mutex_lock(&t->lock);
    struct source *s = source_of(t, source, now_us);
    s->failures += s->failures < 1000 ? 1 : 0;
    int64_t us = s->count < t->limit ? delay_us(s->failures) : 0;
    pthread_mutex_unlock(&t->lock);
    return us;
}

int throttle_count(struct throttle *t, const struct net_address *source, int64_t now_us) {
    int seconds = 0;
    pthread_mutex_lock(&t->lock);
    struct source *s = source_of(t, source, now_us);
    if (s->count < t->limit) {
        s->count++;
    } else {
        if (s->refused++ == 0)
            s->first_us = now_us;
        seconds = (int)((s->period_us + THROTTLE_PERIOD_US - now_us + 999999) / 1000000);
    }
    pthread_mutex_unlock(&t->lock);
    return seconds;
}

void throttle_groups(struct throttle *t, int64_t now_us, bool all,
                     bool (*tell)(void *ctx, const struct throttle_group *g), void *ctx) {
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < SETS * (WAYS + 1); i++) {
        bool many = i % (WAYS + 1) == WAYS;
        struct source *s = &t->sets[i / (WAYS + 1)].sources[i % (WAYS + 1)];
        if (s->refused == 0 || (!all && now_us - s->first_us < THROTTLE_PERIOD_US))
            continue;
        struct throttle_group g = {many, address_of(s->network), s->refused, s->first_us, s->last_us};
        if (tell(ctx, &g))
            s->refused = 0;
    }
    pthread_mutex_unlock(&t->lock);
}
