/* Settings of usher-worker. ops/settings.md explains each. */
#ifndef USHER_WORKERS_SETTINGS_H
#define USHER_WORKERS_SETTINGS_H

#include "ops/runtime/config.h"

extern const struct config_spec worker_config;

#endif
