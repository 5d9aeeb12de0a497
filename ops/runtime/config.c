#include "ops/runtime/config.h"

#include "ops/runtime/config_env.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/net.h"
#include "ops/runtime/version.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct passed {
    char *key, *value; /* key with the prefix */
};

struct config {
    const struct config_spec *spec;
    size_t nrows;  /* of the spec */
    char **values; /* one per row; NULL = not set so far */
    struct passed *passed;
    size_t npassed;
    char **rest;
    int nrest;
    const char *retired; /* a retired key that was given; NULL = none */
    char *stranger;      /* a variable USHER_… that means nothing; NULL = none */
};

static int row_find(const struct config *c, const char *key) {
    for (size_t i = 0; i < c->nrows; i++)
        if (strcmp(c->spec->rows[i].key, key) == 0)
            return (int)i;
    return -1;
}

/* The spec's own text of a retired key; NULL if key is none. */
static const char *retired_find(const struct config *c, const char *key) {
    for (const char *const *k = c->spec->retired; k != NULL && *k != NULL; k++)
        if (strcmp(*k, key) == 0)
            return *k;
    return NULL;
}

static bool parse_bool(const char *text, bool *out) {
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcasecmp(text, yes[i]) == 0)
            return *out = true, true;
        if (strcasecmp(text, no[i]) == 0)
            return *out = false, true;
    }
    return false;
}

static bool parse_int(const char *text, long *out) {
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return *text && !isspace((unsigned char)*text) && !*end && errno == 0;
}

static enum err_code check_file(const char *key, const char *path, const char *source, struct err *err) {
    FILE *f = *path != '\0' ? fopen(path, "re") : NULL;
    if (*path != '\0' && f == NULL)
        return err_set(err, ERR_CONFIG, "%s: cannot read %s: %s (%s)", key, path, strerror(errno), source);
    if (f != NULL)
        fclose(f);
    return ERR_OK;
}

/* An address must be one, but need not be there on this machine: the file may be checked on another. */
static enum err_code check_address(const struct config_row *row, const char *value, const char *source,
                                   struct err *err) {
    struct err why = {0};
    if ((*value == '\0' && row->def != NULL && *row->def == '\0') || net_check(value, &why) == ERR_OK)
        return ERR_OK;
    return err_set(err, ERR_CONFIG, "%s: %s (%s)", row->key, err_text(&why), source);
}

static enum err_code check_value(const struct config_row *row, const char *value, const char *source,
                                 struct err *err) {
    long number;
    bool truth;
    if (row->type == CONFIG_INT) {
        if (!parse_int(value, &number))
            return err_set(err, ERR_CONFIG, "%s: \"%s\" is not a whole number (%s)", row->key, value, source);
        if (number < row->min || number > row->max)
            return err_set(err, ERR_CONFIG, "%s: %ld is not within %ld and %ld (%s)", row->key, number,
                           row->min, row->max, source);
    }
    if (row->type == CONFIG_BOOL && !parse_bool(value, &truth))
        return err_set(err, ERR_CONFIG, "%s: \"%s\" is neither true nor false (%s)", row->key, value, source);
    if (row->type == CONFIG_LEVEL && !log_is_level(value))
        return err_set(err, ERR_CONFIG, "%s: \"%s\" is not debug, info, warn or error (%s)", row->key, value,
                       source);
    if (row->type == CONFIG_ADDRESS)
        return check_address(row, value, source, err);
    return row->type == CONFIG_FILE ? check_file(row->key, value, source, err) : ERR_OK;
}

static enum err_code set_passed(struct config *c, const char *key, const char *value, const char *source,
                                struct err *err) {
    char why[256];
    const struct config_pass *pass = c->spec->pass;
    if (!pass->accepts(key + strlen(pass->prefix), value, why, sizeof why))
        return err_set(err, ERR_CONFIG, "%s: %s (%s)", key, why, source);
    for (size_t i = 0; i < c->npassed; i++)
        if (strcmp(c->passed[i].key, key) == 0) {
            free(c->passed[i].value);
            c->passed[i].value = xstrdup(value);
            return ERR_OK;
        }
    c->passed = xreallocarray(c->passed, c->npassed + 1, sizeof *c->passed);
    c->passed[c->npassed++] = (struct passed){xstrdup(key), xstrdup(value)};
    return ERR_OK;
}

