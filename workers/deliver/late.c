#include "workers/deliver/late.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "workers/stats.h"

#include <string.h>

static bool was_told(const struct late *l, const char *id) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->told[i].id, id) == 0)
            return true;
    return false;
}

enum err_code late_look(struct late *l, struct db *db, int keep, struct err *err) {
    struct late now = {.n = 0};
    int64_t total = 0;
    if (delivery_late(db, keep, now.told, LATE_TOLD, &now.n, &total, err) != ERR_OK)
        return err->code;
    metric_set(worker_stats.deliver_late, total);
    for (size_t i = 0; i < now.n; i++) {
        char since[RFC3339_SIZE];
        if (!was_told(l, now.told[i].id))
            log_event(LOG_WARN, "deliver-endpoint-late",
                      "workspace=%s endpoint=%s waits-since=%s kept-days=%d", now.told[i].workspace,
                      now.told[i].id, rfc3339_us(now.told[i].since_us, since), keep);
    }
    *l = now;
    return ERR_OK;
}
