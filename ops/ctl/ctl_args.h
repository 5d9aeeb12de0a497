/* The command line of usherctl. Settings (--pg, --kafka, …) go to the settings table; `-o FORMAT`, `--json`,
 * `--yes`, `--far` and `--help` may stand anywhere; the rest are the words and flags of the command. Every
 * flag of a command takes a value, as
 * `--name value` or `--name=value`. */
#ifndef USHER_CTL_ARGS_H
#define USHER_CTL_ARGS_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_WORDS_MAX 8
#define CTL_FLAGS_MAX 32

/* How a result is shown. */
enum ctl_output { CTL_TABLE, CTL_JSON, CTL_JSONL };

struct ctl_flag {
    char name[32]; /* without the dashes */
    const char *value;
};

struct ctl_args {
    const char *words[CTL_WORDS_MAX]; /* "workspace", "create", "acme" */
    size_t nwords;
    struct ctl_flag flags[CTL_FLAGS_MAX];
    size_t nflags;
    enum ctl_output output;
    bool json; /* output is not text */
    bool help, yes;
    bool far;        /* over the admin API, though PostgreSQL is configured */
    char **settings; /* argv for config_load; borrows the strings; the caller frees the array */
    int nsettings;
};

enum err_code ctl_args_split(int argc, char **argv, const struct config_row *rows, struct ctl_args *a,
                             struct err *err);
/* ERR_USAGE for a flag that is not in `allowed` (NULL-terminated) and for one that is given twice. */
enum err_code ctl_args_check(const struct ctl_args *a, const char *const *allowed, struct err *err);

/* The value of a flag, or NULL. */
const char *ctl_flag(const struct ctl_args *a, const char *name);
/* The same, ERR_USAGE where it is missing or empty. */
enum err_code ctl_flag_required(const struct ctl_args *a, const char *name, const char **value,
                                struct err *err);

/* Values; the name is for the message. */
enum err_code ctl_value_int(const char *name, const char *text, int64_t min, int64_t max, int64_t *out,
                            struct err *err);
/* Requests in any 60 s: a number, or "ipsie" for what that profile asks for (clause AL11). */
#define CTL_RATE_IPSIE (25 * 60)
enum err_code ctl_value_rate(const char *text, int64_t *out, struct err *err);
enum err_code ctl_value_bool(const char *name, const char *text, bool *out, struct err *err);
/* One of a NULL-terminated list. */
enum err_code ctl_value_choice(const char *name, const char *text, const char *const *choices,
                               struct err *err);
/* A moment in the future: RFC 3339, or a span from now_us on: 30d, 12h, 15m. */
enum err_code ctl_value_expiry(const char *name, const char *text, int64_t now_us, int64_t *out,
                               struct err *err);
/* Names of workspaces and keys: 1 to 120 bytes of UTF-8 without control characters or outer blanks, not
 * shaped like an id. */
enum err_code ctl_value_name(const char *what, const char *name, struct err *err);

#endif
