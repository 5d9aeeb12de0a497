/* usher-livekit: keeps the rooms of LiveKit servers equal to usher's. */
#include "ops/runtime/config.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/metrics_http.h"
#include "workers/livekit/bridge.h"
#include "workers/livekit/hook.h"
#include "workers/livekit/settings.h"
#include "workers/livekit/stats.h"
#include "workers/livekit/stream.h"

#include <pthread.h>
#include <stdio.h>

#define STOP_SECONDS 5 /* from SIGTERM to the end, whatever hangs */

struct parts {
    struct table *table;
    struct bridge *bridge;
    struct hook *hook;
    struct metrics_http *http;
};

static bool is_ready(void *ctx, char *why, size_t n) {
    const struct parts *p = ctx;
    if (lifecycle_stopping())
        snprintf(why, n, "stopping");
    else if (!table_loaded(p->table))
        snprintf(why, n, "usher.rooms is not read yet");
    else
        return bridge_ready(p->bridge, why, n);
    return false;
}

/* False, and err: something cannot listen. */
static bool start_parts(struct parts *p, const struct config *c, const struct voice_projects *projects,
                        struct err *err) {
    const char *listen = config_str(c, "metrics-listen");
    p->table = table_new();
    p->bridge = bridge_start(c, projects, p->table, err);
    if (p->bridge == NULL)
        return false;
    p->hook = hook_start(config_str(c, "webhook-listen"), projects, p->table, p->bridge, err);
    if (p->hook == NULL)
        return false;
    p->http = *listen != '\0' ? metrics_http_start(listen, is_ready, p, err) : NULL;
    return *listen == '\0' || p->http != NULL;
}

static void stop_parts(struct parts *p) {
    metrics_http_stop(p->http);
    if (p->hook != NULL)
        hook_stop(p->hook);
    if (p->bridge != NULL)
        bridge_stop(p->bridge);
    table_free(p->table);
}

static void *watch_stop(void *arg) {
    (void)arg;
    while (!lifecycle_wait(-1))
        continue;
    lifecycle_watchdog(STOP_SECONDS, 1);
    return NULL;
}

int main(int argc, char **argv) {
    lifecycle_init();
    struct config *config = config_load(&livekit_config, argc, argv);
    log_init("livekit", config_str(config, "log-level"));
    log_limit(LOG_BURST, config_int(config, "log-repeat-ms") * 1000);
    config_log(config);
    livekit_stats_init();
    struct voice_projects projects;
    struct parts parts = {0};
    struct err err = {0};
    if (voice_projects_load(config, &projects, &err) != ERR_OK ||
        !start_parts(&parts, config, &projects, &err)) {
        fprintf(stderr, "usher-livekit: %s\n", err_text(&err));
        return 2;
    }
    pthread_t watch;
    if (pthread_create(&watch, NULL, watch_stop, NULL) != 0)
        return 1;
    log_event(LOG_INFO, "started", "projects=%zu", projects.n);
    lifecycle_ready();
    stream_run(config, parts.table, parts.bridge);
    pthread_join(watch, NULL);
    stop_parts(&parts);
    voice_projects_free(&projects);
    log_event(LOG_INFO, "stopped", "reason=signal");
    return 0;
}