static bool passes(const struct config *c, const char *key) {
    const struct config_pass *pass = c->spec->pass;
    return pass != NULL && strncmp(key, pass->prefix, strlen(pass->prefix)) == 0;
}

static enum err_code set_value(struct config *c, const char *key, const char *value, const char *source,
                               struct err *err) {
    if (passes(c, key))
        return set_passed(c, key, value, source, err);
    int i = row_find(c, key);
    if (i < 0 && retired_find(c, key) != NULL) {
        c->retired = retired_find(c, key);
        return ERR_OK;
    }
    if (i < 0)
        return err_set(err, ERR_CONFIG, "unknown setting \"%s\" (%s)", key, source);
    enum err_code code = check_value(&c->spec->rows[i], value, source, err);
    if (code != ERR_OK)
        return code;
    free(c->values[i]);
    c->values[i] = xstrdup(value);
    return ERR_OK;
}

static char *trimmed(char *s) {
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = 0;
    return s;
}

static enum err_code read_line(struct config *c, char *line, const char *source, struct err *err) {
    char *key = trimmed(line);
    if (*key == '\0' || *key == '#')
        return ERR_OK;
    char *value = strchr(key, '=');
    if (value == NULL)
        return err_set(err, ERR_CONFIG, "not a `key = value` line (%s)", source);
    *value++ = 0;
    return set_value(c, trimmed(key), trimmed(value), source, err);
}

static enum err_code read_file(struct config *c, const char *path, struct err *err) {
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    enum err_code code = ERR_OK;
    char *line = NULL;
    size_t cap = 0;
    for (int number = 1; code == ERR_OK && getline(&line, &cap, f) >= 0; number++) {
        char *source = xasprintf("%s line %d", path, number);
        code = read_line(c, line, source, err);
        free(source);
    }
    if (code == ERR_OK && ferror(f))
        code = err_set(err, ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
    free(line);
    fclose(f);
    return code;
}

static enum err_code read_environment(struct config *c, struct err *err) {
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < c->nrows; i++) {
        char *name = xasprintf("USHER_%s", c->spec->rows[i].key);
        for (char *p = name; *p != '\0'; p++)
            *p = *p == '-' || *p == '.' ? '_' : (char)toupper((unsigned char)*p);
        const char *value = getenv(name);
        if (value != NULL)
            code = set_value(c, c->spec->rows[i].key, value, name, err);
        free(name);
    }
    const char **keys = xcalloc(c->nrows + 1, sizeof *keys);
    for (size_t i = 0; i < c->nrows; i++)
        keys[i] = c->spec->rows[i].key;
    c->stranger = config_stranger(keys, c->nrows);
    free(keys);
    return code;
}

struct flag {
    char *key;
    const char *value;
};

/* Splits argv[*at] (which begins with "--") and takes the value from the next argument where one is due; *at
 * moves to the last argument used. */
static enum err_code next_flag(const struct config *c, int argc, char **argv, int *at, struct flag *out,
                               struct err *err) {
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    out->key = equals != NULL ? xstrndup(text, (size_t)(equals - text)) : xstrdup(text);
    if (equals != NULL) {
        out->value = equals + 1;
        return ERR_OK;
    }
    int row = row_find(c, out->key);
    bool alone = row >= 0 && c->spec->rows[row].type == CONFIG_BOOL, truth;
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    if (alone && !(next != NULL && parse_bool(next, &truth) && !isdigit((unsigned char)*next))) {
        out->value = "true";
        return ERR_OK;
    }
    if (row < 0 && !passes(c, out->key) && retired_find(c, out->key) == NULL &&
        strcmp(out->key, "config") != 0)
        return err_set(err, ERR_CONFIG, "unknown setting \"%s\" (flag)", out->key);
    if (next == NULL)
        return err_set(err, ERR_CONFIG, "%s: the flag needs a value", out->key);
    out->value = next;
    ++*at;
    return ERR_OK;
}

static bool ask_of(const char *arg, enum config_ask *ask) {
    static const struct {
        const char *flag;
        enum config_ask ask;
    } asks[] = {{"--help", CONFIG_HELP},
                {"-h", CONFIG_HELP},
                {"--version", CONFIG_VERSION},
                {"--check-config", CONFIG_CHECK}};
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        if (strcmp(arg, asks[i].flag) == 0)
            return *ask = asks[i].ask, true;
    return false;
}

/* Goes through the flags. With file set: only looks for --config and leaves its value in *file; the settings
 * are taken in a second pass, as the file and the environment come before the flags. */
