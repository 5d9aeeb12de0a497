#include "ops/runtime/metrics_http.h"

#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/metrics.h"
#include "ops/runtime/net.h"
#include "ops/runtime/process_metrics.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct metrics_http {
    struct MHD_Daemon *daemon;
    bool (*ready)(void *ctx, char *why, size_t n);
    void *ctx;
    int fd, port;
};

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, struct jbuf *body,
                                   const char *type) {
    size_t n = body->n;
    struct MHD_Response *response = MHD_create_response_from_buffer(n, jb_take(body), MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    enum MHD_Result done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state) {
    (void)version, (void)upload, (void)upload_size, (void)state;
    const struct metrics_http *h = cls;
    const char *text = "text/plain; charset=utf-8";
    struct jbuf body = {0};
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        jb_raw(&body, "method not allowed\n");
        return answer_text(connection, 405, &body, text);
    }
    if (strcmp(url, "/metrics") == 0) {
        char ignored[256];
        process_metrics_render(&body, h->ready == NULL || h->ready(h->ctx, ignored, sizeof ignored));
        metrics_render(&body);
        return answer_text(connection, 200, &body, "text/plain; version=0.0.4; charset=utf-8");
    }
    if (strcmp(url, "/healthz") == 0) {
        jb_raw(&body, "ok\n");
        return answer_text(connection, 200, &body, text);
    }
    if (strcmp(url, "/readyz") == 0) {
        char why[256] = "";
        bool ready = h->ready == NULL || h->ready(h->ctx, why, sizeof why);
        jb_printf(&body, "%s\n", ready ? "ready" : why);
        return answer_text(connection, ready ? 200 : 503, &body, text);
    }
    jb_raw(&body, "not found\n");
    return answer_text(connection, 404, &body, text);
}

struct metrics_http *metrics_http_start(const char *listen, bool (*ready)(void *ctx, char *why, size_t n),
                                        void *ctx, struct err *err) {
    struct metrics_http *h = xcalloc(1, sizeof *h);
    h->ready = ready;
    h->ctx = ctx;
    h->fd = net_listen(listen, 16, &h->port, err);
    if (h->fd < 0) {
        free(h);
        return NULL;
    }
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, h,
                                 MHD_OPTION_LISTEN_SOCKET, h->fd, MHD_OPTION_CONNECTION_LIMIT, 64u,
                                 MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (h->daemon == NULL) {
        (void)err_set(err, ERR_CONFIG, "cannot serve metrics on %s", listen);
        close(h->fd);
        free(h);
        return NULL;
    }
    return h;
}

int metrics_http_port(const struct metrics_http *h) {
    return h->port;
}

void metrics_http_stop(struct metrics_http *h) {
    if (h == NULL)
        return;
    MHD_stop_daemon(h->daemon); /* closes the socket too */
    free(h);
}
