#include "ops/runtime/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    enum err_class class;
    int http;
    const char *scim;
    const char *text;
};

static const struct row rows[ERR_COUNT] = {
#define ERR_ROW(sym, class, http, scim, text) [ERR_##sym] = {#sym, ERR_CLASS_##class, http, scim, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

static const struct row *row_of(enum err_code code) {
    return &rows[(unsigned)code < ERR_COUNT ? code : ERR_INTERNAL];
}

/* Texts go into JSON: a text that was cut at its end, or inside by a precision, must not leave half a
 * character. Bytes that belong to no UTF-8 character become '?'. */
static void whole_characters(char *s) {
    for (unsigned char *p = (unsigned char *)s; *p != '\0';) {
        size_t n = *p < 0x80                 ? 1
                   : *p >= 0xc2 && *p < 0xe0 ? 2
                   : *p >= 0xe0 && *p < 0xf0 ? 3
                   : *p >= 0xf0 && *p < 0xf5 ? 4
                                             : 0;
        for (size_t i = 1; i < n; i++)
            if ((p[i] & 0xc0) != 0x80)
                n = 0;
        if (n == 0) {
            *p = '?';
            n = 1;
        }
        p += n;
    }
}

static void fill(struct err *err, enum err_code code, const char *path, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void fill(struct err *err, enum err_code code, const char *path, const char *fmt, va_list ap) {
    if (err == NULL)
        return;
    /* The arguments may point into *err itself, where an error is told again with more words. So both texts
     * are made in buffers of their own first. */
    struct err made = {.code = code};
    vsnprintf(made.detail, sizeof made.detail, fmt, ap);
    if (path != NULL)
        snprintf(made.path, sizeof made.path, "%s", path);
    whole_characters(made.detail);
    whole_characters(made.path);
    *err = made;
}

enum err_code err_set(struct err *err, enum err_code code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, NULL, fmt, ap);
    va_end(ap);
    return code;
}

enum err_code err_set_path(struct err *err, enum err_code code, const char *path, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(err, code, path, fmt, ap);
    va_end(ap);
    return code;
}

void err_clear(struct err *err) {
    if (err != NULL)
        *err = (struct err){.code = ERR_OK};
}

enum err_class err_class(enum err_code code) {
    return row_of(code)->class;
}

int err_http_status(enum err_code code) {
    return row_of(code)->http;
}

const char *err_scim_type(enum err_code code) {
    return row_of(code)->scim;
}

const char *err_name(enum err_code code) {
    return row_of(code)->name;
}

const char *err_text(const struct err *err) {
    return err->detail[0] ? err->detail : row_of(err->code)->text;
}

enum err_code err_from_name(const char *name) {
    for (int i = 0; name && i < ERR_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return (enum err_code)i;
    return ERR_INTERNAL;
}
