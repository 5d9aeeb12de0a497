/* Settings: one table row per setting per program; sources in rising order: default, file (`key = value`
 * lines, '#' comments), environment (USHER_ + key in capitals, '.' and '-' as '_'), flags (`--key value` or
 * `--key=value`). Keys that begin with a library's prefix ("kafka.") are kept as they are and handed to that
 * library (file and flags only). Unknown keys are errors that name the key. */
#ifndef USHER_RUNTIME_CONFIG_H
#define USHER_RUNTIME_CONFIG_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

enum config_type {
    CONFIG_STR,
    CONFIG_INT,
    CONFIG_BOOL,
    CONFIG_ADDRESS, /* host:port to listen on; "" where that is the default */
    CONFIG_FILE,    /* a file that this process can read; "": none */
    CONFIG_LEVEL,   /* of the log */
};

/* A program's table ends with a row whose key is NULL. */
struct config_row {
    const char *key; /* "listen", "deadline-ms" */
    enum config_type type;
    const char *def;  /* text of the default; NULL = required */
    long min, max;    /* for CONFIG_INT */
    const char *help; /* one line, with the unit */
    bool secret;      /* masked when shown */
};

struct config; /* the values; lives as long as the process */

/* Settings of a library, given under a prefix by the library's own names. */
struct config_pass {
    const char *prefix; /* "kafka." */
    const char *help;
    /* False, with the reason in why, if the library does not know the key (given without the prefix) or the
     * value, or if usher must set this key itself. */
    bool (*accepts)(const char *key, const char *value, char *why, size_t n);
    /* For --check-config: opens what the settings name together (certificates, keys). ERR_CONFIG where the
     * library refuses them. NULL: there is nothing to open. */
    enum err_code (*open)(const struct config *c, struct err *err);
    /* What will hardly work, though it may: a sentence in `why`, and true. NULL: nobody is asked. */
    bool (*doubt)(const struct config *c, char *why, size_t n);
};

/* What a program can be told. */
struct config_spec {
    const char *program;
    const struct config_row *rows;
    const struct config_pass *pass; /* NULL: nothing is passed through */
    /* Checks what the table cannot say: files that must be right, settings that go together. Called for a run
     * and for --check-config. NULL: there is nothing to check. */
    enum err_code (*judge)(const struct config *c, struct err *err);
    /* Keys that the version before had, up to NULL: one file must serve both while they take turns. They are
     * taken, whatever their value, and config_log warns. NULL: there are none. */
    const char *const *retired;
};

/* Reads all sources. Handles --config FILE (or USHER_CONFIG), --help (prints the table, exits 0), --version,
 * and --check-config (prints "ok" or the error, exits 0 or 1) itself. A CONFIG_BOOL flag may stand alone
 * (`--json`). A wrong setting, and an argument that is no setting, ends the process with a message.
 * --check-config also refuses variables USHER_… that no program has; a run warns of them (config_log). */
struct config *config_load(const struct config_spec *spec, int argc, char **argv);

enum config_ask { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION, CONFIG_CHECK };
/* The part of config_load that neither prints nor exits. Returns NULL with err (ERR_CONFIG) on a wrong
 * setting. *ask: what the flags ask for; with CONFIG_HELP and CONFIG_VERSION required settings may be
 * missing. */
struct config *config_read(const struct config_spec *spec, int argc, char **argv, enum config_ask *ask,
                           struct err *err);
void config_free(struct config *c);
void config_rest(const struct config *c, char ***rest, int *nrest);

const char *config_str(const struct config *c, const char *key); /* "" if set to nothing */
long config_int(const struct config *c, const char *key);
bool config_bool(const struct config *c, const char *key);
/* Calls fn for each passed-through setting under prefix ("kafka."), key without the prefix. A key set twice
 * comes once, with the last value. */
void config_each(const struct config *c, const char *prefix,
                 void (*fn)(const char *key, const char *value, void *ctx), void *ctx);
/* One log line with all settings, secrets masked. Warns of retired ones, of unknown variables and of what a
 * library doubts. */
void config_log(const struct config *c);

#endif