static enum err_code read_flags(struct config *c, int argc, char **argv, enum config_ask *ask, char **file,
                                struct err *err) {
    bool only_rest = false;
    for (int i = 1; i < argc; i++) {
        if (only_rest || strncmp(argv[i], "-", 1) != 0 || strcmp(argv[i], "-") == 0) {
            if (file == NULL)
                c->rest[c->nrest++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_rest = true;
            continue;
        }
        if (ask_of(argv[i], ask))
            continue;
        if (strncmp(argv[i], "--", 2) != 0)
            return err_set(err, ERR_CONFIG, "unknown flag \"%s\"", argv[i]);
        struct flag flag = {0};
        enum err_code code = next_flag(c, argc, argv, &i, &flag, err);
        if (code == ERR_OK && strcmp(flag.key, "config") == 0) {
            if (file != NULL) {
                free(*file);
                *file = xstrdup(flag.value);
            }
        } else if (code == ERR_OK && file == NULL) {
            char *source = xasprintf("flag --%s", flag.key);
            code = set_value(c, flag.key, flag.value, source, err);
            free(source);
        }
        free(flag.key);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

static enum err_code set_defaults(struct config *c, bool may_miss, struct err *err) {
    for (size_t i = 0; i < c->nrows; i++) {
        if (c->values[i])
            continue;
        const char *def = c->spec->rows[i].def;
        if (def == NULL && !may_miss)
            return err_set(err, ERR_CONFIG, "%s: the setting is missing; it has no default",
                           c->spec->rows[i].key);
        c->values[i] = xstrdup(def ? def : "");
    }
    return ERR_OK;
}

struct config *config_read(const struct config_spec *spec, int argc, char **argv, enum config_ask *ask,
                           struct err *err) {
    struct config *c = xcalloc(1, sizeof *c);
    c->spec = spec;
    while (spec->rows[c->nrows].key)
        c->nrows++;
    c->values = xcalloc(c->nrows + 1, sizeof *c->values);
    c->rest = xcalloc((size_t)argc + 1, sizeof *c->rest);
    *ask = CONFIG_RUN;

    const char *from_env = getenv("USHER_CONFIG");
    char *file = from_env && *from_env ? xstrdup(from_env) : NULL;
    enum err_code code = read_flags(c, argc, argv, ask, &file, err);
    if (code == ERR_OK && file != NULL)
        code = read_file(c, file, err);
    if (code == ERR_OK)
        code = read_environment(c, err);
    if (code == ERR_OK)
        code = read_flags(c, argc, argv, ask, NULL, err);
    if (code == ERR_OK)
        code = set_defaults(c, *ask == CONFIG_HELP || *ask == CONFIG_VERSION, err);
    free(file);
    if (code == ERR_OK)
        return c;
    config_free(c);
    return NULL;
}

void config_free(struct config *c) {
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->nrows; i++)
        free(c->values[i]);
    for (size_t i = 0; i < c->npassed; i++) {
        free(c->passed[i].key);
        free(c->passed[i].value);
    }
    free(c->stranger);
    free(c->values);
    free(c->passed);
    free(c->rest);
    free(c);
}

void config_rest(const struct config *c, char ***rest, int *nrest) {
    *rest = c->rest;
    *nrest = c->nrest;
}

static void print_help(const struct config *c) {
    printf("%s %s\n\nSettings, each as flag --key VALUE, as environment variable USHER_KEY, or as `key = "
           "value` in the file of\n"
           "--config FILE. Also: --check-config, --version, --help.\n\n",
           c->spec->program, usher_version);
    for (size_t i = 0; i < c->nrows; i++) {
        const struct config_row *row = &c->spec->rows[i];
        printf("  %-18s %s", row->key, row->help);
        if (row->def == NULL)
            printf(" (required)");
        else if (*row->def != '\0')
            printf(" (%s)", row->def);
        printf("\n");
    }
    if (c->spec->pass != NULL)
        printf("  %s%-*s %s\n", c->spec->pass->prefix, 18 - (int)strlen(c->spec->pass->prefix), "*",
               c->spec->pass->help);
}

static void refuse_and_exit(const char *program, enum config_ask ask, const struct err *err) {
    fprintf(stderr, "%s: %s\n", program, err_text(err));
    exit(ask == CONFIG_CHECK ? 1 : 2);
}

/* What config_load gave out lives as long as the process, and this says so to leak checkers. */
static const struct config *volatile for_ever;

/* What can only be judged together, and, for --check-config, by opening it. */
static enum err_code judge_all(const struct config *c, enum config_ask ask, struct err *err) {
    const struct config_spec *spec = c->spec;
    if (spec->judge != NULL && spec->judge(c, err) != ERR_OK)
        return err->code;
    if (ask != CONFIG_CHECK)
        return ERR_OK;
    if (c->stranger != NULL)
        return err_set(err, ERR_CONFIG, "%s is no setting of %s (environment)", c->stranger, spec->program);
    return spec->pass != NULL && spec->pass->open != NULL ? spec->pass->open(c, err) : ERR_OK;
}

static void tell_doubt(const struct config *c) {
    char why[400];
    const struct config_pass *pass = c->spec->pass;
    if (pass != NULL && pass->doubt != NULL && pass->doubt(c, why, sizeof why))
        fprintf(stderr, "%s: warning: %s\n", c->spec->program, why);
}

struct config *config_load(const struct config_spec *spec, int argc, char **argv) {
    struct err err = {0};
    enum config_ask ask;
    struct config *c = config_read(spec, argc, argv, &ask, &err);
    for_ever = c;
    if (c == NULL)
        refuse_and_exit(spec->program, ask, &err);
    bool judged = ask == CONFIG_CHECK || ask == CONFIG_RUN;
    if (judged && c->nrest > 0)
        (void)err_set(&err, ERR_CONFIG, "unexpected argument \"%s\"", c->rest[0]);
    if (judged && (err.code != ERR_OK || judge_all(c, ask, &err) != ERR_OK))
        refuse_and_exit(spec->program, ask, &err);
    switch (ask) {
    case CONFIG_HELP:
        print_help(c);
        exit(0);
    case CONFIG_VERSION:
        printf("%s %s\n", spec->program, usher_version);
        exit(0);
    case CONFIG_CHECK:
        tell_doubt(c);
        puts("ok");
        exit(0);
    case CONFIG_RUN:
        break;
    }
    return c;
}

/* A key that the table does not have is a mistake in the program. */
static const char *value_of(const struct config *c, const char *key) {
    int i = row_find(c, key);
    if (i < 0) {
        fprintf(stderr, "no such setting in the table: %s\n", key);
        abort();
    }
    return c->values[i];
}

const char *config_str(const struct config *c, const char *key) {
    return value_of(c, key);
}

long config_int(const struct config *c, const char *key) {
    return strtol(value_of(c, key), NULL, 10);
}

bool config_bool(const struct config *c, const char *key) {
    bool truth = false;
    parse_bool(value_of(c, key), &truth);
    return truth;
}

void config_each(const struct config *c, const char *prefix,
                 void (*fn)(const char *key, const char *value, void *ctx), void *ctx) {
    size_t n = strlen(prefix);
    for (size_t i = 0; i < c->npassed; i++)
        if (strncmp(c->passed[i].key, prefix, n) == 0)
            fn(c->passed[i].key + n, c->passed[i].value, ctx);
}

void config_log(const struct config *c) {
    struct jbuf line = {0};
    char quoted[256];
    for (size_t i = 0; i < c->nrows; i++) {
        const char *shown = c->spec->rows[i].secret && *c->values[i] ? "***" : c->values[i];
        jb_printf(&line, "%s%s=%s", line.n ? " " : "", c->spec->rows[i].key,
                  log_quote(shown, quoted, sizeof quoted));
    }
    /* Library settings may hold passwords, so only their names are shown. */
    for (size_t i = 0; i < c->npassed; i++)
        jb_printf(&line, " %s=set", c->passed[i].key);
    log_event(LOG_INFO, "settings", "%s", line.n ? line.p : "");
    if (c->retired != NULL)
        log_event(LOG_WARN, "setting-retired", "setting=%s has no meaning any more; take it out", c->retired);
    if (c->stranger != NULL)
        log_event(LOG_WARN, "setting-unknown", "variable=%s is no setting of %s", c->stranger,
                  c->spec->program);
    char why[400], doubt[600];
    const struct config_pass *pass = c->spec->pass;
    if (pass != NULL && pass->doubt != NULL && pass->doubt(c, why, sizeof why))
        log_event(LOG_WARN, "setting-doubtful", "reason=%s", log_quote(why, doubt, sizeof doubt));
    jb_free(&line);
}
