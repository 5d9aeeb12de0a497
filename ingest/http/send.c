#include "ingest/http/send.h"

#include "ingest/http/library.h"
#include "ingest/http/streamed.h"
#include "ingest/http/tls.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/token.h"
#include "ops/runtime/trace.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static void add_header(struct MHD_Response *response, const char *name, const char *value) {
    if (value != NULL && value[0] != '\0')
        MHD_add_response_header(response, name, value);
}

/* Names that a client chose: whatever is no part of a URN is written as in a URL. */
static void put_ignored(struct jbuf *out, const char *const *names) {
    for (const char *const *name = names; *name != NULL; name++) {
        jb_raw(out, name != names ? ", " : "");
        for (const char *p = *name; *p != '\0'; p++) {
            if (*p > ' ' && *p < 0x7f && *p != ',' && *p != '%' && *p != '"')
                jb_mem(out, p, 1);
            else
                jb_printf(out, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
}

static void add_ignored(struct MHD_Response *response, const struct request *r) {
    struct jbuf names = {0};
    if (r->ignored == NULL || r->answer.status >= 300)
        return;
    put_ignored(&names, r->ignored);
    add_header(response, "Usher-Ignored", names.p);
    jb_free(&names);
}

static void add_headers(struct MHD_Response *response, const struct request *r) {
    const struct answer *a = &r->answer;
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
    add_header(response, MHD_HTTP_HEADER_ETAG, a->etag);
    add_header(response, MHD_HTTP_HEADER_LOCATION, a->location);
    add_header(response, MHD_HTTP_HEADER_CONTENT_LOCATION, a->content_location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, a->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, a->authenticate);
    add_header(response, MHD_HTTP_HEADER_ACCEPT, a->accept);
    add_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, a->disposition);
    add_header(response, MHD_HTTP_HEADER_ACCEPT_ENCODING, a->accept_encoding);
    add_header(response, MHD_HTTP_HEADER_SET_COOKIE, a->cookie);
    add_header(response, MHD_HTTP_HEADER_SET_COOKIE, a->cookie2);
    add_header(response, "Preference-Applied", a->preference_applied);
    add_header(response, "Set-Txn", a->set_txn);
    add_header(response, "Usher-Dry-Run", a->dry ? "yes" : NULL);
    add_ignored(response, r);
    if (r->route.row->by_txn) /* the client can ask what became of it */
        add_header(response, "Usher-Txn", r->txn.s);
    if (a->retry_after_s > 0) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", a->retry_after_s);
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (a->policy != NULL) {
        add_header(response, "Content-Security-Policy", a->policy);
        add_header(response, "Cross-Origin-Opener-Policy", "same-origin");
        add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
        add_header(response, "Referrer-Policy", "no-referrer");
    }
    if (a->policy != NULL || a->cache != NULL)
        add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, a->coding);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, a->cache);
    if (a->coding != NULL)
        add_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (a->no_store) {
        add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        add_header(response, MHD_HTTP_HEADER_PRAGMA, "no-cache");
    }
    if (a->close || atomic_load(&r->in->draining))
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

/* Attributes by OpenTelemetry's conventions for HTTP servers (1.23 and later). */
static void trace_request(const struct request *r, int64_t us) {
    struct trace_span s;
    char name[200], path[512];
    if (r->route.row == NULL || r->route.row->access == ACCESS_PUBLIC ||
        !trace_own(r->head.traceparent, r->head.trace_parent, &s))
        return;
    snprintf(name, sizeof name, "%.16s %s", r->head.method, r->route.row->path);
    snprintf(path, sizeof path, "%.511s", r->head.path != NULL ? r->head.path : "");
    token_mask(path);
    s.name = name;
    s.begin_us = r->wall_us;
    s.end_us = r->wall_us + us;
    if (r->answer.status >= 500)
        s.error = err_name(r->answer.code);
    trace_text(&s, "http.request.method", r->head.method);
    trace_text(&s, "http.route", r->route.row->path);
    trace_text(&s, "url.path", path);
    trace_number(&s, "http.response.status_code", r->answer.status);
    trace_text(&s, "client.address", r->head.source_ip);
    trace_text(&s, "usher.txn", r->txn.s);
    if (r->admitted)
        trace_text(&s, "usher.workspace", r->verdict.workspace.s);
    trace_send(&s);
}

static void account(const struct request *r) {
    int status = r->answer.status, class = status / 100 < STATS_CLASSES ? status / 100 : 5;
    int64_t us = clock_mono_us() - r->arrived_us;
    metric_add(stats.requests[r->route.method][class], 1);
    metric_observe_us(stats.duration[r->route.method], us);
    trace_request(r, us);
    enum log_level level = status >= 400 && !r->grouped ? LOG_INFO : LOG_DEBUG;
    if (!log_enabled(level))
        return;
    char path[512], method[80];
    log_quote(r->head.path != NULL ? r->head.path : "-", path, sizeof path);
    token_mask(path); /* whoever mixes up header and path sends a token there */
    log_event(level, "request", "txn=%s workspace=%s method=%s path=%s status=%d ms=%.1f", r->txn.s,
              r->admitted ? r->verdict.workspace.s : "-", log_word(r->head.method, method, sizeof method),
              path, status, (double)us / 1000);
}

/* To HEAD the library would send the end of a stream, which is a body. */
static bool is_streamed(const struct request *r) {
    return r->answer.stream != NULL && strcmp(r->head.method, "HEAD") != 0;
}

enum MHD_Result send_answer(const struct request *r, struct MHD_Connection *connection) {
    const struct answer *a = &r->answer;
    if (r->drop)
        return MHD_NO;
    account(r);
    struct MHD_Response *response =
        is_streamed(r)     ? streamed_response(r, connection)
        : a->fixed != NULL ? MHD_create_response_from_buffer(a->fixed_size, (void *)(uintptr_t)a->fixed,
                                                             MHD_RESPMEM_PERSISTENT)
                           : MHD_create_response_from_buffer(a->body.n, a->body.p, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    add_headers(response, r);
    add_rate(response, r);
    enum MHD_Result result = library_queue(connection, (unsigned)a->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- past the library ---- */

static void write_out(struct MHD_Connection *connection, int fd, const struct jbuf *text) {
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (tls != NULL && tls->tls_session != NULL)
        tls_send_last(tls->tls_session, text->p, text->n);
    else
        (void)!send(fd, text->p, text->n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void write_head(const struct answer *a, struct jbuf *out) {
    char date[64] = "";
    struct tm tm;
    time_t now = time(NULL);
    if (gmtime_r(&now, &tm) != NULL)
        strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    jb_printf(out, "HTTP/1.1 %d %s\r\n%sConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
              a->status, MHD_get_reason_phrase_for((unsigned)a->status), date, a->content_type, a->body.n);
}

/* What still waits to be read would make the kernel reset the connection when it is closed, and the client
 * would lose the answer. So a part of it is read. */
static void end_connection(int fd) {
    char buffer[16384];
    for (int i = 0; i < 16 && recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0; i++)
        continue;
    shutdown(fd, SHUT_RDWR);
}

static void write_answer(const struct request *r, struct jbuf *out) {
    account(r);
    write_head(&r->answer, out);
    jb_mem(out, r->answer.body.p, r->answer.body.n);
}

void send_last(const struct request *r, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL)
        return;
    if (!r->drop) {
        struct jbuf out = {0};
        write_answer(r, &out);
        write_out(connection, info->connect_fd, &out);
        jb_free(&out);
    }
    end_connection(info->connect_fd);
}

void send_last_plain(const struct request *r, int fd) {
    if (!r->drop) {
        struct jbuf out = {0};
        write_answer(r, &out);
        (void)!send(fd, out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        jb_free(&out);
    }
    end_connection(fd);
}
