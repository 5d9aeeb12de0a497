/* Settings of usherctl. ops/settings.md explains each. */
#ifndef USHER_CTL_CTL_SETTINGS_H
#define USHER_CTL_CTL_SETTINGS_H

#include "ops/runtime/config.h"

extern const struct config_spec ctl_config;

#endif
