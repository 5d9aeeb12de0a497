#include "workers/apply/member_diff.h"

#include "ops/runtime/mem.h"
#include "sql/unit/unit.h"
#include "workers/apply/members.h"

#include <stdlib.h>
#include <string.h>

/* Somebody who is in the room or is named by the command. */
struct who {
    struct uuid_bytes id;
    bool stored : 1;     /* a row stands */
    bool held : 1;       /* … of an inactive user */
    bool in : 1;         /* has a row after what was done so far */
    bool gone : 1;       /* the row that stands was removed */
    bool named : 1;      /* by a list of those who are to be in */
    bool listed : 1;     /* by the list at hand */
    unsigned char known; /* enum unit_known */
};

/* All of them, sorted by id. */
struct crowd {
    struct decision *decision;
    struct unit_resource *room;
    struct who *rows;
    size_t n, cap;
};

static struct who *crowd_add(struct crowd *c, const struct uuid_bytes *id) {
    if (c->n == c->cap) {
        c->cap = c->cap > 0 ? c->cap * 2 : 4096;
        c->rows = xrealloc(c->rows, c->cap * sizeof *c->rows);
    }
    c->rows[c->n] = (struct who){.id = *id};
    return &c->rows[c->n++];
}

static int compare_who(const void *a, const void *b) {
    const struct who *x = a, *y = b;
    int c = memcmp(&x->id, &y->id, sizeof x->id);
    return c != 0 ? c : (int)y->stored - (int)x->stored; /* who is stored comes first */
}

static int compare_id(const void *id, const void *row) {
    return memcmp(id, &((const struct who *)row)->id, sizeof(struct uuid_bytes));
}

static struct who *crowd_find(const struct crowd *c, const char *text) {
    struct uuid_bytes id;
    return uuid_pack(text, &id) ? bsearch(&id, c->rows, c->n, sizeof *c->rows, compare_id) : NULL;
}

/* ---- who there is ---- */

static void add_stored(const struct unit_seen *m, void *ctx) {
    struct uuid_bytes id;
    if (!uuid_pack(m->id, &id))
        return;
    struct who *x = crowd_add(ctx, &id);
    x->stored = x->in = true;
    x->held = m->held;
}

static void crowd_sort(struct crowd *c) {
    size_t kept = 0;
    if (c->n > 1)
        qsort(c->rows, c->n, sizeof *c->rows, compare_who);
    for (size_t i = 0; i < c->n; i++)
        if (kept == 0 || memcmp(&c->rows[kept - 1].id, &c->rows[i].id, sizeof c->rows[i].id) != 0)
            c->rows[kept++] = c->rows[i];
    c->n = kept;
}

static bool crowd_gather(struct crowd *c, const struct member_delta *deltas, size_t n) {
    if (row_alive(c->room->state) && !unit_each_member(c->decision->unit, c->room, false, add_stored, c))
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < deltas[i].nids; k++) {
            struct uuid_bytes id;
            if (uuid_pack(deltas[i].ids[k], &id))
                (void)crowd_add(c, &id);
        }
    crowd_sort(c);
    return true;
}

/* ---- what the deltas do ---- */

static void who_leaves(struct who *x) {
    x->gone |= x->stored && x->in;
    x->in = false;
}

static void who_comes(struct who *x) {
    x->in = true;
    x->named = true;
}

static void crowd_set(struct crowd *c, const struct member_delta *delta) {
    for (size_t i = 0; i < delta->nids; i++) {
        struct who *x = crowd_find(c, delta->ids[i]);
        if (x != NULL)
            x->listed = true;
    }
    for (struct who *x = c->rows; x < c->rows + c->n; x++) {
        if (x->listed)
            who_comes(x);
        else if (x->in)
            who_leaves(x);
        x->listed = false;
    }
}

/* Who leaves by a filter, which looks at names. */
struct sieve {
    struct crowd *crowd;
    const struct filter *filter;
};

static void sieve_stored(const struct unit_seen *m, void *ctx) {
    const struct sieve *s = ctx;
    struct who *x = crowd_find(s->crowd, m->id);
    if (x != NULL && x->in && member_matches(s->filter, m->id, m->name, m->display_name))
        who_leaves(x);
}

/* Those who came by the very same command are not stored. */
static void sieve_coming(const struct sieve *s, struct who *x) {
    struct decision *d = s->crowd->decision;
    if (!x->in || x->stored)
        return;
    const struct unit_resource *user =
        unit_resource(d->unit, d->workspace, resource_type_of(RESOURCE_USER), uuid_unpack(&x->id).s);
    if (user != NULL && row_alive(user->state) &&
        member_matches(s->filter, user->id, user->name, user->display_name))
        who_leaves(x);
}

