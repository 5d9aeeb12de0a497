#include "ingest/http/server.h"

#include "ingest/gate/gate.h"
#include "ingest/gate/limit.h"
#include "ingest/http/body.h"
#include "ingest/http/clients.h"
#include "ingest/http/guard.h"
#include "ingest/http/headers.h"
#include "ingest/http/library.h"
#include "ingest/http/refuse.h"
#include "ingest/http/send.h"
#include "ingest/http/tls.h"
#include "ingest/log/audit.h"
#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/request/place.h"
#include "ingest/scim/bulk.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/net.h"

#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The library closes a connection that is silent for so much longer than clients.c lets it be. */
#define SILENCE_MORE_S 15
/* Memory of the library for each connection. Request line and headers must fit. */
#define CONNECTION_MEMORY 65536u
/* Connections that may come in while others are being closed for them. */
#define CONNECTIONS_SPARE 256
/* With fewer usher does not start. */
#define CONNECTIONS_LEAST 64
/* From 1.0 on the library refuses what is doubtful. Before, strict means that a request without Host is
 * answered twice and one with a blank in its target not at all; so there it is the guard that refuses. */
#define STRICT (MHD_VERSION >= 0x01000000 ? 1 : 0)
/* Descriptors that are no client connections. */
#define OWN_DESCRIPTORS 256
/* So long connections without a request are left open when the door is closed. */
#define LAST_US 500000
/* A connection that was taken from the socket is among the clients after so long. */
#define TAKEN_US 20000

struct server {
    struct ingest *in;
    struct MHD_Daemon *daemon;
    MHD_socket fd;
    int port;
    bool inherited;        /* the socket is the service manager's: others wait in it for the next process */
    atomic_int unanswered; /* requests that were suspended and whose answer is not sent yet */
};

/* A request as the library sees it; r->waiter points to it. */
struct call {
    struct MHD_Connection *connection;
    struct request_line line;
    bool headers_seen;
    bool suspended; /* now, or before */
    bool away;      /* suspended; cleared by the next call, with which it goes on */
};

static struct call *call_of(const struct request *r) {
    return r->waiter;
}

static struct MHD_Connection *connection_of(const struct request *r) {
    return call_of(r)->connection;
}

static struct client *client_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void phase(struct MHD_Connection *connection, enum client_phase p) {
    struct client *c = client_of(connection);
    if (c != NULL)
        client_phase(c, p);
}

/* Suspends the connection before the request is handed over, because another thread may resume it at once.
 * False while the server stops: the library must not be stopped with suspended connections. The request is
 * counted before `stopping` is read: so if in_flight is 0 after the stop has begun, it stays 0. */
static bool suspend(struct request *r) {
    atomic_fetch_add(&r->in->in_flight, 1);
    if (atomic_load(&r->in->stopping)) {
        atomic_fetch_sub(&r->in->in_flight, 1);
        return false;
    }
    phase(connection_of(r), CLIENT_WORK);
    if (!call_of(r)->suspended)
        atomic_fetch_add(&r->in->server->unanswered, 1);
    call_of(r)->suspended = call_of(r)->away = true;
    MHD_suspend_connection(connection_of(r));
    return true;
}

static enum MHD_Result send_now(struct request *r) {
    const struct request *answering = request_answering(r);
    struct client *c = client_of(connection_of(r));
    if (c != NULL)
        client_answers(c, answering->answer.body.n);
    return send_answer(answering, connection_of(r));
}

/* ---- the connection as a request's owner ---- */

static void connection_answered(struct request *r) {
    if (gate_keep(r->in->gate, r))
        return;
    bulk_leave(r);
    if (limit_refuses(r))
        audit_skip(r);
    else
        audit_submit(r->in->audit, r);
}

/* The HTTP thread continues with the request: it is DONE, or its body is read now. */
static void resume(struct request *r) {
    struct ingest *in = r->in;
    MHD_resume_connection(connection_of(r));
    /* From here on the HTTP thread owns r. in_flight is decremented last: the server stops only when all
     * connections are resumed. */
    atomic_fetch_sub(&in->in_flight, 1);
}

