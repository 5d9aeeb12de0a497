#include "tests/support/case_names.h"

#include "ops/runtime/jbuf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH 12
#define ID 36 /* characters of an id */

static bool is_name_char(char c) {
    return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '-';
}

static size_t name_length(const char *p) {
    size_t n = 0;
    while (is_name_char(p[n]))
        n++;
    return n;
}

/* "616e6100-0000-7000-8000-000000000000": the first six characters, then the others. */
static void put_id(struct jbuf *out, const char *name, size_t n) {
    unsigned char b[NAME_MAX_LENGTH] = {0};
    memcpy(b, name, n);
    jb_printf(out, "%02x%02x%02x%02x-%02x%02x-7000-8000-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
              b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11]);
}

/* The name that the UUID at p spells; false: none. */
static bool read_name(const char *p, char name[NAME_MAX_LENGTH + 1]) {
    static const int at[NAME_MAX_LENGTH] = {0, 2, 4, 6, 9, 11, 24, 26, 28, 30, 32, 34};
    if (strnlen(p, ID) < ID || strncmp(p + 13, "-7000-8000-", 11) != 0 || p[8] != '-')
        return false;
    for (int i = 0; i < NAME_MAX_LENGTH; i++) {
        unsigned c;
        if (sscanf(p + at[i], "%2x", &c) != 1 || (c != 0 && !is_name_char((char)c)))
            return false;
        name[i] = (char)c;
    }
    name[NAME_MAX_LENGTH] = '\0';
    return name[0] != '\0';
}

static void expand(const char *p, struct jbuf *out) {
    for (; *p != '\0'; p++) {
        size_t n = *p == '#' ? name_length(p + 1) : 0;
        if (n == 0 || n > NAME_MAX_LENGTH) {
            jb_mem(out, p, 1);
            continue;
        }
        put_id(out, p + 1, n);
        p += n;
    }
}

static void shorten(const char *p, struct jbuf *out) {
    char name[NAME_MAX_LENGTH + 1];
    for (; *p != '\0'; p++) {
        if (!read_name(p, name)) {
            jb_mem(out, p, 1);
            continue;
        }
        jb_printf(out, "#%s", name);
        p += ID - 1;
    }
}

/* UUIDs and names have no character that JSON escapes, so it is done in the text of the whole. */
static json_t *translate(const json_t *v, void (*how)(const char *p, struct jbuf *out)) {
    struct jbuf out = {0};
    json_error_t at;
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    how(text, &out);
    json_t *back = json_loads(out.p, JSON_DECODE_ANY, &at);
    if (back == NULL)
        abort();
    free(text);
    jb_free(&out);
    return back;
}

json_t *case_names_to_ids(const json_t *v) {
    return translate(v, expand);
}

json_t *case_ids_to_names(const json_t *v) {
    return translate(v, shorten);
}
