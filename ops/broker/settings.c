#include "ops/broker/settings.h"

static const struct config_row rows[] = {
    {"bootstrap-file", CONFIG_STR, "", 0, 0, "file that gets the address (host:port) once the broker answers",
     false},
    {"partitions", CONFIG_INT, "12", 1, 1024, "partitions of every topic", false},
    {"log-level", CONFIG_LEVEL, "info", 0, 0, "debug, info, warn or error", false},
    {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
};

const struct config_spec broker_config = {"usher-broker", rows, NULL, NULL, NULL};
