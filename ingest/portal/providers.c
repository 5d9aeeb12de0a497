#include "ingest/portal/providers.h"

#include "ingest/gate/gate.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY "too much is asked of the provider just now"

/* What is known of the provider of a workspace. */
struct source {
    struct providers *providers;
    char workspace[37];
    char *issuer;
    struct arena *arena; /* has the metadata; NULL: none yet */
    struct provider metadata;
    int64_t fetched_us; /* when it came */
    const char *why;    /* it did not come the last time; NULL: it did. Static text */
    int64_t window_us;  /* since when fetches are counted … */
    int nwindow;        /* … and how many have begun */
    int64_t used_us;
    bool fetching;
    int codes; /* being exchanged */
    struct request *waiting;
    size_t nwaiting;
    struct source *next;
};

struct providers {
    struct ingest *in;
    struct fetch *fetch;
    pthread_mutex_t lock; /* protects all below */
    struct source *all;
    size_t n;
};

/* ---- the table; all under the lock ---- */

static void forget_metadata(struct source *s) {
    arena_free(s->arena);
    s->arena = NULL;
    s->fetched_us = 0;
}

static void drop(struct providers *p, struct source **at) {
    struct source *s = *at;
    *at = s->next;
    forget_metadata(s);
    free(s->issuer);
    free(s);
    p->n--;
}

/* The one that was used longest ago makes room. */
static void make_room(struct providers *p) {
    struct source **oldest = NULL;
    if (p->n < PROVIDERS_MOST)
        return;
    for (struct source **at = &p->all; *at != NULL; at = &(*at)->next)
        if (!(*at)->fetching && (*at)->codes == 0 && (oldest == NULL || (*at)->used_us < (*oldest)->used_us))
            oldest = at;
    if (oldest != NULL)
        drop(p, oldest);
}

/* A workspace that names another issuer now: what came from the old one counts no more. */
static void follow_issuer(struct source *s, const char *issuer) {
    if (issuer == NULL || strcmp(s->issuer, issuer) == 0)
        return;
    free(s->issuer);
    s->issuer = xstrdup(issuer);
    forget_metadata(s);
    s->nwindow = 0;
}

/* issuer NULL: whatever it is. */
static struct source *find(struct providers *p, const char *workspace, const char *issuer, int64_t now_us) {
    struct source *s = p->all;
    while (s != NULL && strcmp(s->workspace, workspace) != 0)
        s = s->next;
    if (s == NULL) {
        make_room(p);
        s = xcalloc(1, sizeof *s);
        s->providers = p;
        snprintf(s->workspace, sizeof s->workspace, "%s", workspace);
        s->issuer = xstrdup(issuer != NULL ? issuer : "");
        s->next = p->all;
        p->all = s;
        p->n++;
    }
    s->used_us = now_us;
    follow_issuer(s, issuer);
    return s;
}

/* ---- metadata ---- */

struct job {
    struct source *source; /* stays while it is fetching */
    char *issuer;
};

static void tell(const struct source *s, const char *issuer, const char *why) {
    char quoted[600];
    if (why != NULL && s->why == NULL)
        log_event(LOG_WARN, "provider-away", "workspace=%s reason=\"%s\" issuer=%s", s->workspace, why,
                  log_quote(issuer, quoted, sizeof quoted));
    if (why == NULL && s->why != NULL)
        log_event(LOG_INFO, "provider-back", "workspace=%s", s->workspace);
}

/* Takes what came, unless the workspace names another issuer meanwhile. Under the lock. */
static void keep(struct source *s, const struct job *j, struct arena *a, const struct provider *metadata,
                 const char *why) {
    if (strcmp(j->issuer, s->issuer) != 0) {
        arena_free(a);
        return;
    }
    tell(s, j->issuer, why);
    s->why = why;
    if (why != NULL) {
        arena_free(a);
        return;
    }
    arena_free(s->arena);
    s->arena = a;
    s->metadata = *metadata;
    s->fetched_us = clock_mono_us();
}

static void on_metadata(void *ctx, const char *text, size_t n, const char *why) {
    struct job *j = ctx;
    struct source *s = j->source;
    struct providers *p = s->providers;
    struct arena *a = arena_new();
    struct provider metadata = {0};
    if (why == NULL)
        why = provider_read(text, n, j->issuer, a, &metadata);
    metric_add(why == NULL ? stats.provider_answers : stats.provider_failures, 1);
    pthread_mutex_lock(&p->lock);
    keep(s, j, a, &metadata, why);
    s->fetching = false;
    struct request *waiting = s->waiting;
    s->waiting = NULL;
    s->nwaiting = 0;
    pthread_mutex_unlock(&p->lock);
    free(j->issuer);
    free(j);
    if (waiting != NULL)
        gate_push_all(p->in->gate, waiting, JOB_ASK);
}

