/* usher-ingest: HTTP in, commands out. Starts and stops the parts in order; each header describes its part.
 */
#include "ingest/api/docs.h"
#include "ingest/api/polls.h"
#include "ingest/gate/delay.h"
#include "ingest/gate/exports.h"
#include "ingest/gate/gate.h"
#include "ingest/gate/key_sets.h"
#include "ingest/gate/large.h"
#include "ingest/gate/limit.h"
#include "ingest/gate/lists.h"
#include "ingest/gate/throttle.h"
#include "ingest/http/health.h"
#include "ingest/http/routes.h"
#include "ingest/http/server.h"
#include "ingest/http/tls.h"
#include "ingest/log/audit.h"
#include "ingest/log/pending.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/portal/changes.h"
#include "ingest/portal/providers.h"
#include "ingest/request/bodies.h"
#include "ingest/scim/bulk.h"
#include "ingest/scim/jwks.h"
#include "ingest/stats.h"
#include "ingest/ticker.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "ops/runtime/trace.h"

#include <malloc.h>
#include <stdlib.h>

#define FLUSH_MS 2000
/* What is larger is given back to the system when it is freed. Without this, glibc learns from the first
 * large buffer to keep those that follow. */
#define LARGE_BYTES (1024 * 1024)
/* So long after the socket has closed the process ends, whatever hangs. */
#define STOP_S 28
/* So long requests that are under way are waited for: until their deadline, and their records a little
 * longer. Where a Bulk may take more time than this, it is cut off. */
#define DRAIN_MORE_MS 2000
#define DRAIN_MOST_MS 22000

/* So long the socket stays closed while something is missing at the start. */
#define OPEN_US INT64_C(3000000)

static struct ingest ingest;

static int refuse_start(const char *part, const struct err *err) {
    char quoted[600];
    log_event(LOG_ERROR, "start-failed", "part=%s reason=%s", part,
              log_quote(err_text(err), quoted, sizeof quoted));
    return EXIT_FAILURE;
}

static void reload(void *ctx) {
    struct err err = {0};
    char quoted[600];
    if (tls_reload(ctx, &err) == ERR_OK)
        log_event(LOG_INFO, "certificate-reloaded", "%s", "");
    else
        log_event(LOG_ERROR, "certificate-not-reloaded", "reason=%s",
                  log_quote(err_text(&err), quoted, sizeof quoted));
}

static enum err_code check_key(const char *file, struct jws_key *(*load)(const char *file, struct err *err),
                               struct err *err) {
    struct jws_key *k = file[0] != '\0' ? load(file, err) : NULL;
    jws_key_free(k);
    return file[0] == '\0' || k != NULL ? ERR_OK : ERR_CONFIG;
}

/* A certificate or a key that cannot be used is a wrong setting. */
static enum err_code judge(const struct config *c, struct err *err) {
    if (settings_judge(c, err) != ERR_OK)
        return err->code;
    if (check_key(config_str(c, "signing-key"), jws_key_load, err) != ERR_OK ||
        check_key(config_str(c, "signing-key-rsa"), jws_key_load_rsa, err) != ERR_OK)
        return err->code;
    const char *cert = config_str(c, "tls-cert"), *key = config_str(c, "tls-key");
    if ((cert[0] == '\0') != (key[0] == '\0'))
        return err_set(err, ERR_CONFIG, "tls-cert and tls-key go together");
    if (cert[0] == '\0')
        return ERR_OK;
    struct tls *tls = tls_open(cert, key, err);
    if (tls == NULL)
        return err->code;
    tls_close(tls);
    return ERR_OK;
}

static enum err_code open_tls(struct err *err) {
    const struct settings *s = &ingest.settings;
    if (s->tls_cert[0] == '\0')
        return ERR_OK;
    ingest.tls = tls_open(s->tls_cert, s->tls_key, err);
    if (ingest.tls == NULL)
        return err->code;
    lifecycle_on_hangup(reload, ingest.tls);
    return ERR_OK;
}

/* First load balancers get the time to see that no more should come: all is served as before. Then nobody is
 * let in, and every request in flight gets its answer. Then the parts stop, in the order in which a request
 * passes them. */
