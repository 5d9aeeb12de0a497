#include "ingest/etag.h"

#include <stdlib.h>
#include <string.h>

#define TAGS_MAX 256 /* in one request; the others match nothing */

/* The opaque text of a tag of ours: a version, as resource_etag writes it. */
static bool version_of(const char *p, size_t n, int64_t *version) {
    int64_t v = 0;
    if (n == 0 || n > 18 || p[0] == '0')
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (p[i] - '0');
    }
    *version = v;
    return true;
}

static const char *skip_blanks(const char *p) {
    return p + strspn(p, " \t");
}

/* One element of the list, up to its comma. False: nothing of ours. */
static bool take_tag(const char **at, int64_t *version) {
    const char *p = *at;
    bool ours = false;
    if (strncmp(p, "W/", 2) == 0)
        p += 2;
    if (*p == '"') {
        const char *end = strchr(p + 1, '"');
        if (end != NULL) {
            ours = version_of(p + 1, (size_t)(end - p - 1), version);
            p = skip_blanks(end + 1);
        }
    }
    ours = ours && (*p == ',' || *p == '\0');
    *at = p + strcspn(p, ",");
    return ours;
}

void etag_parse(const char *text, struct arena *a, struct etag_list *out) {
    int64_t found[TAGS_MAX];
    *out = (struct etag_list){0};
    const char *p = skip_blanks(text);
    if (p[0] == '*' && *skip_blanks(p + 1) == '\0') {
        out->any = true;
        return;
    }
    for (; *p != '\0' && out->n < TAGS_MAX; p = skip_blanks(p)) {
        if (*p == ',')
            p++;
        else if (take_tag(&p, &found[out->n]))
            out->n++;
    }
    out->versions = arena_alloc(a, (out->n + 1) * sizeof *out->versions);
    memcpy(out->versions, found, out->n * sizeof *found);
}

bool etag_matches(const struct etag_list *l, int64_t version) {
    for (size_t i = 0; i < l->n; i++)
        if (l->versions[i] == version)
            return true;
    return l->any;
}

json_t *etag_versions(const struct etag_list *l) {
    json_t *list = json_array();
    for (size_t i = 0; i < l->n; i++)
        if (json_array_append_new(list, json_integer(l->versions[i])) != 0)
            abort();
    return list;
}
