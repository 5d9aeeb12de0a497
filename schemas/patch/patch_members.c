/* Operations on a room's members, which are rows and not part of the document. */
#include "schemas/patch/patch_impl.h"

#include "ops/runtime/id.h"

#include <string.h>

static void add_id(struct member_delta *d, struct arena *a, const char *text) {
    struct uuid id;
    const char *canonical = uuid_parse(text, &id) ? arena_strdup(a, id.s) : text;
    for (size_t i = 0; i < d->nids; i++)
        if (strcmp(d->ids[i], canonical) == 0)
            return;
    d->ids[d->nids++] = canonical;
}

static void collect_ids(const struct filter *f, struct member_delta *d, struct arena *a) {
    if (f->kind == FILTER_OR) {
        collect_ids(f->left, d, a);
        collect_ids(f->right, d, a);
    } else {
        add_id(d, a, f->value.text); /* at most FILTER_MAX_TERMS of them */
    }
}

static void delta_by_filter(const struct filter *f, struct arena *a, struct member_delta *d) {
    size_t n = patch_filter_ids(f);
    if (n == 0) {
        d->kind = MEMBER_REMOVE_IF;
        d->filter = f;
        return;
    }
    d->kind = MEMBER_REMOVE;
    d->ids = arena_alloc(a, n * sizeof *d->ids);
    collect_ids(f, d, a);
}

void patch_member_delta(const struct patch_step *s, struct arena *a, struct member_delta *out) {
    *out = (struct member_delta){.kind = MEMBER_REMOVE};
    if (s->path.filter != NULL) {
        delta_by_filter(s->path.filter, a, out);
        return;
    }
    if (s->op == PATCH_REMOVE && s->value == NULL) {
        out->kind = MEMBER_REMOVE_ALL;
        return;
    }
    if (s->op != PATCH_REMOVE)
        out->kind = s->op == PATCH_ADD ? MEMBER_ADD : MEMBER_SET;
    size_t n = json_array_size(s->value);
    out->ids = arena_alloc(a, (n + 1) * sizeof *out->ids);
    for (size_t i = 0; i < n; i++) { /* distinct and in canonical form since patch_normalise */
        const char *id = json_string_value(json_array_get(s->value, i));
        if (id != NULL)
            out->ids[out->nids++] = arena_strdup(a, id);
    }
}