static void stop(struct ticker *ticker) {
    const struct settings *s = &ingest.settings;
    int64_t deadline_us = s->bulk_deadline_us > s->deadline_us ? s->bulk_deadline_us : s->deadline_us;
    int drain_ms = (int)(deadline_us / 1000) + DRAIN_MORE_MS;
    lifecycle_watchdog(STOP_S + s->drain_ms / 1000, EXIT_FAILURE);
    atomic_store(&ingest.draining, true);
    log_event(LOG_INFO, "draining", "seconds=%d", s->drain_ms / 1000);
    if (atomic_load(&ingest.failed) == 0)
        lifecycle_linger(s->drain_ms);
    log_event(LOG_INFO, "stopping", "in_flight=%d", atomic_load(&ingest.in_flight));
    if (!server_drain(ingest.server, drain_ms < DRAIN_MOST_MS ? drain_ms : DRAIN_MOST_MS)) {
        log_event(LOG_ERROR, "stopped", "reason=not-drained in_flight=%d", atomic_load(&ingest.in_flight));
        _Exit(EXIT_FAILURE); /* the HTTP library would abort */
    }
    server_stop(ingest.server);
    ticker_stop(ticker);
    changes_close(ingest.changes);
    polls_close(ingest.polls);
    health_close(ingest.health);
    large_close(ingest.large);
    key_sets_close(ingest.key_sets);
    providers_close(ingest.providers);
    gate_close(ingest.gate);
    lists_close(ingest.lists);
    exports_close(ingest.exports);
    delay_free(ingest.delay);
    limit_tick(&ingest, clock_mono_us(), true);
    throttle_free(ingest.throttle);
    bulks_close(ingest.bulks);
    replies_close(ingest.replies);
    publish_close(ingest.publish, FLUSH_MS);
    audit_close(ingest.audit, FLUSH_MS);
    pending_free(ingest.pending);
    request_pool_free();
    bodies_free(ingest.bodies);
    tls_close(ingest.tls);
    jwks_close();
    docs_close();
    trace_close();
    log_event(LOG_INFO, "stopped", "reason=signal");
}

/* Who comes before all is there would be refused; a load balancer that finds no open socket goes elsewhere.
 * After a while the door opens in any case, so that /readyz can say what is missing. */
static void wait_for_health(void) {
    int64_t until_us = clock_mono_us() + OPEN_US;
    while (!health_ready(ingest.health) && clock_mono_us() < until_us && !lifecycle_wait(10))
        continue;
}

int main(int argc, char **argv) {
    struct err err = {0};
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    lifecycle_init();
    settings_load(&ingest.settings, argc, argv, judge);
    ingest.routes = &routes;
    stats_init();
    docs_open();

    if (trace_open(ingest.settings.config, "usher-ingest", &err) != ERR_OK)
        return refuse_start("traces", &err);
    if (open_tls(&err) != ERR_OK)
        return refuse_start("tls", &err);
    const struct config *config = ingest.settings.config;
    if (jwks_open(config_str(config, "signing-key"), config_str(config, "signing-key-rsa"), &err) != ERR_OK)
        return refuse_start("signing-key", &err);
    ingest.bodies = bodies_new(ingest.settings.body_memory, ingest.settings.max_body_bytes);
    ingest.pending = pending_new();
    ingest.replies = replies_new(&ingest, gate_replied);
    ingest.audit = audit_new(&ingest, &err);
    if (ingest.audit == NULL)
        return refuse_start("audit producer", &err);
    ingest.publish = publish_new(&ingest, &err);
    if (ingest.publish == NULL)
        return refuse_start("command producer", &err);
    ingest.bulks = bulks_new(&ingest);
    ingest.throttle = throttle_new(ingest.settings.max_unauthorized);
    ingest.delay = delay_new(gate_again);
    ingest.lists = lists_new(&ingest);
    ingest.exports = exports_new(&ingest);
    ingest.key_sets = key_sets_new(&ingest, &err);
    if (ingest.key_sets == NULL)
        return refuse_start("key sets", &err);
    ingest.providers = providers_new(&ingest, &err);
    if (ingest.providers == NULL)
        return refuse_start("providers", &err);
    ingest.gate = gate_new(&ingest);
    ingest.large = large_new(&ingest);
    ingest.health = health_new(&ingest);
    ingest.changes = changes_new(&ingest);
    ingest.polls = polls_new(&ingest);
    struct ticker *ticker = ticker_start(&ingest);
    wait_for_health();
    if (server_start(&ingest, &err) == NULL)
        return refuse_start("http server", &err);
    atomic_store(&ingest.open, true);
    log_event(LOG_INFO, "started", "listen=%s port=%d instance=%s", ingest.settings.listen,
              server_port(ingest.server), ingest.settings.instance);

    lifecycle_wait(-1);
    stop(ticker);
    return atomic_load(&ingest.failed) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