static bool crowd_sieve(struct crowd *c, const struct member_delta *delta) {
    struct sieve s = {c, delta->filter};
    for (struct who *x = c->rows; x < c->rows + c->n; x++)
        sieve_coming(&s, x);
    return unit_each_member(c->decision->unit, c->room, true, sieve_stored, &s);
}

static bool crowd_apply(struct crowd *c, const struct member_delta *delta) {
    switch (delta->kind) {
    case MEMBER_SET:
        crowd_set(c, delta);
        return true;
    case MEMBER_REMOVE_ALL:
        for (struct who *x = c->rows; x < c->rows + c->n; x++)
            who_leaves(x);
        return true;
    case MEMBER_REMOVE_IF:
        return crowd_sieve(c, delta);
    case MEMBER_ADD:
    case MEMBER_REMOVE:
        break;
    }
    for (size_t i = 0; i < delta->nids; i++) {
        struct who *x = crowd_find(c, delta->ids[i]);
        if (x != NULL && delta->kind == MEMBER_ADD)
            who_comes(x);
        else if (x != NULL)
            who_leaves(x);
    }
    return true;
}

/* ---- who is known ---- */

/* Whoever is stored is a user. The others are asked for. */
static bool crowd_look_up(struct crowd *c) {
    struct decision *d = c->decision;
    struct uuid_bytes *ids = arena_alloc(unit_arena(d->unit), (c->n + 1) * sizeof *ids);
    size_t n = 0;
    for (const struct who *x = c->rows; x < c->rows + c->n; x++)
        if (x->named && !x->stored)
            ids[n++] = x->id;
    enum unit_known *known = arena_alloc(unit_arena(d->unit), (n + 1) * sizeof *known);
    if (n > 0 && !unit_known_users(d->unit, d->workspace, ids, n, known))
        return false;
    n = 0;
    for (struct who *x = c->rows; x < c->rows + c->n; x++)
        x->known = (unsigned char)(x->stored  ? x->held ? UNIT_INACTIVE : UNIT_ACTIVE
                                   : x->named ? known[n++]
                                              : UNIT_UNKNOWN);
    return true;
}

/* In the order in which the command names them. */
static enum err_code crowd_judge(struct crowd *c, const struct member_delta *deltas, size_t n,
                                 struct member_diff *out) {
    struct arena *a = unit_arena(c->decision->unit);
    struct member_list list = {0};
    size_t named = 0;
    for (size_t i = 0; i < n; i++)
        named += deltas[i].nids;
    list.unknown = arena_alloc(a, (named + 1) * sizeof *list.unknown);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < deltas[i].nids; k++) {
            if (deltas[i].kind != MEMBER_ADD && deltas[i].kind != MEMBER_SET)
                continue;
            const struct who *x = crowd_find(c, deltas[i].ids[k]);
            if (x != NULL && x->known != UNIT_UNKNOWN)
                list.n++;
            else
                list.unknown[list.nunknown++] = deltas[i].ids[k];
        }
    out->unknown = list.unknown;
    out->nunknown = list.nunknown;
    return members_refuse_unknown(c->decision, &list);
}

/* ---- the lists ---- */

static void crowd_lists(const struct crowd *c, struct member_diff *out) {
    struct arena *a = unit_arena(c->decision->unit);
    struct uuid_bytes *removes, *adds;
    bool *shown;
    size_t leave = 0, come = 0;
    for (const struct who *x = c->rows; x < c->rows + c->n; x++) {
        leave += x->gone;
        come += x->in && (!x->stored || x->gone) && x->known != UNIT_UNKNOWN;
    }
    out->removes = removes = arena_alloc(a, (leave + 1) * sizeof *removes);
    out->adds = adds = arena_alloc(a, (come + 1) * sizeof *adds);
    out->shown = shown = arena_alloc(a, (come + 1) * sizeof *shown);
    for (const struct who *x = c->rows; x < c->rows + c->n; x++) {
        if (x->gone) {
            removes[out->nremoves++] = x->id;
            out->leaving += !x->held;
        }
        if (x->in && (!x->stored || x->gone) && x->known != UNIT_UNKNOWN) {
            shown[out->nadds] = x->known == UNIT_ACTIVE;
            out->coming += shown[out->nadds];
            adds[out->nadds++] = x->id;
        }
    }
}

enum err_code member_diff_make(struct decision *d, struct unit_resource *room,
                               const struct member_delta *deltas, size_t n, struct member_diff *out) {
    struct crowd c = {.decision = d, .room = room};
    *out = (struct member_diff){0};
    bool good = crowd_gather(&c, deltas, n);
    for (size_t i = 0; good && i < n; i++)
        good = crowd_apply(&c, &deltas[i]);
    enum err_code code = good && crowd_look_up(&c) ? crowd_judge(&c, deltas, n, out) : decision_db_error(d);
    if (code == ERR_OK)
        crowd_lists(&c, out);
    free(c.rows);
    return code;
}