/* A client that closes its side reads no answer, as far as we know. */
static bool connection_gone(const struct request *r) {
    const struct client *c = client_of(connection_of(r));
    struct pollfd fd = {.fd = c != NULL ? c->fd : -1, .events = POLLRDHUP};
    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static const struct owner connection_owner = {
    .answered = connection_answered, .recorded = resume, .admitted = resume, .gone = connection_gone};

/* Answers without suspending the connection, if there is no room. The record is produced, but not waited for.
 */
static enum MHD_Result refuse_at_once(struct request *r) {
    r->answer.close = true;
    answer_error(r, ERR_UNAVAILABLE, NULL);
    audit_note(r->in->audit, r);
    return send_now(r);
}

/* Refuses before the body was read, so the connection must be closed. The request has a record like any
 * other. */
static enum MHD_Result refuse_headers(struct request *r, const struct err *err) {
    if (!suspend(r))
        return refuse_at_once(r);
    r->answer.close = true;
    answer_err(r, err);
    request_finish(r);
    return MHD_YES;
}

/* ---- to the gate ---- */

/* Answers at once, on this thread. */
static enum MHD_Result answer_public(struct request *r) {
    if (r->route.code != ERR_OK)
        answer_error(r, r->route.code, NULL);
    else
        (void)r->handler->begin(r);
    return send_now(r);
}

/* There is nothing at the path, or not by this method. No credentials are needed to be told so. */
static void answer_anybody(struct request *r) {
    enum err_code code = r->route.code;
    answer_error(r, code, code == ERR_NOT_FOUND ? place_is_wrong(r) : NULL);
    request_finish(r);
}

/* The request is complete, or waits with its body for admission. */
static enum MHD_Result hand_over(struct request *r) {
    if (r->route.row->access == ACCESS_PUBLIC)
        return answer_public(r);
    request_complete(r, clock_mono_us());
    if (!suspend(r))
        return refuse_at_once(r);
    if (r->route.row->access == ACCESS_ANYBODY) {
        answer_anybody(r);
        return MHD_YES;
    }
    r->job = JOB_ADMIT;
    request_enter(r, REQUEST_GATE);
    gate_push(r->in->gate, r);
    return MHD_YES;
}

/* ---- a request's headers ---- */

static enum MHD_Result on_headers(struct request *r) {
    struct guard_facts facts;
    struct err err = {0};
    struct ingest *in = r->in;
    const struct request_line *line = &call_of(r)->line;
    snprintf(r->head.method, sizeof r->head.method, "%s", line->method);
    bool stopping = atomic_load(&in->stopping);
    const struct client *client = client_of(connection_of(r));
    enum err_code code =
        headers_read(r, connection_of(r), client != NULL ? client->ip : "", line, &facts, &err);
    if (code == ERR_OK)
        route_parse(in->routes, r->head.method, r->head.path, facts.path_len, r->arena, &r->route);
    else
        route_unreadable(in->routes, r->head.target, &r->route);
    /* HTTP/1.0 knows no Host. It is enough for probes and for who reads the metrics. */
    if (code == ERR_OK && r->head.host == NULL && r->route.row->access != ACCESS_PUBLIC)
        code = err_set(&err, ERR_BAD_REQUEST, "The request has no Host header");
    request_take_route(r);
    call_of(r)->headers_seen = true;
    if (code == ERR_OK && r->route.row->access == ACCESS_PUBLIC)
        return MHD_YES;
    if (stopping || atomic_load(&in->in_flight) >= in->settings.max_in_flight) {
        metric_add(stats.over_cap, stopping ? 0 : 1);
        return refuse_at_once(r);
    }
    if (code != ERR_OK) {
        metric_add(stats.guarded, 1);
        return refuse_headers(r, &err);
    }
    if (query_parse(r->head.query_text, r->arena, &r->query, &err) != ERR_OK) {
        struct err *fault = arena_alloc(r->arena, sizeof *fault);
        *fault = err;
        r->query_fault = fault;
    }
    if (facts.has_length && facts.length > content_limit(r)) {
        (void)content_too_large(r, facts.length, &err);
        return refuse_headers(r, &err);
    }
    phase(connection_of(r), CLIENT_BODY);
    body_expect(r, &facts);
    return r->body_waits ? hand_over(r) : MHD_YES;
}

/* ---- the body ---- */

/* Within a body the library sends no answer. So where one would be due at once, the connection is closed.
 * While it is suspended some bytes must be left, or the library would call again. */
static enum MHD_Result on_body(struct request *r, const char *data, size_t *size) {
    switch (body_take(r, data, *size)) {
    case BODY_MORE:
        *size = 0;
        return MHD_YES;
    case BODY_ASK:
        return r->route.row->access == ACCESS_PUBLIC || atomic_load(&r->in->stopping) ? MHD_NO : hand_over(r);
    case BODY_CLOSE:
        break;
    }
    return MHD_NO;
}

/* ---- what the library calls ---- */

static void *on_request_line(void *cls, const char *target, struct MHD_Connection *connection) {
    struct ingest *in = cls;
    struct request *r = request_new(in);
    r->owner = &connection_owner;
    struct call *call = arena_alloc(r->arena, sizeof *call);
    call->connection = connection;
    r->waiter = call;
    call->line.target = target;
    call->line.target_len = target != NULL ? strlen(target) : 0;
    r->head.target = target != NULL ? arena_strndup(r->arena, target, GUARD_TARGET_MAX + 1) : NULL;
    phase(connection, CLIENT_HEADER);
    struct client *client = client_of(connection);
    if (client != NULL)
        client->request = r;
    return r;
}

static enum MHD_Result on_call(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data, size_t *size,
                               void **state) {
    (void)url; /* decoded and cut at a NUL; the guard needs the raw one */
    (void)cls;
    struct request *r = *state;
    struct call *call = call_of(r);
    if (!call->headers_seen) {
        call->line.method = method;
        call->line.version = version;
        return on_headers(r);
    }
    bool back = call->away;
    call->away = false;
    if (*size == 0 && atomic_load(&r->state) == REQUEST_DONE)
        return send_now(r);
    if (back) /* its body goes on: the client was admitted, or was refused in the middle */
        phase(connection, CLIENT_BODY);
    if (*size > 0)
        return on_body(r, data, size);
    return back ? MHD_YES : hand_over(r);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
    (void)cls, (void)code;
    struct request *r = *state;
    if (r == NULL)
        return;
    *state = NULL;
    if (call_of(r)->suspended)
        atomic_fetch_sub(&r->in->server->unanswered, 1);
    phase(connection, CLIENT_IDLE);
    struct client *client = client_of(connection);
    if (client != NULL)
        client->request = NULL;
    request_release(r);
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t size) {
    (void)cls, (void)size;
    return client_welcome(address) ? MHD_YES : MHD_NO;
}

/* HTTP without TLS where TLS is due. */
static void on_plain(struct tls_door *door, const char *begin, size_t n) {
    refuse_plain(door->cls, client_of(door->connection), begin, n);
}

/* In time: the handshake begins with the first byte that the library reads. */
static void watch_tls(struct ingest *in, struct MHD_Connection *connection, struct client *client) {
    const union MHD_ConnectionInfo *tls =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (in->tls == NULL || tls == NULL || tls->tls_session == NULL)
        return;
    client->door =
        (struct tls_door){.fd = client->fd, .plain = on_plain, .cls = in, .connection = connection};
    tls_watch(tls->tls_session, &client->door);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        int number = fd != NULL ? fd->connect_fd : -1;
        const union MHD_ConnectionInfo *from =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        *context = client_open(number, from != NULL ? from->client_addr : NULL);
        watch_tls(cls, connection, *context);
    } else if (*context != NULL) {
        client_close(*context);
        *context = NULL;
    }
}

