#include "ops/runtime/jscan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

struct scan {
    const char *p, *end;
    int depth;
};

static bool read_value(struct scan *s, struct js_value *out);

static int peek(const struct scan *s) {
    return s->p < s->end ? (unsigned char)*s->p : -1;
}

static void skip_blanks(struct scan *s) {
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool take(struct scan *s, char c) {
    if (peek(s) != c)
        return false;
    s->p++;
    return true;
}

/* ---- texts ---- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four digits behind \u; -1: they are none. */
static int code_unit(const char *p, const char *end) {
    int unit = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static bool is_high(int unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* What an escape stands for; *pp is behind its backslash, and behind the escape afterwards. -1: it is none.
 */
static int32_t read_escape(const char **pp, const char *end) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *p = *pp;
    if (p == end)
        return -1;
    if (*p != 'u') {
        const char *letter = *p != '\0' ? strchr(letters, *p) : NULL;
        *pp = p + 1;
        return letter != NULL ? meant[letter - letters] : -1;
    }
    int unit = code_unit(p + 1, end);
    *pp = p + 5;
    if (unit < 0 || is_low(unit))
        return -1;
    if (!is_high(unit))
        return unit;
    int low = end - p >= 11 && p[5] == '\\' && p[6] == 'u' ? code_unit(p + 7, end) : -1;
    *pp = p + 11;
    return is_low(low) ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : -1;
}

/* As a value, or as a name. */
static bool read_text(struct scan *s, struct js_value *out) {
    const char *from = ++s->p, *p = from, *end = s->end;
    unsigned char bits = 0;
    bool escaped = false;
    for (;;) {
        while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
            bits |= (unsigned char)*p++;
        if (p == end || (unsigned char)*p < 0x20)
            return false;
        if (*p == '"')
            break;
        p++;
        escaped = true;
        if (read_escape(&p, end) < 0)
            return false;
    }
    *out = (struct js_value){.kind = JS_TEXT, .p = from, .n = (size_t)(p - from), .escaped = escaped};
    s->p = p + 1;
    return bits < 0x80 || u8_check((const uint8_t *)from, out->n) == NULL;
}

/* ---- numbers ---- */

static void skip_digits(struct scan *s) {
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
}

static bool some_digits(struct scan *s) {
    const char *from = s->p;
    skip_digits(s);
    return s->p > from;
}

static bool fits_int(struct js_value *v) {
    char text[32];
    if (v->n >= sizeof text)
        return false;
    memcpy(text, v->p, v->n);
    text[v->n] = '\0';
    errno = 0;
    v->number = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool fits_double(const struct js_value *v) {
    char *text = strndup(v->p, v->n);
    if (text == NULL)
        abort();
    bool fits = isfinite(strtod(text, NULL));
    free(text);
    return fits;
}

static bool read_number(struct scan *s, struct js_value *out) {
    const char *from = s->p;
    bool whole = true;
    (void)take(s, '-');
    if (!take(s, '0') && !some_digits(s))
        return false;
    if (take(s, '.')) {
        whole = false;
        if (!some_digits(s))
            return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->p++;
        whole = false;
        if (!take(s, '-'))
            (void)take(s, '+');
        if (!some_digits(s))
            return false;
    }
    *out = (struct js_value){.kind = whole ? JS_INT : JS_REAL, .p = from, .n = (size_t)(s->p - from)};
    return whole ? fits_int(out) : fits_double(out);
}

/* ---- values in values ---- */

static bool read_word(struct scan *s, const char *word, enum js_kind kind, struct js_value *out) {
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    *out = (struct js_value){.kind = kind, .p = s->p, .n = n};
    s->p += n;
    return true;
}

static bool read_list(struct scan *s) {
    struct js_value item;
    s->p++;
    skip_blanks(s);
    if (take(s, ']'))
        return true;
    for (;;) {
        skip_blanks(s);
        if (!read_value(s, &item))
            return false;
        skip_blanks(s);
        if (take(s, ']'))
            return true;
        if (!take(s, ','))
            return false;
    }
}

static bool has_nul(const struct js_value *name) {
    const char *p = name->p, *end = p + name->n;
    while (p < end)
        if (*p++ == '\\' && read_escape(&p, end) == 0)
            return true;
    return false;
}

/* The place of a name among those that are wanted, looked for from `at` on; nnames: it is not wanted. */
static size_t place_of(const struct js_value *name, const char *const *names, size_t nnames, size_t at) {
    for (size_t i = 0; i < nnames; i++) {
        size_t k = at + i < nnames ? at + i : at + i - nnames;
        if (name->escaped ? js_is(name, names[k])
                          : name->n > 0 && names[k][0] == name->p[0] &&
                                strncmp(names[k], name->p, name->n) == 0 && names[k][name->n] == '\0')
            return k;
    }
    return nnames;
}

static bool read_object(struct scan *s, const char *const *names, size_t nnames, struct js_value *out) {
    struct js_value name, value;
    size_t at = 0;
    s->p++;
    skip_blanks(s);
    if (take(s, '}'))
        return true;
    for (;;) {
        skip_blanks(s);
        if (peek(s) != '"' || !read_text(s, &name) || (name.escaped && has_nul(&name)))
            return false;
        skip_blanks(s);
        if (!take(s, ':'))
            return false;
        skip_blanks(s);
        if (!read_value(s, &value))
            return false;
        size_t k = place_of(&name, names, nnames, at);
        if (k < nnames) {
            out[k] = value;
            at = k + 1;
        }
        skip_blanks(s);
        if (take(s, '}'))
            return true;
        if (!take(s, ','))
            return false;
    }
}

static bool read_value(struct scan *s, struct js_value *out) {
    const char *from = s->p;
    int c = peek(s);
    switch (c) {
    case '"':
        return read_text(s, out);
    case 'n':
        return read_word(s, "null", JS_NULL, out);
    case 't':
        return read_word(s, "true", JS_TRUE, out);
    case 'f':
        return read_word(s, "false", JS_FALSE, out);
    case '{':
    case '[':
        if (++s->depth > JS_DEPTH_MAX || !(c == '{' ? read_object(s, NULL, 0, NULL) : read_list(s)))
            return false;
        s->depth--;
        *out =
            (struct js_value){.kind = c == '{' ? JS_OBJECT : JS_LIST, .p = from, .n = (size_t)(s->p - from)};
        return true;
    default:
        return read_number(s, out);
    }
}

bool js_members(const char *text, size_t n, const char *const *names, size_t nnames, struct js_value *out) {
    struct scan s = {.p = text, .end = text + n, .depth = 1};
    for (size_t i = 0; i < nnames; i++)
        out[i] = (struct js_value){.kind = JS_NONE};
    skip_blanks(&s);
    if (!(peek(&s) == '{' ? read_object(&s, names, nnames, out) : peek(&s) == '[' && read_list(&s)))
        return false;
    skip_blanks(&s);
    return s.p == s.end;
}

/* ---- what a text says ---- */

size_t js_unescape(const struct js_value *v, char *out, size_t size) {
    const char *p = v->p, *end = p + v->n;
    size_t n = 0;
    while (p < end) {
        uint8_t bytes[6];
        int len = 1;
        bytes[0] = (uint8_t)*p++;
        if (bytes[0] == '\\')
            len = u8_uctomb(bytes, (ucs4_t)read_escape(&p, end), sizeof bytes);
        if (n + (size_t)len < size)
            memcpy(out + n, bytes, (size_t)len);
        n += (size_t)len;
    }
    if (n < size)
        out[n] = '\0';
    return n;
}

char *js_text(const struct js_value *v, struct arena *a) {
    if (v->kind != JS_TEXT)
        return NULL;
    if (!v->escaped)
        return arena_strndup(a, v->p, v->n);
    char *text = arena_alloc(a, v->n + 1); /* no escape is shorter than what it stands for */
    (void)js_unescape(v, text, v->n + 1);
    return text;
}

bool js_is(const struct js_value *v, const char *text) {
    size_t n = strlen(text);
    char said[64];
    if (v->kind != JS_TEXT)
        return false;
    if (!v->escaped)
        return v->n == n && memcmp(v->p, text, n) == 0;
    return js_unescape(v, said, sizeof said) == n && n < sizeof said && memcmp(said, text, n) == 0;
}
