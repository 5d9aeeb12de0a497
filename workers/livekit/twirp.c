#include "workers/livekit/twirp.h"

#include "ops/runtime/mem.h"
#include "ops/runtime/version.h"
#include "workers/livekit/stats.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 2000L

struct call {
    struct twirp *of;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    struct jbuf answer;
    bool too_large;
    twirp_done done;
    void *ctx;
    struct call *next;
};

struct twirp {
    struct twirp_limits limits;
    char agent[40];
    CURLM *multi;
    struct call *under_way;
};

static void must(bool good) {
    if (!good)
        abort(); /* only memory can be short */
}

/* ---- one call ---- */

static size_t take_answer(char *bytes, size_t size, size_t n, void *ctx) {
    struct call *c = ctx;
    c->too_large = size * n > c->of->limits.answer_max - c->answer.n;
    if (c->too_large)
        return 0;
    jb_mem(&c->answer, bytes, size * n);
    return size * n;
}

static void add_header(struct call *c, const char *text) {
    struct curl_slist *more = curl_slist_append(c->headers, text);
    must(more != NULL);
    c->headers = more;
}

static void prepare_call(struct call *c, const char *url, const char *token) {
    char *authorization = xasprintf("Authorization: Bearer %s", token);
    add_header(c, authorization);
    add_header(c, "Content-Type: application/json");
    free(authorization);
    CURL *e = c->easy;
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->body);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, c->of->limits.call_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->of->agent);
}

void twirp_call(struct twirp *t, const char *url, const char *method, const char *token, const char *body,
                twirp_done done, void *ctx) {
    struct call *c = xcalloc(1, sizeof *c);
    *c = (struct call){.of = t, .easy = curl_easy_init(), .body = xstrdup(body), .done = done, .ctx = ctx};
    must(c->easy != NULL);
    char *whole = xasprintf("%s/twirp/livekit.RoomService/%s", url, method);
    prepare_call(c, whole, token);
    free(whole);
    c->next = t->under_way;
    t->under_way = c;
    must(curl_multi_add_handle(t->multi, c->easy) == CURLM_OK);
    metric_add(livekit_stats.under_way, 1);
}

static void free_call(struct twirp *t, struct call *c) {
    struct call **at = &t->under_way;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    curl_multi_remove_handle(t->multi, c->easy);
    curl_easy_cleanup(c->easy);
    curl_slist_free_all(c->headers);
    jb_free(&c->answer);
    free(c->body);
    free(c);
    metric_add(livekit_stats.under_way, -1);
}

/* ---- what became of it ---- */

/* A time-out before anything was sent is one of connecting. */
static bool means_away(CURL *easy, CURLcode code) {
    curl_off_t sent_us = 0;
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    return (code == CURLE_OPERATION_TIMEDOUT && sent_us == 0) || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
           code == CURLE_SEND_ERROR || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION;
}

/* Of LiveKit a 404 has a body that says what is not there. Another server at that address, or a wrong path,
 * has another one: that must not count as done. */
static bool says_not_found(const struct call *c) {
    return c->answer.n > 0 && strstr(c->answer.p, "\"not_found\"") != NULL;
}

static enum twirp_result result_of(const struct call *c, CURLcode code, const char **why, char text[120]) {
    long status = 0;
    *why = text;
    if (c->too_large) {
        *why = "the answer is too large";
        return TWIRP_LARGE;
    }
    if (code != CURLE_OK) {
        *why = curl_easy_strerror(code);
        return means_away(c->easy, code) ? TWIRP_AWAY : TWIRP_FAILED;
    }
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return TWIRP_DONE;
    snprintf(text, 120, "status %ld: %.90s", status, c->answer.n > 0 ? c->answer.p : "");
    if (status == 404 && says_not_found(c))
        return TWIRP_ABSENT;
    return status == 401 || status == 403 ? TWIRP_REFUSED : TWIRP_FAILED;
}

static void end_finished(struct twirp *t) {
    CURLMsg *m;
    for (int left; (m = curl_multi_info_read(t->multi, &left)) != NULL;) {
        struct call *c = NULL;
        char text[120];
        const char *why;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        enum twirp_result result = result_of(c, code, &why, text);
        c->done(c->ctx, result, c->answer.n > 0 ? c->answer.p : "", c->answer.n, why);
        free_call(t, c);
    }
}

/* ---- life ---- */

void twirp_turn(struct twirp *t, int wait_ms) {
    int running;
    (void)curl_multi_perform(t->multi, &running);
    (void)curl_multi_poll(t->multi, NULL, 0, wait_ms, NULL);
    (void)curl_multi_perform(t->multi, &running);
    end_finished(t);
}

void twirp_wake(struct twirp *t) {
    curl_multi_wakeup(t->multi);
}

struct twirp *twirp_new(const struct twirp_limits *limits) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct twirp *t = xcalloc(1, sizeof *t);
    t->limits = *limits;
    snprintf(t->agent, sizeof t->agent, "usher-livekit/%s", usher_version);
    t->multi = curl_multi_init();
    must(t->multi != NULL);
    curl_multi_setopt(t->multi, CURLMOPT_MAX_HOST_CONNECTIONS, limits->connections);
    return t;
}

void twirp_free(struct twirp *t) {
    for (struct call *c; (c = t->under_way) != NULL;) {
        c->done(c->ctx, TWIRP_STOPPED, "", 0, "the program stops");
        free_call(t, c);
    }
    curl_multi_cleanup(t->multi);
    free(t);
}
