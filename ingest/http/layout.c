#include "ingest/http/layout.h"

#include <stdint.h>
#include <string.h>

/* Bytes from one piece to the next; 0 if the next does not lie behind it. Addresses are compared as numbers,
 * because a piece that was moved is no part of the same text. */
static size_t distance(const char *from, const char *to) {
    return (uintptr_t)to > (uintptr_t)from ? (size_t)((uintptr_t)to - (uintptr_t)from) : 0;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* The library has put a NUL in place of the one blank. */
static bool is_single_blank(const char *from, const char *to) {
    return distance(from, to) == 1 && from[0] == '\0';
}

/* A colon, which is a NUL now, and blanks. */
static bool is_colon(const char *from, const char *to) {
    size_t n = distance(from, to);
    if (n == 0 || from[0] != '\0')
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_blank(from[i]))
            return false;
    return true;
}

/* CR and LF. The first byte behind a piece is a NUL now: the CR, or the first of the blanks before it; 0.9.75
 * makes one of the LF too, and keeps blanks as a part of the value. */
static bool is_line_end(const char *from, const char *to) {
    size_t n = distance(from, to);
    if (n < 2 || from[0] != '\0')
        return false;
    if (n == 2)
        return from[1] == '\0' || from[1] == '\n';
    for (size_t i = 1; i < n - 2; i++)
        if (!is_blank(from[i]))
            return false;
    return from[n - 2] == '\r' && from[n - 1] == '\n';
}

/* The empty line, of which nothing was cut: it may be NULs now or what it was. */
static bool is_empty_line(const char *p) {
    return (p[0] == '\r' || p[0] == '\0') && (p[1] == '\n' || p[1] == '\0');
}

bool layout_is_whole(const struct layout *l) {
    if (l->target == NULL || !is_single_blank(l->method + strlen(l->method), l->target) ||
        !is_single_blank(l->target + l->target_len, l->version))
        return false;
    const char *behind = l->version + strlen(l->version);
    for (size_t i = 0; i < l->nheaders; i++) {
        const struct guard_header *h = &l->headers[i];
        if (!is_line_end(behind, h->name) || !is_colon(h->name + h->name_len, h->value))
            return false;
        behind = h->value + h->value_len;
    }
    const char *end = l->method + l->bytes;
    return distance(behind, end) >= 4 && is_line_end(behind, end - 2) && is_empty_line(end - 2);
}
