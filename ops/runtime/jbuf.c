#include "ops/runtime/jbuf.h"

#include "ops/runtime/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more bytes and the final NUL. */
static char *reserve(struct jbuf *b, size_t n) {
    if (b->cap - b->n <= n) {
        size_t cap = b->cap ? b->cap : 256;
        while (cap - b->n <= n)
            cap *= 2;
        b->p = xrealloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->n;
}

void jb_reserve(struct jbuf *b, size_t n) {
    if (b->cap > n)
        return;
    b->p = xrealloc(b->p, n + 1);
    b->cap = n + 1;
}

void jb_free(struct jbuf *b) {
    free(b->p);
    *b = (struct jbuf){0};
}

void jb_reset(struct jbuf *b) {
    b->n = 0;
    if (b->p != NULL)
        b->p[0] = 0;
}

char *jb_take(struct jbuf *b) {
    char *text = b->p != NULL ? b->p : xstrdup("");
    *b = (struct jbuf){0};
    return text;
}

void jb_mem(struct jbuf *b, const char *s, size_t n) {
    char *to = reserve(b, n);
    if (n)
        memcpy(to, s, n);
    to[n] = 0;
    b->n += n;
}

void jb_raw(struct jbuf *b, const char *s) {
    jb_mem(b, s, strlen(s));
}

void jb_printf(struct jbuf *b, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    size_t left = b->cap - b->n;
    int n = vsnprintf(left ? b->p + b->n : NULL, left, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    if ((size_t)n >= left)
        vsnprintf(reserve(b, (size_t)n), (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
}

/* How a byte is written inside a JSON string (RFC 8259 section 7): 0 as it is, 1 as \u00XX, else as a
 * backslash and this letter. */
static const char escapes[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 'b', 't', 'n', 1, 'f',         'r',           1,          1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1,   1,   1,   1, ['"'] = '"', ['\\'] = '\\', [0x7f] = 1,
};

void jb_strn(struct jbuf *b, const char *s, size_t n) {
    char *to = reserve(b, n + 2);
    *to++ = '"';
    b->n++;
    size_t done = 0;
    while (done < n) {
        /* The fast path: bytes that need no escape are copied in one piece. */
        size_t run = done;
        while (run < n && !escapes[(unsigned char)s[run]])
            run++;
        if (run > done) {
            jb_mem(b, s + done, run - done);
            done = run;
        }
        if (done < n) {
            unsigned char c = (unsigned char)s[done++];
            if (escapes[c] == 1) {
                static const char hex[] = "0123456789abcdef";
                char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
                jb_mem(b, u, sizeof u);
            } else {
                char two[2] = {'\\', escapes[c]};
                jb_mem(b, two, sizeof two);
            }
        }
    }
    jb_mem(b, "\"", 1);
}

void jb_str(struct jbuf *b, const char *s) {
    if (s != NULL)
        jb_strn(b, s, strlen(s));
    else
        jb_mem(b, "null", 4);
}

void jb_int(struct jbuf *b, int64_t v) {
    char digits[24], *p = digits + sizeof digits;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *--p = '-';
    jb_mem(b, p, (size_t)(digits + sizeof digits - p));
}

void jb_bool(struct jbuf *b, bool v) {
    if (v)
        jb_mem(b, "true", 4);
    else
        jb_mem(b, "false", 5);
}

void jb_sep(struct jbuf *b) {
    if (b->n == 0)
        return;
    char last = b->p[b->n - 1];
    if (last != '{' && last != '[' && last != ':')
        jb_mem(b, ",", 1);
}

void jb_key(struct jbuf *b, const char *name) {
    jb_sep(b);
    jb_str(b, name);
    jb_mem(b, ":", 1);
}

void jb_kstr(struct jbuf *b, const char *name, const char *value) {
    jb_key(b, name);
    jb_str(b, value);
}

void jb_kint(struct jbuf *b, const char *name, int64_t value) {
    jb_key(b, name);
    jb_int(b, value);
}

void jb_kbool(struct jbuf *b, const char *name, bool value) {
    jb_key(b, name);
    jb_bool(b, value);
}

void jb_kraw(struct jbuf *b, const char *name, const char *json) {
    jb_key(b, name);
    jb_raw(b, json != NULL ? json : "null");
}
