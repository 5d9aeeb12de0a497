#include "ops/ctl/ctl_http.h"

#include "ops/runtime/mem.h"
#include "ops/runtime/version.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000L
#define ANSWER_MAX (64 * 1024 * 1024)

struct transfer {
    struct ctl_exchange *x;
    CURL *easy;
    bool too_large;
};

static size_t take_piece(char *bytes, size_t size, size_t n, void *ctx) {
    struct transfer *t = ctx;
    long status = 0;
    n *= size;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (t->x->to != NULL && status / 100 == 2)
        return fwrite(bytes, 1, n, t->x->to);
    t->too_large = n > ANSWER_MAX - t->x->answer.n;
    if (t->too_large)
        return 0;
    jb_mem(&t->x->answer, bytes, n);
    return n;
}

/* Is it an address of this machine? */
static bool is_loopback(const char *host) {
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* What a URL says; a new text, or NULL. */
static char *part_of(const char *url, CURLUPart which) {
    CURLU *u = curl_url();
    char *part = NULL, *copy = NULL;
    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, which, &part, 0) == CURLUE_OK)
        copy = xstrdup(part);
    curl_free(part);
    curl_url_cleanup(u);
    return copy;
}

enum err_code ctl_http_url(const char *given, char **url, struct err *err) {
    char *scheme = part_of(given, CURLUPART_SCHEME), *host = part_of(given, CURLUPART_HOST),
         *query = part_of(given, CURLUPART_QUERY);
    bool tls = scheme != NULL && strcmp(scheme, "https") == 0,
         plain = scheme != NULL && strcmp(scheme, "http") == 0, here = host != NULL && is_loopback(host),
         good = host != NULL && (tls || plain) && query == NULL;
    free(scheme);
    free(host);
    free(query);
    if (!good)
        return err_set(err, ERR_USAGE, "\"%s\" is no address like https://scim.example.com", given);
    if (plain && !here)
        return err_set(err, ERR_USAGE, "%s: a token is sent over https alone, but to this machine", given);
    size_t n = strlen(given);
    while (n > 0 && given[n - 1] == '/')
        n--;
    *url = xstrndup(given, n);
    return ERR_OK;
}

void ctl_http_parameter(struct jbuf *path, const char *name, const char *value) {
    jb_printf(path, "%c%s=", strchr(path->p, '?') != NULL ? '&' : '?', name);
    for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
        if (isalnum(*p) || strchr("-._~", *p) != NULL)
            jb_mem(path, (const char *)p, 1);
        else
            jb_printf(path, "%%%02X", *p);
    }
}

static struct curl_slist *headers_of(const struct ctl_server *s, const struct ctl_exchange *x) {
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (x->body != NULL)
        list = curl_slist_append(list, "Content-Type: application/json");
    if (s->token != NULL) {
        char *line = xasprintf("Authorization: Bearer %s", s->token);
        list = curl_slist_append(list, line);
        free(line);
    }
    return list;
}

static void set_options(CURL *e, const struct ctl_server *s, const struct ctl_exchange *x) {
    char *host = part_of(s->url, CURLUPART_HOST), *agent = xasprintf("usherctl/%s", usher_version);
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, x->method);
    if (x->body != NULL)
        curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, x->body);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(e, CURLOPT_USERAGENT, agent);
    if (host != NULL && is_loopback(host))
        curl_easy_setopt(e, CURLOPT_PROXY, "");
    if (s->ca_file[0] != '\0')
        curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
    if (x->to == NULL) {
        curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, s->timeout_ms);
    } else { /* an export may take long, but not stand still */
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, s->timeout_ms / 1000 + 1);
    }
    free(agent);
    free(host);
}

static enum err_code judge_transfer(const struct transfer *t, const struct ctl_server *s, CURLcode code,
                                    struct err *err) {
    curl_off_t sent_us = 0;
    if (code == CURLE_OK) {
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->x->status);
        return ERR_OK;
    }
    if (t->too_large)
        return err_set(err, ERR_INTERNAL, "%s: the answer is too large", s->url);
    if (code == CURLE_WRITE_ERROR)
        return err_set(err, ERR_INTERNAL, "cannot write to stdout");
    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
    bool reads = strcmp(t->x->method, "GET") == 0;
    if (sent_us == 0 || reads)
        return err_set(err, ERR_LOST, "%s cannot be reached: %s%s", s->url, curl_easy_strerror(code),
                       reads ? "" : "; nothing was changed");
    return err_set(err, ERR_OUTCOME_UNKNOWN, "%s has not answered: %s; whether it was done is not known",
                   s->url, curl_easy_strerror(code));
}

enum err_code ctl_http_ask(const struct ctl_server *s, struct ctl_exchange *x, struct err *err) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "libcurl cannot be used");
    struct transfer t = {.x = x, .easy = curl_easy_init()};
    if (t.easy == NULL)
        abort(); /* no memory */
    char *url = xasprintf("%s%s", s->url, x->path);
    struct curl_slist *headers = headers_of(s, x);
    jb_reset(&x->answer);
    set_options(t.easy, s, x);
    curl_easy_setopt(t.easy, CURLOPT_URL, url);
    curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(t.easy, CURLOPT_WRITEDATA, &t);
    enum err_code code = judge_transfer(&t, s, curl_easy_perform(t.easy), err);
    curl_slist_free_all(headers);
    curl_easy_cleanup(t.easy);
    free(url);
    return code;
}
