#include "ingest/http/send.h"

#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"

#include <stdio.h>

static void add_header(struct MHD_Response *response, const char *name, const char *value) {
    if (value != NULL && value[0] != '\0')
        MHD_add_response_header(response, name, value);
}

static void add_headers(struct MHD_Response *response, const struct request *r) {
    const struct answer *a = &r->answer;
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
    add_header(response, MHD_HTTP_HEADER_ETAG, a->etag);
    add_header(response, MHD_HTTP_HEADER_LOCATION, a->location);
    add_header(response, MHD_HTTP_HEADER_CONTENT_LOCATION, a->content_location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, a->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, a->authenticate);
    add_header(response, "Preference-Applied", a->preference_applied);
    add_header(response, "Set-Txn", a->set_txn);
    if (r->route.row->by_txn) /* the client can ask what became of it */
        add_header(response, "Usher-Txn", r->txn.s);
    if (a->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", a->retry_after_s);
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (a->policy != NULL) {
        add_header(response, "Content-Security-Policy", a->policy);
        add_header(response, "X-Content-Type-Options", "nosniff");
        add_header(response, "Referrer-Policy", "no-referrer");
    }
    if (a->no_store) {
        add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        add_header(response, MHD_HTTP_HEADER_PRAGMA, "no-cache");
    }
    if (a->close)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* draft-ietf-httpapi-ratelimit-headers: the limit of the credential, and what is left of it. */
static void add_rate(struct MHD_Response *response, const struct request *r) {
    const struct admit_verdict *v = &r->verdict;
    char text[64];
    if (!r->admitted || v->state != ADMIT_OK)
        return;
    snprintf(text, sizeof text, "\"default\";q=%d;w=60", v->rate_limit);
    add_header(response, "RateLimit-Policy", text);
    snprintf(text, sizeof text, "\"default\";r=%d;t=%d", v->remaining, v->reset_s);
    add_header(response, "RateLimit", text);
}

static void account(const struct request *r) {
    int status = r->answer.status, class = status / 100 < STATS_CLASSES ? status / 100 : 5;
    int64_t us = clock_mono_us() - r->arrived_us;
    metric_add(stats.requests[r->route.method][class], 1);
    metric_observe_us(stats.duration[r->route.method], us);
    enum log_level level = status >= 400 ? LOG_INFO : LOG_DEBUG;
    if (!log_enabled(level))
        return;
    char path[512];
    log_event(level, "request", "txn=%s workspace=%s method=%s path=%s status=%d ms=%.1f", r->txn.s,
              r->admitted ? r->verdict.workspace.s : "-", r->head.method,
              log_quote(r->head.path != NULL ? r->head.path : "-", path, sizeof path), status,
              (double)us / 1000);
}

enum MHD_Result send_answer(const struct request *r, struct MHD_Connection *connection) {
    const struct answer *a = &r->answer;
    if (r->drop)
        return MHD_NO;
    account(r);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(a->body.n, a->body.p, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, r);
    add_rate(response, r);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)a->status, response);
    MHD_destroy_response(response);
    return result;
}
