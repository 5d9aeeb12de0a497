#include "workers/deliver/settings.h"

#include "ops/runtime/net_range.h"
#include "workers/deliver/schedule.h"

enum err_code deliver_judge(const struct config *config, struct err *err) {
    struct net_ranges ranges;
    struct schedule schedule;
    const char *bad = NULL;
    if (!net_ranges_parse(config_str(config, "deliver-networks"), &ranges, &bad))
        return err_set(err, ERR_CONFIG, "deliver-networks: \"%.40s\" is no network like 10.1.0.0/16", bad);
    net_ranges_free(&ranges);
    return schedule_parse(config_str(config, "deliver-retries"), &schedule)
               ? ERR_OK
               : err_set(err, ERR_CONFIG,
                         "deliver-retries: 1 to %d numbers of seconds with commas between them",
                         SCHEDULE_MAX);
}
