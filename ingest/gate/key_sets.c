#include "ingest/gate/key_sets.h"

#include "ingest/gate/gate.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/fetch.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

/* A set that several threads look at: the last one frees it. */
struct shared {
    struct key_set *set;
    int refs; /* under the lock */
};

struct source {
    struct key_sets *sets;
    char key[37], workspace[37];
    char *uri;
    struct shared *keys; /* NULL: none yet */
    int64_t fetched_us;  /* when they came */
    int64_t window_us;   /* since when fetches are counted … */
    int nwindow;         /* … and how many have begun */
    int64_t used_us;
    bool fetching, failing;
    struct request *waiting;
    size_t nwaiting;
    struct source *next; /* of its bucket */
};

struct key_sets {
    struct ingest *in;
    struct fetch *fetch;
    pthread_mutex_t lock;
    struct source *buckets[BUCKETS];
    size_t n;
};

/* ---- the table; all under the lock ---- */

static void let_go(struct shared *k) {
    if (k == NULL || --k->refs > 0)
        return;
    key_set_free(k->set);
    free(k);
}

static struct source **bucket_of(struct key_sets *s, const char *key) {
    unsigned h = 5381;
    for (const char *p = key; *p != '\0'; p++)
        h = h * 33 + (unsigned char)*p;
    return &s->buckets[h % BUCKETS];
}

static void drop(struct key_sets *s, struct source **at) {
    struct source *one = *at;
    *at = one->next;
    let_go(one->keys);
    free(one->uri);
    free(one);
    s->n--;
}

/* The one that was used longest ago makes room. */
static void make_room(struct key_sets *s) {
    struct source **oldest = NULL;
    if (s->n < KEY_SETS_MOST)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct source **at = &s->buckets[i]; *at != NULL; at = &(*at)->next)
            if (!(*at)->fetching && (oldest == NULL || (*at)->used_us < (*oldest)->used_us))
                oldest = at;
    if (oldest != NULL)
        drop(s, oldest);
}

static struct source *find(struct key_sets *s, const struct key_sets_client *c, int64_t now_us) {
    struct source **bucket = bucket_of(s, c->key), *one = *bucket;
    while (one != NULL && strcmp(one->key, c->key) != 0)
        one = one->next;
    if (one == NULL) {
        make_room(s);
        one = xcalloc(1, sizeof *one);
        one->sets = s;
        snprintf(one->key, sizeof one->key, "%s", c->key);
        snprintf(one->workspace, sizeof one->workspace, "%s", c->workspace);
        one->uri = xstrdup(c->uri);
        one->next = *bucket;
        *bucket = one;
        s->n++;
    }
    one->used_us = now_us;
    return one;
}

/* The key names another address now: what came from the old one counts no more. A fetch that is under way
 * brings what its address has; on_fetched compares. */
static void follow_uri(struct source *one, const char *uri) {
    if (strcmp(one->uri, uri) == 0)
        return;
    free(one->uri);
    one->uri = xstrdup(uri);
    let_go(one->keys);
    one->keys = NULL;
    one->fetched_us = 0;
    one->nwindow = 0;
}

static size_t fetching_of(const struct key_sets *s, const char *workspace) {
    size_t n = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct source *one = s->buckets[i]; one != NULL; one = one->next)
            n += one->fetching && strcmp(one->workspace, workspace) == 0;
    return n;
}

/* ---- fetching ---- */

struct job {
    struct source *source; /* stays while it is fetching */
    char *uri;
};

static void tell(struct source *one, const char *uri, const char *why) {
    char quoted[1200];
    if (why == NULL && one->failing)
        log_event(LOG_INFO, "client-keys", "key=%s fetched=yes", one->key);
    if (why != NULL && !one->failing)
        log_event(LOG_WARN, "client-keys", "key=%s fetched=no reason=\"%s\" uri=%s", one->key, why,
                  log_quote(uri, quoted, sizeof quoted));
    one->failing = why != NULL;
}

/* Takes what came, unless the key names another address meanwhile. Under the lock. */
static void keep(struct source *one, const struct job *j, struct key_set *set) {
    if (set == NULL || strcmp(j->uri, one->uri) != 0) {
        key_set_free(set);
        return;
    }
    let_go(one->keys);
    one->keys = xcalloc(1, sizeof *one->keys);
    *one->keys = (struct shared){.set = set, .refs = 1};
    one->fetched_us = clock_mono_us();
}

static void on_fetched(void *ctx, const char *text, size_t n, const char *why) {
    struct job *j = ctx;
    struct source *one = j->source;
    struct key_sets *s = one->sets;
    struct key_set *set = why == NULL ? key_set_parse(text, n) : NULL;
    if (why == NULL && set == NULL)
        why = "there is no key in it that can be used";
    metric_add(why == NULL ? stats.client_keys_fetched : stats.client_keys_failed, 1);
    pthread_mutex_lock(&s->lock);
    tell(one, j->uri, why);
    keep(one, j, set);
    one->fetching = false;
    struct request *waiting = one->waiting;
    one->waiting = NULL;
    one->nwaiting = 0;
    pthread_mutex_unlock(&s->lock);
    free(j->uri);
    free(j);
    if (waiting != NULL)
        gate_push_all(s->in->gate, waiting, JOB_ASK);
}

