#include "workers/livekit/hook.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/net.h"
#include "workers/livekit/judge.h"
#include "workers/livekit/stats.h"
#include "workers/livekit/webhook.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hook {
    const struct voice_projects *projects;
    struct table *table;
    struct bridge *bridge;
    struct MHD_Daemon *daemon;
    int fd;
};

/* What has come of a request's body. */
struct upload {
    struct jbuf body;
    bool too_large;
};

/* ---- what a webhook means ---- */

static void guard(struct hook *h, const struct uuid *workspace, const struct uuid *room,
                  const json_t *participant) {
    enum judge_verdict v = judge_participant(h->table, workspace->s, room->s, participant);
    const char *person = judge_identity(participant);
    char quoted[300];
    if (v == JUDGE_LEAVE)
        return;
    metric_add(v == JUDGE_REMOVE ? livekit_stats.guarded : livekit_stats.corrected, 1);
    log_event(LOG_INFO, "guard", "workspace=%s room=%s person=%s is=%s", workspace->s, room->s,
              log_word(person, quoted, sizeof quoted),
              v == JUDGE_REMOVE ? "no-member" : "otherwise-permitted");
    bridge_mark_person(h->bridge, workspace->s, room->s, person, clock_mono_us());
}

static void act_on(struct hook *h, const struct webhook *w) {
    struct uuid workspace, room;
    if (w->kind == WEBHOOK_OTHER || !bridge_find(h->bridge, w->room, &workspace, &room))
        return;
    if (w->kind == WEBHOOK_JOINED)
        guard(h, &workspace, &room, w->participant);
    else /* it was empty for long; with auto_create off nobody could enter it any more */
        bridge_mark_room(h->bridge, workspace.s, room.s, 0);
}

static unsigned take_webhook(struct hook *h, const char *authorization, const struct upload *u) {
    struct err err = {0};
    struct webhook w;
    char quoted[300];
    const char *body = u->body.p != NULL ? u->body.p : "";
    if (webhook_check(h->projects, authorization, body, u->body.n, clock_wall_us() / 1000000, &err) !=
        ERR_OK) {
        metric_add(livekit_stats.hooks_refused, 1);
        log_event(LOG_WARN, "webhook-refused", "why=%s", log_quote(err_text(&err), quoted, sizeof quoted));
        return 401;
    }
    metric_add(livekit_stats.hooks, 1);
    if (!webhook_read(body, u->body.n, &w)) {
        log_event(LOG_WARN, "webhook-unreadable", "bytes=%zu", u->body.n);
        return 400;
    }
    act_on(h, &w);
    webhook_clear(&w);
    return 200;
}

/* ---- HTTP ---- */

static enum MHD_Result answer_status(struct MHD_Connection *connection, unsigned status) {
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *bytes, size_t *n,
                                  void **state) {
    (void)version;
    struct hook *h = cls;
    struct upload *u = *state;
    if (strcmp(url, "/webhook") != 0)
        return answer_status(connection, 404);
    if (strcmp(method, "POST") != 0)
        return answer_status(connection, 405);
    if (u == NULL) {
        *state = xcalloc(1, sizeof *u);
        return MHD_YES;
    }
    if (*n > 0) {
        u->too_large = u->too_large || *n > WEBHOOK_BYTES - u->body.n;
        if (!u->too_large)
            jb_mem(&u->body, bytes, *n);
        *n = 0;
        return MHD_YES;
    }
    const char *authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    return answer_status(connection, u->too_large ? 413 : take_webhook(h, authorization, u));
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how) {
    (void)cls, (void)connection, (void)how;
    struct upload *u = *state;
    if (u != NULL)
        jb_free(&u->body);
    free(u);
    *state = NULL;
}

struct hook *hook_start(const char *listen, const struct voice_projects *projects, struct table *t,
                        struct bridge *b, struct err *err) {
    struct hook *h = xcalloc(1, sizeof *h);
    *h =
        (struct hook){.projects = projects, .table = t, .bridge = b, .fd = net_listen(listen, 64, NULL, err)};
    if (h->fd < 0) {
        free(h);
        return NULL;
    }
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, h,
                                 MHD_OPTION_LISTEN_SOCKET, h->fd, MHD_OPTION_CONNECTION_LIMIT, 256u,
                                 MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_NOTIFY_COMPLETED,
                                 on_completed, NULL, MHD_OPTION_END);
    if (h->daemon != NULL)
        return h;
    (void)err_set(err, ERR_CONFIG, "cannot take webhooks on %s", listen);
    close(h->fd);
    free(h);
    return NULL;
}

void hook_stop(struct hook *h) {
    MHD_stop_daemon(h->daemon); /* closes the socket too */
    free(h);
}
