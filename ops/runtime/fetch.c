#include "ops/runtime/fetch.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/outward.h"
#include "ops/runtime/reach.h"
#include "ops/runtime/version.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MS 60000
#define CONNECT_MS 1500

struct transfer {
    struct fetch *fetch;
    CURL *easy;
    char *url;
    char *form, *user, *password; /* NULL: a document is fetched; nobody is named */
    struct curl_slist *headers;
    fetch_done done;
    void *ctx;
    struct jbuf body;
    struct outward out; /* whether its address was refused */
    bool too_large;     /* its document */
    struct transfer *next;
};

struct fetch {
    struct fetch_settings s;
    struct reach reach;
    char agent[40];
    CURLM *multi;
    pthread_mutex_t lock;
    struct transfer *queue; /* under the lock, as the rest */
    size_t n;               /* queued and under way */
    bool stop;
    struct transfer *under_way; /* of the thread alone */
    pthread_t thread;
};

/* ---- where it may go ---- */

bool fetch_allows(const struct fetch *f, const struct net_address *a) {
    return reach_allows(&f->reach, a);
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *ctx) {
    struct transfer *t = ctx;
    t->too_large = size * n > t->fetch->s.max_bytes - t->body.n;
    if (t->too_large)
        return 0;
    jb_mem(&t->body, bytes, size * n);
    return size * n;
}

/* ---- one transfer ---- */

static void prepare_form(struct transfer *t) {
    CURL *e = t->easy;
    t->headers = curl_slist_append(NULL, "Accept: application/json");
    t->headers = curl_slist_append(t->headers, "Expect:"); /* nobody is asked whether he wants it */
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(t->form));
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->form);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    if (t->user == NULL)
        return;
    curl_easy_setopt(e, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(e, CURLOPT_USERNAME, t->user);
    curl_easy_setopt(e, CURLOPT_PASSWORD, t->password);
}

static void prepare(struct transfer *t) {
    const struct fetch_settings *s = &t->fetch->s;
    const struct outward_rules rules = {.protocols = "https",
                                        .ca_file = s->ca_file,
                                        .agent = t->fetch->agent,
                                        .timeout_ms = s->timeout_ms,
                                        .connect_ms = CONNECT_MS};
    CURL *e = t->easy;
    t->out.reach = &t->fetch->reach;
    outward_prepare(e, &rules, &t->out);
    curl_easy_setopt(e, CURLOPT_URL, t->url);
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    /* A connection that was made for one tenant serves no other. */
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    if (t->form != NULL)
        prepare_form(t);
}

static const char *failure_of(const struct transfer *t, CURLcode code) {
    long status = 0;
    if (t->out.refused)
        return "the address is not a public one";
    if (t->too_large)
        return "the document is too large";
    if (code != CURLE_OK)
        return curl_easy_strerror(code);
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return NULL;
    return status >= 300 && status < 400 ? "redirects are not followed" : "the status is not 200";
}

/* A secret does not stay in memory that is given back. */
static void wipe(char *text) {
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* The transfer is in no list any more. */
static void end(struct fetch *f, struct transfer *t, const char *why) {
    t->done(t->ctx, t->body.p != NULL ? t->body.p : "", t->body.n, why);
    if (t->easy != NULL)
        curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    jb_free(&t->body);
    wipe(t->form);
    wipe(t->user);
    wipe(t->password);
    free(t->url);
    free(t);
    pthread_mutex_lock(&f->lock);
    f->n--;
    pthread_mutex_unlock(&f->lock);
}

static void forget(struct fetch *f, struct transfer *t) {
    struct transfer **at = &f->under_way;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    curl_multi_remove_handle(f->multi, t->easy);
}

/* ---- the thread ---- */

static bool begin_queued(struct fetch *f) {
    pthread_mutex_lock(&f->lock);
    struct transfer *t = f->queue;
    bool on = !f->stop;
    f->queue = NULL;
    pthread_mutex_unlock(&f->lock);
    for (struct transfer *next; t != NULL; t = next) {
        next = t->next;
        t->easy = curl_easy_init();
        if (t->easy == NULL)
            abort(); /* no memory */
        prepare(t);
        t->next = f->under_way;
        f->under_way = t;
        if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK)
            abort();
    }
    return on;
}

static void end_finished(struct fetch *f) {
    CURLMsg *m;
    for (int left; (m = curl_multi_info_read(f->multi, &left)) != NULL;) {
        struct transfer *t = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        const char *why = failure_of(t, code);
        forget(f, t);
        end(f, t, why);
    }
}

static void *fetch_thread(void *arg) {
    struct fetch *f = arg;
    int running;
    while (begin_queued(f)) {
        (void)curl_multi_perform(f->multi, &running);
        end_finished(f);
        (void)curl_multi_poll(f->multi, NULL, 0, IDLE_MS, NULL);
    }
    for (struct transfer *t; (t = f->under_way) != NULL;) {
        forget(f, t);
        end(f, t, "the service stops");
    }
    return NULL;
}

static char *copy_of(const char *text) {
    return text != NULL ? xstrdup(text) : NULL;
}

/* form->body NULL: a document is fetched. */
static bool begin(struct fetch *f, const struct fetch_form *form, fetch_done done, void *ctx) {
    pthread_mutex_lock(&f->lock);
    bool room = !f->stop && f->n < f->s.at_once;
    if (room) {
        struct transfer *t = xcalloc(1, sizeof *t);
        *t = (struct transfer){.fetch = f,
                               .url = xstrdup(form->url),
                               .form = copy_of(form->body),
                               .user = copy_of(form->user),
                               .password = copy_of(form->password),
                               .done = done,
                               .ctx = ctx,
                               .next = f->queue};
        f->queue = t;
        f->n++;
    }
    pthread_mutex_unlock(&f->lock);
    if (room)
        curl_multi_wakeup(f->multi);
    return room;
}

bool fetch_start(struct fetch *f, const char *url, fetch_done done, void *ctx) {
    return begin(f, &(struct fetch_form){.url = url}, done, ctx);
}

bool fetch_post(struct fetch *f, const struct fetch_form *form, fetch_done done, void *ctx) {
    return begin(f, form, done, ctx);
}

struct fetch *fetch_new(const struct fetch_settings *s) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct fetch *f = xcalloc(1, sizeof *f);
    f->s = *s;
    snprintf(f->agent, sizeof f->agent, "usher/%s", usher_version);
    f->multi = curl_multi_init();
    if (f->multi == NULL)
        abort();
    reach_init(&f->reach, s->allowed);
    pthread_mutex_init(&f->lock, NULL);
    if (pthread_create(&f->thread, NULL, fetch_thread, f) != 0)
        abort();
    return f;
}

void fetch_close(struct fetch *f) {
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    pthread_join(f->thread, NULL);
    curl_multi_cleanup(f->multi);
    reach_clear(&f->reach);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
