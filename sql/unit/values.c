/* Values by which resources are looked up, and which of them nobody else may have: rows of resource_keys,
 * derived from the documents. What is unique is decided here, while the workspace is locked; the index behind
 * it only makes sure. */
#include "schemas/resource/resource_keys.h"
#include "sql/unit/unit_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the keys of a document ---- */

struct collection {
    struct arena *arena;
    struct unit_keys *keys;
};

static void collect(const char *path, const char *key, bool unique, void *ctx) {
    struct collection *c = ctx;
    struct unit_keys *k = c->keys;
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 4;
        struct unit_key_row *rows = arena_alloc(c->arena, cap * sizeof *rows);
        if (k->n)
            memcpy(rows, k->rows, k->n * sizeof *rows);
        k->rows = rows;
        k->cap = cap;
    }
    k->rows[k->n++] =
        (struct unit_key_row){arena_strdup(c->arena, path), arena_strdup(c->arena, key), unique};
}

static int compare_rows(const void *x, const void *y) {
    const struct unit_key_row *a = x, *b = y;
    int c = strcmp(a->path, b->path);
    return c ? c : strcmp(a->key, b->key);
}

static const struct unit_keys *keys_of(struct unit *u, const struct resource_type *rt, const json_t *doc) {
    struct unit_keys *k = arena_alloc(u->arena, sizeof *k);
    struct collection c = {u->arena, k};
    if (doc != NULL)
        resource_keys_each(rt, doc, collect, &c);
    if (k->n > 1)
        qsort(k->rows, k->n, sizeof *k->rows, compare_rows);
    size_t kept = 0;
    for (size_t i = 0; i < k->n; i++)
        if (kept == 0 || compare_rows(&k->rows[kept - 1], &k->rows[i]) != 0)
            k->rows[kept++] = k->rows[i];
    k->n = kept;
    return k;
}

/* Walks two sorted lists: fn(row of a that b lacks, true), fn(row of b that a lacks, false). */
static void compare_keys(const struct unit_keys *a, const struct unit_keys *b,
                         void (*fn)(const struct unit_key_row *row, bool gone, void *ctx), void *ctx) {
    size_t i = 0, k = 0;
    while (i < a->n || k < b->n) {
        int c = i == a->n ? 1 : k == b->n ? -1 : compare_rows(&a->rows[i], &b->rows[k]);
        if (c < 0)
            fn(&a->rows[i], true, ctx);
        else if (c > 0)
            fn(&b->rows[k], false, ctx);
        i += c <= 0;
        k += c >= 0;
    }
}

/* ---- who has a unique value ---- */

/* Neither a type's name nor a path has a line break, so no two values share an entry. */
static const char *value_name(struct unit *u, const char *type, const char *path) {
    return arena_printf(u->arena, "%s %s\n", type, path);
}

struct unit_value *unit_value_find(struct unit *u, const struct unit_workspace *w, const char *type,
                                   const char *path, const char *key) {
    return unit_find(u, UNIT_VALUES, w, value_name(u, type, path), key);
}

struct unit_value *unit_value_enter(struct unit *u, const struct unit_workspace *w, const char *type,
                                    const char *path, const char *key) {
    struct unit_value *v = arena_alloc(u->arena, sizeof *v);
    unit_enter(u, UNIT_VALUES, w, value_name(u, type, path), key, v);
    return v;
}

static void want_value(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                       const struct unit_key_row *row) {
    if (row->unique && unit_value_find(u, w, rt->name, row->path, row->key) == NULL)
        unit_want(u, UNIT_VALUES,
                  (struct want){.workspace = w, .a = rt->name, .b = row->path, .c = row->key});
}

void unit_want_values(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                      const json_t *doc) {
    if (!resource_type_keeps_unique(rt))
        return;
    const struct unit_keys *k = keys_of(u, rt, doc);
    for (size_t i = 0; i < k->n; i++)
        want_value(u, w, rt, &k->rows[i]);
}

bool unit_value_taken(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                      const json_t *doc, const struct unit_resource *except, const char **path) {
    if (!resource_type_keeps_unique(rt))
        return false;
    const struct unit_keys *k = keys_of(u, rt, doc);
    for (size_t i = 0; i < k->n; i++)
        want_value(u, w, rt, &k->rows[i]);
    if (u->nwants[UNIT_VALUES] > 0 && !unit_fetch_wanted(u))
        return true;
    for (size_t i = 0; i < k->n; i++) {
        const struct unit_key_row *row = &k->rows[i];
        const struct unit_value *v =
            row->unique ? unit_value_find(u, w, rt->name, row->path, row->key) : NULL;
        if (v != NULL && v->holder[0] && !(except != NULL && strcmp(v->holder, except->id) == 0)) {
            *path = row->path;
            return true;
        }
    }
    return false;
}

