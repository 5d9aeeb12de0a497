#include "ingest/gate/throttle.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024 /* a power of two */
#define WAYS 8    /* sources of a set; the one that was silent longest is replaced */

struct source {
    unsigned char network[8]; /* IPv4: the address; IPv6: the /64, because one customer has all of it */
    unsigned failures;
    int64_t last_us;
};

struct throttle {
    pthread_mutex_t lock;
    /* random, so that nobody can fill the set of somebody else on purpose */
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct source sets[SETS][WAYS];
};

struct throttle *throttle_new(void) {
    struct throttle *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    randombytes_buf(t->key, sizeof t->key);
    return t;
}

void throttle_free(struct throttle *t) {
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static void network_of(const struct net_address *a, unsigned char out[8]) {
    static const unsigned char v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool is_v4 = memcmp(a->bytes, v4, sizeof v4) == 0;
    memcpy(out, is_v4 ? a->bytes + 8 : a->bytes, 8);
}

static struct source *source_of(struct throttle *t, const unsigned char network[8]) {
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, network, 8, t->key);
    struct source *set = t->sets[((unsigned)hash[0] << 8 | hash[1]) & (SETS - 1)], *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].last_us != 0 && memcmp(set[i].network, network, 8) == 0)
            return &set[i];
        if (set[i].last_us < oldest->last_us)
            oldest = &set[i];
    }
    memcpy(oldest->network, network, 8);
    oldest->failures = 0;
    oldest->last_us = 0;
    return oldest;
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
    unsigned char network[8];
    network_of(source, network);
    pthread_mutex_lock(&t->lock);
    struct source *s = source_of(t, network);
    if (s->last_us != 0 && now_us - s->last_us > THROTTLE_WINDOW_US)
        s->failures = 0;
    s->failures += s->failures < 1000 ? 1 : 0;
    s->last_us = now_us;
    int64_t us = delay_us(s->failures);
    pthread_mutex_unlock(&t->lock);
    return us;
}
