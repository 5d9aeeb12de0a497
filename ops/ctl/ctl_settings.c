#include "ops/ctl/ctl_settings.h"

#include "ops/runtime/kafka_conf.h"

static const struct config_row rows[] = {
    {"pg", CONFIG_STR, "", 0, 0, "PostgreSQL as an administrator, libpq URI", true},
    KAFKA_CONFIG_ROWS,
    {"url", CONFIG_STR, "", 0, 0,
     "address of the ingests, https://host, for links into the portal and for commands from afar", false},
    {"ca-file", CONFIG_FILE, "", 0, 0, "PEM of those who may vouch for that address; empty: the system's",
     false},
    {"deadline-ms", CONFIG_INT, "15000", 100, 600000, "how long to wait for a worker or an answer, ms",
     false},
    {"log-level", CONFIG_LEVEL, "error", 0, 0, "debug, info, warn or error", false},
    {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
};

const struct config_spec ctl_config = {"usherctl", rows, &kafka_pass, NULL, NULL};