static void on_refused(void *cls, struct MHD_Connection *connection, unsigned status) {
    const struct client *client = client_of(connection);
    refuse_for_library(cls, client != NULL ? client->request : NULL, connection, client, status);
}

static void on_log(void *cls, const char *format, va_list args) {
    (void)cls;
    char text[300], quoted[400];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_event(LOG_DEBUG, "http", "text=%s", log_quote(text, quoted, sizeof quoted));
}

/* ---- life ---- */

/* Raises the limit of open files as far as the system lets us. Where that is not enough, there are fewer
 * connections. */
static enum err_code check_open_files(struct settings *s, struct err *err) {
    struct rlimit limit;
    const rlim_t others = OWN_DESCRIPTORS + CONNECTIONS_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ERR_OK;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= (rlim_t)s->connections + others)
        return ERR_OK;
    if (limit.rlim_cur < CONNECTIONS_LEAST + others)
        return err_set(err, ERR_CONFIG, "The limit of open files is %llu; at least %llu are needed",
                       (unsigned long long)limit.rlim_cur, (unsigned long long)(CONNECTIONS_LEAST + others));
    log_event(LOG_WARN, "few-open-files", "limit=%llu connections=%llu wanted=%d",
              (unsigned long long)limit.rlim_cur, (unsigned long long)(limit.rlim_cur - others),
              s->connections);
    s->connections = (int)(limit.rlim_cur - others);
    return ERR_OK;
}

