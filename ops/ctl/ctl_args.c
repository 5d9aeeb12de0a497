#include "ops/ctl/ctl_args.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "schemas/api/workspace_settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_name(const char *given, size_t n, const char *name) {
    return strlen(name) == n && memcmp(given, name, n) == 0;
}

/* Is it a setting, and does a value follow? */
static bool is_setting(const char *name, size_t n, const struct config_row *rows, bool *valued) {
    *valued = true;
    if (same_name(name, n, "config") || (n > 6 && memcmp(name, "kafka.", 6) == 0))
        return true;
    for (const struct config_row *r = rows; r->key != NULL; r++) {
        if (same_name(name, n, r->key))
            return true;
    }
    *valued = false;
    return same_name(name, n, "check-config") || same_name(name, n, "version");
}

static enum err_code add_word(struct ctl_args *a, const char *word, struct err *err) {
    if (a->nwords == CTL_WORDS_MAX)
        return err_set(err, ERR_USAGE, "too many words: \"%s\"", word);
    a->words[a->nwords++] = word;
    return ERR_OK;
}

/* Takes --name=value, or --name and the next argument; *used = how many arguments that was. */
static enum err_code add_flag(struct ctl_args *a, char **argv, int left, int *used, struct err *err) {
    const char *name = argv[0] + 2, *eq = strchr(name, '=');
    size_t n = eq != NULL ? (size_t)(eq - name) : strlen(name);
    struct ctl_flag *flag = &a->flags[a->nflags];
    if (a->nflags == CTL_FLAGS_MAX || n >= sizeof flag->name)
        return err_set(err, ERR_USAGE, "unknown flag %s", argv[0]);
    if (eq == NULL && left < 2)
        return err_set(err, ERR_USAGE, "--%s needs a value", name);
    memcpy(flag->name, name, n);
    flag->name[n] = '\0';
    flag->value = eq != NULL ? eq + 1 : argv[1];
    *used = eq != NULL ? 1 : 2;
    a->nflags++;
    return ERR_OK;
}

static void set_output(struct ctl_args *a, enum ctl_output output) {
    a->output = output;
    a->json = output != CTL_TABLE;
}

static enum err_code choose_output(struct ctl_args *a, const char *name, struct err *err) {
    static const char *const names[] = {[CTL_TABLE] = "table", [CTL_JSON] = "json", [CTL_JSONL] = "jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) {
            set_output(a, (enum ctl_output)i);
            return ERR_OK;
        }
    }
    return err_set(err, ERR_USAGE, "-o: \"%s\" is not table, json or jsonl", name);
}

static enum err_code take_one(struct ctl_args *a, char **argv, int left, const struct config_row *rows,
                              int *used, struct err *err) {
    bool valued;
    *used = 1;
    if (strcmp(argv[0], "--json") == 0) {
        set_output(a, CTL_JSON);
    } else if (strcmp(argv[0], "-o") == 0 || strcmp(argv[0], "--output") == 0) {
        *used = left > 1 ? 2 : 1;
        return choose_output(a, left > 1 ? argv[1] : "", err);
    } else if (strncmp(argv[0], "--output=", 9) == 0) {
        return choose_output(a, argv[0] + 9, err);
    } else if (strcmp(argv[0], "--yes") == 0 || strcmp(argv[0], "-y") == 0) {
        a->yes = true;
    } else if (strcmp(argv[0], "--far") == 0) {
        a->far = true;
    } else if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        a->help = true;
    } else if (strncmp(argv[0], "--", 2) != 0) {
        return add_word(a, argv[0], err);
    } else if (is_setting(argv[0] + 2, strcspn(argv[0] + 2, "="), rows, &valued)) {
        a->settings[a->nsettings++] = argv[0];
        if (valued && strchr(argv[0], '=') == NULL && left > 1) {
            a->settings[a->nsettings++] = argv[1];
            *used = 2;
        }
    } else {
        return add_flag(a, argv, left, used, err);
    }
    return ERR_OK;
}

enum err_code ctl_args_split(int argc, char **argv, const struct config_row *rows, struct ctl_args *a,
                             struct err *err) {
    memset(a, 0, sizeof *a);
    a->settings = xcalloc((size_t)argc + 2, sizeof *a->settings); /* room for --help and the end */
    if (argc > 0)
        a->settings[a->nsettings++] = argv[0];
    /* It goes on after an error, so that a later --json still decides how the error is shown. */
    enum err_code first = ERR_OK;
    for (int i = 1, used; i < argc; i += used) {
        struct err ignored;
        enum err_code code = take_one(a, argv + i, argc - i, rows, &used, first == ERR_OK ? err : &ignored);
        if (first == ERR_OK)
            first = code;
    }
    return first;
}

