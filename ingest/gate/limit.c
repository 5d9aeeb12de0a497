#include "ingest/gate/limit.h"

#include "ingest/gate/throttle.h"
#include "ingest/log/audit.h"
#include "ingest/request/answer.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"

#include <stdio.h>

/* A key that was revoked or has expired is known, but good for nothing. What usher cannot do now (5xx) is
 * nobody's fault. */
static bool is_unwelcome(const struct request *r) {
    bool good = r->admitted && r->verdict.state == ADMIT_OK;
    return !good && r->head.source_ip != NULL && r->answer.status >= 400 && r->answer.status < 500;
}

static const char *limit_text(const struct ingest *in, char *text, size_t size) {
    snprintf(text, size,
             "More than %d requests without a good credential within %d seconds from this address",
             in->settings.max_unauthorized, (int)(THROTTLE_PERIOD_US / 1000000));
    return text;
}

bool limit_refuses(struct request *r) {
    char text[160];
    if (!is_unwelcome(r))
        return false;
    int seconds = throttle_count(r->in->throttle, &r->head.source, clock_mono_us());
    if (seconds == 0)
        return false;
    metric_add(stats.unauthorized_over, 1);
    r->grouped = r->rate_limited = true;
    r->verdict.retry_after_s = seconds;
    answer_error(
        r, ERR_RATE_LIMITED,
        arena_printf(r->arena, "%s; try again in %d s", limit_text(r->in, text, sizeof text), seconds));
    return true;
}

static bool tell(void *ctx, const struct throttle_group *g) {
    struct ingest *in = ctx;
    char text[NET_TEXT_SIZE], detail[160];
    int64_t ago_us = clock_mono_us() - g->first_us;
    struct audit_group group = {.source_ip = g->many ? NULL : net_address_text(&g->network, text),
                                .detail = limit_text(in, detail, sizeof detail),
                                .requests = g->requests,
                                .first_us = clock_wall_us() - ago_us,
                                .duration_us = g->last_us - g->first_us};
    return audit_note_group(in->audit, &group);
}

void limit_tick(struct ingest *in, int64_t now_us, bool all) {
    throttle_groups(in->throttle, now_us, all, tell, in);
}