static unsigned longest_silence_s(const struct settings *s) {
    int64_t us = s->head_us;
    us = s->body_us > us ? s->body_us : us;
    us = s->answer_us > us ? s->answer_us : us;
    us = s->idle_us > us ? s->idle_us : us;
    return (unsigned)(us / 1000000) + SILENCE_MORE_S;
}

static struct MHD_Daemon *start_daemon(struct server *s) {
    unsigned pool = s->in->settings.http_threads > 1 ? (unsigned)s->in->settings.http_threads : 0;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
                                   {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_callback()},
                                   {MHD_OPTION_END, 0, NULL}};
    if (s->in->tls != NULL)
        flags |= MHD_USE_TLS;
    else
        tls[0].option = MHD_OPTION_END;
    library_watch(on_refused, s->in);
    return MHD_start_daemon(
        flags, 0, on_accept, NULL, on_call, s->in, MHD_OPTION_ARRAY, tls, MHD_OPTION_EXTERNAL_LOGGER, on_log,
        NULL, MHD_OPTION_LISTEN_SOCKET, s->fd, MHD_OPTION_THREAD_POOL_SIZE, pool, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)s->in->settings.connections + CONNECTIONS_SPARE, MHD_OPTION_CONNECTION_TIMEOUT,
        longest_silence_s(&s->in->settings), MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_STRICT_FOR_CLIENT, STRICT, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, s->in,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s->in, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s->in,
        MHD_OPTION_END);
}

struct server *server_start(struct ingest *in, struct err *err) {
    if (check_open_files(&in->settings, err) != ERR_OK)
        return NULL;
    clients_open(&in->settings);
    struct server *s = xcalloc(1, sizeof *s);
    s->in = in;
    s->fd = net_inherited(&s->port);
    s->inherited = s->fd >= 0;
    if (!s->inherited)
        s->fd = net_listen(in->settings.listen, 1024, &s->port, err);
    in->server = s; /* before the first request comes */
    s->daemon = s->fd >= 0 ? start_daemon(s) : NULL;
    if (s->daemon != NULL)
        return s;
    if (s->fd >= 0) {
        (void)err_set(err, ERR_CONFIG, "The HTTP server does not start on %s", in->settings.listen);
        close(s->fd);
    }
    free(s);
    in->server = NULL;
    return NULL;
}

int server_port(const struct server *s) {
    return s->port;
}

/* From here on nobody is let in: who comes is refused by the system, and goes elsewhere. What still comes
 * over connections that are there is served, and ends them. Without a time to drain only connections that
 * were let in and have not said all yet are waited for: their client was not refused, so it counts on an
 * answer. */
static void close_door(struct server *s) {
    int64_t began = clock_mono_us();
    MHD_quiesce_daemon(s->daemon);
    if (!s->inherited)
        shutdown(s->fd, SHUT_RDWR);
    for (int64_t now = began; now < began + LAST_US; now = clock_mono_us()) {
        int left = s->in->settings.drain_ms > 0 ? clients_count() : clients_asking();
        if (left == 0 && now > began + TAKEN_US)
            break;
        usleep(2000);
    }
    atomic_store(&s->in->stopping, true);
}

bool server_drain(struct server *s, int timeout_ms) {
    close_door(s);
    int64_t until = clock_mono_us() + (int64_t)timeout_ms * 1000;
    /* Answers that are not sent yet get one second: a client that does not read is not waited for longer. */
    int64_t sent_by = 0;
    while (clock_mono_us() < until) {
        int suspended = atomic_load(&s->in->in_flight);
        if (suspended == 0 && sent_by == 0)
            sent_by = clock_mono_us() + 1000000;
        if (suspended == 0 && (atomic_load(&s->unanswered) == 0 || clock_mono_us() > sent_by))
            return true;
        usleep(2000);
    }
    return atomic_load(&s->in->in_flight) == 0;
}

void server_stop(struct server *s) {
    MHD_stop_daemon(s->daemon);
    close(s->fd);
    s->in->server = NULL;
    free(s);
}
