/* Settings of usher-broker. ops/settings.md explains each. */
#ifndef USHER_BROKER_SETTINGS_H
#define USHER_BROKER_SETTINGS_H

#include "ops/runtime/config.h"

extern const struct config_spec broker_config;

#endif