enum err_code ctl_args_check(const struct ctl_args *a, const char *const *allowed, struct err *err) {
    for (size_t i = 0; i < a->nflags; i++) {
        size_t k = 0;
        while (allowed[k] != NULL && strcmp(allowed[k], a->flags[i].name) != 0)
            k++;
        if (allowed[k] == NULL)
            return err_set(err, ERR_USAGE, "unknown flag --%s", a->flags[i].name);
        for (k = 0; k < i; k++) {
            if (strcmp(a->flags[k].name, a->flags[i].name) == 0)
                return err_set(err, ERR_USAGE, "--%s is given twice", a->flags[i].name);
        }
    }
    return ERR_OK;
}

const char *ctl_flag(const struct ctl_args *a, const char *name) {
    for (size_t i = 0; i < a->nflags; i++) {
        if (strcmp(a->flags[i].name, name) == 0)
            return a->flags[i].value;
    }
    return NULL;
}

enum err_code ctl_flag_required(const struct ctl_args *a, const char *name, const char **value,
                                struct err *err) {
    *value = ctl_flag(a, name);
    if (*value == NULL || **value == '\0')
        return err_set(err, ERR_USAGE, "--%s is needed", name);
    return ERR_OK;
}

/* Decimal digits only: no sign, blank or other base. */
static bool parse_digits(const char *text, size_t n, int64_t *out) {
    char buf[24], *end;
    if (n == 0 || n >= sizeof buf || strspn(text, "0123456789") < n)
        return false;
    memcpy(buf, text, n);
    buf[n] = '\0';
    errno = 0;
    *out = strtoll(buf, &end, 10);
    return errno == 0 && *end == '\0';
}

enum err_code ctl_value_int(const char *name, const char *text, int64_t min, int64_t max, int64_t *out,
                            struct err *err) {
    if (!parse_digits(text, strlen(text), out) || *out < min || *out > max)
        return err_set(err, ERR_USAGE, "--%s: \"%s\" is not a whole number from %" PRId64 " to %" PRId64,
                       name, text, min, max);
    return ERR_OK;
}

enum err_code ctl_value_rate(const char *text, int64_t *out, struct err *err) {
    const struct workspace_setting *rate = workspace_setting_of("rate");
    *out = CTL_RATE_IPSIE;
    return strcmp(text, "ipsie") == 0 ? ERR_OK : ctl_value_int("rate", text, rate->min, rate->max, out, err);
}

enum err_code ctl_value_bool(const char *name, const char *text, bool *out, struct err *err) {
    *out = strcmp(text, "true") == 0;
    if (!*out && strcmp(text, "false") != 0)
        return err_set(err, ERR_USAGE, "--%s: \"%s\" is neither true nor false", name, text);
    return ERR_OK;
}

enum err_code ctl_value_choice(const char *name, const char *text, const char *const *choices,
                               struct err *err) {
    char list[200] = "";
    for (size_t i = 0; choices[i] != NULL; i++) {
        size_t n = strlen(list);
        if (strcmp(choices[i], text) == 0)
            return ERR_OK;
        snprintf(list + n, sizeof list - n, "%s%s", i > 0 ? ", " : "", choices[i]);
    }
    return err_set(err, ERR_USAGE, "--%s: \"%s\" is not one of %s", name, text, list);
}

static bool parse_span(const char *text, int64_t *us) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}};
    size_t n = strlen(text);
    int64_t count;
    if (n < 2 || !parse_digits(text, n - 1, &count) || count > 36500)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text[n - 1] == units[i].unit) {
            *us = count * units[i].seconds * 1000000;
            return true;
        }
    }
    return false;
}

enum err_code ctl_value_expiry(const char *name, const char *text, int64_t now_us, int64_t *out,
                               struct err *err) {
    int64_t span;
    if (parse_span(text, &span))
        *out = now_us + span;
    else if (!rfc3339_parse(text, out))
        return err_set(err, ERR_USAGE,
                       "--%s: \"%s\" is neither a time like 2027-01-31T00:00:00Z nor a span like 30d", name,
                       text);
    if (*out <= now_us)
        return err_set(err, ERR_USAGE, "--%s: \"%s\" is not in the future", name, text);
    return ERR_OK;
}

enum err_code ctl_value_name(const char *what, const char *name, struct err *err) {
    enum err_code code = workspace_name_check(what, name, err);
    return code == ERR_OK ? ERR_OK : (err->code = ERR_USAGE);
}