/* Under the lock. False: not now. */
static bool begin_fetch(struct source *s, int64_t now_us) {
    if (s->fetching)
        return true;
    if (now_us - s->window_us > PROVIDERS_WINDOW_US)
        s->nwindow = 0;
    if (s->nwindow >= PROVIDERS_FETCHES)
        return false;
    struct job *j = xcalloc(1, sizeof *j);
    struct arena *a = arena_new();
    *j = (struct job){.source = s, .issuer = xstrdup(s->issuer)};
    s->fetching = fetch_start(s->providers->fetch, provider_metadata_url(s->issuer, a), on_metadata, j);
    arena_free(a);
    if (s->fetching) {
        if (s->nwindow++ == 0)
            s->window_us = now_us;
        return true;
    }
    free(j->issuer);
    free(j);
    return false;
}

static bool wait_for_metadata(struct source *s, struct request *r, int64_t now_us) {
    if (s->nwaiting >= PROVIDERS_WAITING || !begin_fetch(s, now_us))
        return false;
    r->next = s->waiting;
    s->waiting = r;
    s->nwaiting++;
    return true;
}

enum providers_verdict providers_ask(struct providers *p, struct request *r, const char *workspace,
                                     const char *issuer, bool waited, struct arena *a, struct provider *out,
                                     const char **why) {
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&p->lock);
    struct source *s = find(p, workspace, issuer, now_us);
    bool old = s->arena == NULL || now_us - s->fetched_us > PROVIDERS_FRESH_US;
    bool waits = old && !waited && wait_for_metadata(s, r, now_us);
    bool here = !waits && s->arena != NULL && now_us - s->fetched_us <= PROVIDERS_STALE_US;
    if (here)
        *out = (struct provider){.authorization = arena_strdup(a, s->metadata.authorization),
                                 .token = arena_strdup(a, s->metadata.token),
                                 .jwks = arena_strdup(a, s->metadata.jwks),
                                 .basic = s->metadata.basic,
                                 .claims = s->metadata.claims,
                                 .says_issuer = s->metadata.says_issuer};
    else if (!waits)
        *why = s->why != NULL ? s->why : BUSY;
    pthread_mutex_unlock(&p->lock);
    return waits ? PROVIDERS_WAITS : here ? PROVIDERS_HERE : PROVIDERS_AWAY;
}

/* ---- codes ---- */

struct exchange {
    struct source *source; /* stays while codes are exchanged */
    struct request *r;
    providers_take take;
};

static void on_answer(void *ctx, const char *text, size_t n, const char *why) {
    struct exchange *x = ctx;
    struct providers *p = x->source->providers;
    struct request *r = x->r;
    metric_add(why == NULL ? stats.provider_answers : stats.provider_failures, 1);
    x->take(r, text, n, why);
    pthread_mutex_lock(&p->lock);
    x->source->codes--;
    pthread_mutex_unlock(&p->lock);
    free(x);
    gate_push_all(p->in->gate, r, JOB_ASK);
}

enum providers_verdict providers_redeem(struct providers *p, struct request *r, const char *workspace,
                                        const struct fetch_form *form, providers_take take,
                                        const char **why) {
    struct exchange *x = xcalloc(1, sizeof *x);
    pthread_mutex_lock(&p->lock);
    struct source *s = find(p, workspace, NULL, clock_mono_us());
    *x = (struct exchange){.source = s, .r = r, .take = take};
    r->next = NULL;
    bool waits = s->codes < PROVIDERS_CODES;
    s->codes += waits ? 1 : 0;
    if (waits && !fetch_post(p->fetch, form, on_answer, x)) {
        waits = false;
        s->codes--;
    }
    pthread_mutex_unlock(&p->lock);
    if (waits)
        return PROVIDERS_WAITS;
    free(x);
    *why = BUSY;
    return PROVIDERS_AWAY;
}

/* ---- life ---- */

struct providers *providers_new(struct ingest *in, struct err *err) {
    struct providers *p = xcalloc(1, sizeof *p);
    struct fetch_settings f = {.allowed = &in->settings.jwks_networks,
                               .ca_file = in->settings.jwks_ca,
                               .timeout_ms = in->settings.jwks_ms,
                               .max_bytes = PROVIDER_BYTES,
                               .at_once = PROVIDERS_AT_ONCE};
    p->in = in;
    p->fetch = fetch_new(&f);
    pthread_mutex_init(&p->lock, NULL);
    if (p->fetch != NULL)
        return p;
    (void)err_set(err, ERR_CONFIG, "libcurl cannot be used");
    free(p);
    return NULL;
}

void providers_close(struct providers *p) {
    if (p == NULL)
        return;
    fetch_close(p->fetch);
    while (p->all != NULL)
        drop(p, &p->all);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
