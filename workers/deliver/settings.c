#include "workers/deliver/settings.h"

#include "ops/runtime/jws.h"
#include "ops/runtime/net_range.h"
#include "workers/deliver/schedule.h"

static enum err_code check_key(const char *file, struct jws_key *(*load)(const char *file, struct err *err),
                               struct err *err) {
    struct jws_key *k = file[0] != '\0' ? load(file, err) : NULL;
    jws_key_free(k);
    return file[0] == '\0' || k != NULL ? ERR_OK : ERR_CONFIG;
}

enum err_code deliver_judge(const struct config *config, struct err *err) {
    struct net_ranges ranges;
    struct schedule schedule;
    const char *bad = NULL;
    if (!net_ranges_parse(config_str(config, "deliver-networks"), &ranges, &bad))
        return err_set(err, ERR_CONFIG, "deliver-networks: \"%.40s\" is no network like 10.1.0.0/16", bad);
    net_ranges_free(&ranges);
    if (check_key(config_str(config, "deliver-key"), jws_key_load, err) != ERR_OK ||
        check_key(config_str(config, "deliver-key-rsa"), jws_key_load_rsa, err) != ERR_OK)
        return err->code;
    return schedule_parse(config_str(config, "deliver-retries"), &schedule)
               ? ERR_OK
               : err_set(err, ERR_CONFIG,
                         "deliver-retries: 1 to %d numbers of seconds with commas between them",
                         SCHEDULE_MAX);
}
