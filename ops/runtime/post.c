#include "ops/runtime/post.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/outward.h"
#include "ops/runtime/reach.h"
#include "ops/runtime/version.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS 5000

struct letter {
    struct post *post;
    CURL *easy;
    struct curl_slist *headers;
    void *ctx;
    int64_t began_us;
    char shown[POST_SHOWN + 1];
    size_t nshown, read;
    int64_t retry_after_s;
    struct outward out; /* whether its address was refused */
    bool too_large;     /* its answer */
    struct letter *next;
};

struct post {
    struct post_settings s;
    struct reach reach;
    char agent[40];
    CURLM *multi;
    struct letter *under_way;
};

/* ---- what libcurl calls ---- */

/* A connection that is kept may outlive the letter that it was opened for, whose socket this closes. */
static int post_close_socket(void *ctx, curl_socket_t fd) {
    (void)ctx;
    return close(fd);
}

static size_t post_take_bytes(char *bytes, size_t size, size_t n, void *ctx) {
    struct letter *l = ctx;
    n *= size;
    for (size_t i = 0; i < n && l->nshown < POST_SHOWN; i++)
        l->shown[l->nshown++] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '?';
    l->read += n;
    l->too_large = l->read > POST_READ_MAX;
    return l->too_large ? 0 : n;
}

int64_t post_retry_after(const char *text, int64_t now_s) {
    char *end;
    long long n = strtoll(text, &end, 10);
    if (end != text && *end == '\0')
        return n >= 0 ? n : -1;
    int64_t at = (int64_t)curl_getdate(text, NULL);
    return at < 0 ? -1 : at > now_s ? at - now_s : 0;
}

static size_t post_take_header(char *bytes, size_t size, size_t n, void *ctx) {
    static const char name[] = "retry-after:";
    struct letter *l = ctx;
    char value[64];
    n *= size;
    if (n < sizeof name || strncasecmp(bytes, name, sizeof name - 1) != 0 || n - sizeof name >= sizeof value)
        return n;
    size_t from = sizeof name - 1, to = n;
    while (from < to && bytes[from] == ' ')
        from++;
    while (to > from && strchr("\r\n \t", bytes[to - 1]) != NULL)
        to--;
    snprintf(value, sizeof value, "%.*s", (int)(to - from), bytes + from);
    l->retry_after_s = post_retry_after(value, clock_wall_us() / 1000000);
    return n;
}

/* ---- letters ---- */

static void letter_prepare(struct letter *l, const struct post_message *m) {
    const struct post_settings *s = &l->post->s;
    const struct outward_rules rules = {.protocols = s->http ? "http,https" : "https",
                                        .ca_file = s->ca_file,
                                        .agent = l->post->agent,
                                        .timeout_ms = s->timeout_ms,
                                        .connect_ms = CONNECT_MS};
    CURL *e = l->easy;
    l->out.reach = &l->post->reach;
    outward_prepare(e, &rules, &l->out);
    for (size_t i = 0; i < POST_HEADERS && m->headers[i] != NULL; i++)
        l->headers = curl_slist_append(l->headers, m->headers[i]);
    l->headers = curl_slist_append(l->headers, "Expect:"); /* nobody is asked whether he wants it */
    curl_easy_setopt(e, CURLOPT_URL, m->url);
    curl_easy_setopt(e, CURLOPT_PRIVATE, l);
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)m->n);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, m->body);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, l->headers);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, post_close_socket);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, post_take_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, l);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, post_take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, l);
}

void post_start(struct post *p, const struct post_message *m, void *ctx) {
    struct letter *l = xcalloc(1, sizeof *l);
    *l = (struct letter){
        .post = p, .ctx = ctx, .began_us = clock_mono_us(), .retry_after_s = -1, .next = p->under_way};
    l->easy = curl_easy_init();
    if (l->easy == NULL)
        abort(); /* no memory */
    letter_prepare(l, m);
    p->under_way = l;
    if (curl_multi_add_handle(p->multi, l->easy) != CURLM_OK)
        abort();
}

static void letter_free(struct letter *l) {
    curl_easy_cleanup(l->easy);
    curl_slist_free_all(l->headers);
    free(l);
}

static void post_forget(struct post *p, struct letter *l) {
    struct letter **at = &p->under_way;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    curl_multi_remove_handle(p->multi, l->easy);
}

/* An answer whose end was not read is an answer too: its status was. */
static void read_answer(const struct letter *l, CURLcode code, struct post_answer *out) {
    long status = 0;
    *out = (struct post_answer){
        .ctx = l->ctx, .retry_after_s = l->retry_after_s, .duration_us = clock_mono_us() - l->began_us};
    memcpy(out->shown, l->shown, sizeof out->shown);
    if (code == CURLE_OK || l->too_large)
        curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    if (status == 0)
        out->error = l->out.refused ? "the address is not a public one" : curl_easy_strerror(code);
}

bool post_take(struct post *p, struct post_answer *out) {
    CURLMsg *m;
    for (int left; (m = curl_multi_info_read(p->multi, &left)) != NULL;) {
        struct letter *l = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&l);
        read_answer(l, code, out);
        post_forget(p, l);
        letter_free(l);
        return true;
    }
    return false;
}

void post_work(struct post *p, int timeout_ms) {
    int running;
    (void)curl_multi_perform(p->multi, &running);
    int left = 0;
    for (const struct letter *l = p->under_way; l != NULL; l = l->next)
        left++;
    if (running == left) /* none has ended */
        (void)curl_multi_poll(p->multi, NULL, 0, timeout_ms, NULL);
    (void)curl_multi_perform(p->multi, &running);
}

void post_wake(struct post *p) {
    curl_multi_wakeup(p->multi);
}

struct post *post_new(const struct post_settings *s) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct post *p = xcalloc(1, sizeof *p);
    p->s = *s;
    reach_init(&p->reach, s->allowed);
    snprintf(p->agent, sizeof p->agent, "usher/%s", usher_version);
    p->multi = curl_multi_init();
    if (p->multi == NULL)
        abort();
    curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, s->connections);
    return p;
}

void post_free(struct post *p) {
    if (p == NULL)
        return;
    for (struct letter *l; (l = p->under_way) != NULL;) {
        post_forget(p, l);
        letter_free(l);
    }
    curl_multi_cleanup(p->multi);
    reach_clear(&p->reach);
    free(p);
}
