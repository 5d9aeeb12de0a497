/* Settings: one table row per setting per program; sources in rising order: default, file (`key = value`
 * lines, '#' comments), environment (USHER_ + key in capitals, '.' and '-' as '_'), flags (`--key value` or
 * `--key=value`). Keys that begin with a pass-through prefix ("kafka.") are kept as they are and handed to
 * the library (file and flags only). Unknown keys are errors that name the key. */
#ifndef USHER_RUNTIME_CONFIG_H
#define USHER_RUNTIME_CONFIG_H

#include "ops/runtime/err.h"

#include <stdbool.h>

enum config_type { CONFIG_STR, CONFIG_INT, CONFIG_BOOL };

struct config_row {
    const char *key; /* "listen", "deadline-ms" */
    enum config_type type;
    const char *def;  /* text of the default; NULL = required */
    long min, max;    /* for CONFIG_INT */
    const char *help; /* one line, with the unit */
    bool secret;      /* masked when shown */
};

struct config; /* the values; lives as long as the process */

/* Reads all sources. Handles --config FILE, --help (prints the table, exits 0), --version, and --check-config
 * (prints "ok" or the error, exits 0/1) itself. Positional arguments are left for the caller in *rest (count
 * *nrest). Exits with a message on a wrong setting. */
struct config *config_load(const char *program, const struct config_row *rows, int argc, char **argv,
                           char ***rest, int *nrest);
const char *config_str(const struct config *c, const char *key); /* "" if set to nothing */
long config_int(const struct config *c, const char *key);
bool config_bool(const struct config *c, const char *key);
/* Calls fn for each passed-through setting under prefix ("kafka."), key without the prefix. */
void config_each(const struct config *c, const char *prefix,
                 void (*fn)(const char *key, const char *value, void *ctx), void *ctx);

#endif
