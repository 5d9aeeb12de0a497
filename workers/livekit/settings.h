/* Settings of usher-livekit: one row each in settings.c; ops/settings.md explains each. */
#ifndef USHER_WORKERS_LIVEKIT_SETTINGS_H
#define USHER_WORKERS_LIVEKIT_SETTINGS_H

#include "ops/runtime/config.h"

extern const struct config_spec livekit_config;

#endif