/* ---- changes ---- */

struct move {
    struct unit *unit;
    const struct unit_resource *resource;
};

/* An entry that is made here is newer than the database, which is not asked any more. */
static void move_value(const struct unit_key_row *row, bool gone, void *ctx) {
    const struct move *m = ctx;
    const struct unit_resource *r = m->resource;
    if (!row->unique)
        return;
    struct unit_value *v = unit_value_find(m->unit, r->workspace, r->rt->name, row->path, row->key);
    if (v == NULL)
        v = unit_value_enter(m->unit, r->workspace, r->rt->name, row->path, row->key);
    if (!gone)
        snprintf(v->holder, sizeof v->holder, "%s", r->id);
    else if (strcmp(v->holder, r->id) == 0)
        v->holder[0] = '\0';
}

void unit_reindex(struct unit *u, struct unit_resource *r, const json_t *before, const json_t *after) {
    struct move m = {u, r};
    if (r->keys == NULL)
        r->keys = r->stored_keys = keys_of(u, r->rt, before);
    const struct unit_keys *now = keys_of(u, r->rt, after);
    compare_keys(r->keys, now, move_value, &m);
    r->keys = now;
    if (r->rt->kind == RESOURCE_USER)
        unit_mail_enter(u, r);
}

struct report {
    const struct unit_resource *resource;
    void (*fn)(const struct unit_resource *r, const struct unit_key_row *row, bool gone, void *ctx);
    void *ctx;
};

static void report_row(const struct unit_key_row *row, bool gone, void *ctx) {
    const struct report *p = ctx;
    p->fn(p->resource, row, gone, p->ctx);
}

void unit_keys_changes(const struct unit_resource *r,
                       void (*fn)(const struct unit_resource *r, const struct unit_key_row *row, bool gone,
                                  void *ctx),
                       void *ctx) {
    struct report p = {r, fn, ctx};
    if (r->keys != NULL)
        compare_keys(r->stored_keys, r->keys, report_row, &p);
}

/* ---- users by e-mail address ---- */

#define MAIL_PATH "emails.value"

void unit_mail_enter(struct unit *u, struct unit_resource *r) {
    if (u->index[UNIT_MAILS] == NULL)
        return;
    struct name_entry *e =
        r->name_key != NULL ? unit_name_entry(u, UNIT_MAILS, r->workspace, r->name_key, false) : NULL;
    if (e != NULL)
        unit_entry_add(u, e, r);
    for (size_t i = 0; r->keys != NULL && i < r->keys->n; i++) {
        const struct unit_key_row *row = &r->keys->rows[i];
        e = strcmp(row->path, MAIL_PATH) == 0 ? unit_name_entry(u, UNIT_MAILS, r->workspace, row->key, false)
                                              : NULL;
        if (e != NULL)
            unit_entry_add(u, e, r);
    }
}

/* Its entry stands from now on, so that whoever is made or changed here finds it. */
void unit_want_mail(struct unit *u, struct unit_workspace *w, const char *mail_key) {
    if (unit_name_entry(u, UNIT_MAILS, w, mail_key, false) != NULL)
        return;
    (void)unit_name_entry(u, UNIT_MAILS, w, mail_key, true);
    unit_want(u, UNIT_MAILS, (struct want){.workspace = w, .a = mail_key});
    for (const struct object *o = u->objects[UNIT_USERS]; o != NULL; o = o->next)
        if (((const struct unit_resource *)o->p)->keys != NULL)
            unit_mail_enter(u, o->p);
}

struct unit_resource *const *unit_mail_holders(struct unit *u, struct unit_workspace *w, const char *mail_key,
                                               size_t *n) {
    unit_want_mail(u, w, mail_key);
    struct name_entry *e = unit_name_entry(u, UNIT_MAILS, w, mail_key, true);
    *n = 0;
    u->mails_asked = true;
    if (!e->loaded && !unit_fetch_wanted(u))
        return NULL;
    *n = e->n;
    return e->rows;
}
