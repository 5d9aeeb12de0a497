#include "ops/runtime/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *not_null(void *p) {
    if (p == NULL) {
        static const char text[] = "out of memory\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
        abort();
    }
    return p;
}

void *xmalloc(size_t n) {
    return not_null(malloc(n ? n : 1));
}

void *xcalloc(size_t count, size_t size) {
    return not_null(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n) {
    return not_null(realloc(p, n ? n : 1));
}

void *xreallocarray(void *p, size_t count, size_t size) {
    return not_null(reallocarray(p, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *s) {
    return not_null(strdup(s));
}

char *xstrndup(const char *s, size_t n) {
    return not_null(strndup(s, n));
}

void *xmemdup(const void *p, size_t n) {
    void *copy = xmalloc(n);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *xasprintf(const char *fmt, ...) {
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    return not_null(n < 0 ? NULL : text);
}