/* Under the lock. False: not now. */
static bool begin_fetch(struct source *one, int64_t now_us) {
    struct key_sets *s = one->sets;
    if (one->fetching)
        return true;
    if (now_us - one->window_us > KEY_SETS_WINDOW_US)
        one->nwindow = 0;
    if (one->nwindow >= KEY_SETS_FETCHES || fetching_of(s, one->workspace) >= KEY_SETS_PER_WORKSPACE)
        return false;
    struct job *j = xcalloc(1, sizeof *j);
    *j = (struct job){.source = one, .uri = xstrdup(one->uri)};
    one->fetching = fetch_start(s->fetch, one->uri, on_fetched, j);
    if (one->fetching) {
        if (one->nwindow++ == 0)
            one->window_us = now_us;
        return true;
    }
    free(j->uri);
    free(j);
    return false;
}

static bool wait_for_keys(struct source *one, struct request *r, int64_t now_us) {
    if (one->nwaiting >= KEY_SETS_WAITING || !begin_fetch(one, now_us))
        return false;
    r->next = one->waiting;
    one->waiting = r;
    one->nwaiting++;
    return true;
}

/* ---- checking ---- */

/* The keys that are here, for as long as the caller needs them. Under the lock. */
static struct shared *take(struct source *one, int64_t now_us) {
    if (one->keys == NULL || now_us - one->fetched_us > KEY_SETS_STALE_US)
        return NULL;
    one->keys->refs++;
    return one->keys;
}

static struct source *find_current(struct key_sets *s, const struct key_sets_client *c, int64_t now_us) {
    struct source *one = find(s, c, now_us);
    follow_uri(one, c->uri);
    return one;
}

/* A newer set may have the key that is missing. */
static bool wait_for_newer(struct key_sets *s, struct request *r, const struct key_sets_client *c,
                           int64_t now_us) {
    pthread_mutex_lock(&s->lock);
    bool waits = wait_for_keys(find_current(s, c, now_us), r, now_us);
    pthread_mutex_unlock(&s->lock);
    return waits;
}

/* The signature is checked outside the lock. */
static enum key_set_verdict check(struct key_sets *s, struct shared *keys, const struct jwt *t) {
    enum key_set_verdict v =
        key_set_check(keys->set, t->kid, t->alg, t->text, t->signed_len, t->signature, t->nsignature);
    pthread_mutex_lock(&s->lock);
    let_go(keys);
    pthread_mutex_unlock(&s->lock);
    return v;
}

enum key_sets_verdict key_sets_check(struct key_sets *s, struct request *r, const struct key_sets_client *c,
                                     const struct jwt *t, bool waited) {
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&s->lock);
    struct source *one = find_current(s, c, now_us);
    bool old = one->keys == NULL || now_us - one->fetched_us > KEY_SETS_FRESH_US;
    bool waits = old && !waited && wait_for_keys(one, r, now_us);
    struct shared *keys = waits ? NULL : take(one, now_us);
    pthread_mutex_unlock(&s->lock);
    if (waits)
        return KEY_SETS_WAITS;
    if (keys == NULL)
        return KEY_SETS_AWAY;
    enum key_set_verdict v = check(s, keys, t);
    if (v == KEY_SET_NO_KEY && !waited && wait_for_newer(s, r, c, now_us))
        return KEY_SETS_WAITS;
    return v == KEY_SET_SIGNED ? KEY_SETS_SIGNED : KEY_SETS_NOT_SIGNED;
}

/* ---- life ---- */

struct key_sets *key_sets_new(struct ingest *in, struct err *err) {
    struct key_sets *s = xcalloc(1, sizeof *s);
    struct fetch_settings f = {.allowed = &in->settings.jwks_networks,
                               .ca_file = in->settings.jwks_ca,
                               .timeout_ms = in->settings.jwks_ms,
                               .max_bytes = KEY_SET_BYTES,
                               .at_once = KEY_SETS_AT_ONCE};
    s->in = in;
    s->fetch = fetch_new(&f);
    pthread_mutex_init(&s->lock, NULL);
    if (s->fetch != NULL)
        return s;
    (void)err_set(err, ERR_CONFIG, "libcurl cannot be used");
    free(s);
    return NULL;
}

void key_sets_close(struct key_sets *s) {
    if (s == NULL)
        return;
    fetch_close(s->fetch);
    for (size_t i = 0; i < BUCKETS; i++)
        while (s->buckets[i] != NULL)
            drop(s, &s->buckets[i]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
