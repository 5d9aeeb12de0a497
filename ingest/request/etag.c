#include "ingest/request/etag.h"

#include <stdlib.h>
#include <string.h>

/* Of one request; further tags match nothing. */
#define TAGS_MAX 256

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool refs_of(const char *p, size_t n, uint32_t *refs) {
    uint32_t v = 0;
    if (n != 8)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i]) && (p[i] < 'a' || p[i] > 'f'))
            return false;
        v = v << 4 | (uint32_t)(is_digit(p[i]) ? p[i] - '0' : p[i] - 'a' + 10);
    }
    *refs = v;
    return v != 0;
}

/* The text inside a tag that resource_row_etag has written. */
static bool tag_of(const char *p, size_t n, struct etag *tag) {
    size_t digits = 0;
    *tag = (struct etag){0};
    while (digits < n && is_digit(p[digits]))
        digits++;
    if (digits == 0 || digits > 18 || p[0] == '0')
        return false;
    for (size_t i = 0; i < digits; i++)
        tag->version = tag->version * 10 + (p[i] - '0');
    return digits == n || (p[digits] == '.' && refs_of(p + digits + 1, n - digits - 1, &tag->refs));
}

static const char *tag_skip_blanks(const char *p) {
    return p + strspn(p, " \t");
}

/* One element of the list, up to its comma. False: no tag that usher makes. */
static bool take_tag(const char **at, struct etag *tag) {
    const char *p = *at;
    bool ours = false;
    if (strncmp(p, "W/", 2) == 0)
        p += 2;
    if (*p == '"') {
        const char *end = strchr(p + 1, '"');
        if (end != NULL) {
            ours = tag_of(p + 1, (size_t)(end - p - 1), tag);
            p = tag_skip_blanks(end + 1);
        }
    }
    ours = ours && (*p == ',' || *p == '\0');
    *at = p + strcspn(p, ",");
    return ours;
}

void etag_parse(const char *text, struct arena *a, struct etag_list *out) {
    struct etag found[TAGS_MAX];
    *out = (struct etag_list){0};
    const char *p = tag_skip_blanks(text);
    if (p[0] == '*' && *tag_skip_blanks(p + 1) == '\0') {
        out->any = true;
        return;
    }
    for (; *p != '\0' && out->n < TAGS_MAX; p = tag_skip_blanks(p)) {
        if (*p == ',')
            p++;
        else if (take_tag(&p, &found[out->n]))
            out->n++;
    }
    out->tags = arena_alloc(a, (out->n + 1) * sizeof *out->tags);
    memcpy(out->tags, found, out->n * sizeof *found);
}

bool etag_matches(const struct etag_list *l, int64_t version, uint32_t refs) {
    for (size_t i = 0; i < l->n; i++)
        if (l->tags[i].version == version && l->tags[i].refs == refs)
            return true;
    return l->any;
}

json_t *etag_versions(const struct etag_list *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++)
        if (json_array_append_new(list, json_integer(l->tags[i].version)) != 0)
            abort();
    return list;
}
