/* Variables of the environment that look like settings and are none: mistyped ones, and those of another
 * program. */
#ifndef USHER_RUNTIME_CONFIG_ENV_H
#define USHER_RUNTIME_CONFIG_ENV_H

#include <stddef.h>

/* The name of the first variable USHER_… that is none of these settings and nothing else that programs are
 * told; to be freed. NULL: there is none. */
char *config_stranger(const char *const *keys, size_t nkeys);

#endif
