#include "workers/apply/member_diff.h"

#include "sql/unit/unit.h"
#include "workers/apply/members.h"

#include <assert.h>

/* ---- what the deltas do ---- */

static void who_leaves(struct who *x) {
    x->gone |= x->stored && x->in;
    x->in = false;
}

/* Whoever is held is not seen, and stays, but for the empty list (room.c, delta_removes). */
static void crowd_set(struct crowd *c, const uint32_t *places, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (places[i] != CROWD_NOBODY)
            c->rows[places[i]].listed = true;
    for (struct who *x = c->rows; x < c->rows + c->n; x++) {
        if (x->listed)
            x->in = true;
        else if (x->in && (n == 0 || x->known != UNIT_INACTIVE))
            who_leaves(x);
        x->listed = false;
    }
}

static void crowd_sieve(struct crowd *c, unsigned filter) {
    for (struct who *x = c->rows; x < c->rows + c->n; x++)
        if (x->in && (x->matches & filter) != 0)
            who_leaves(x);
}

/* places: of the delta's ids; filter: its bit. */
static void crowd_apply(struct crowd *c, const struct member_delta *delta, const uint32_t *places,
                        unsigned filter) {
    switch (delta->kind) {
    case MEMBER_SET:
        crowd_set(c, places, delta->nids);
        return;
    case MEMBER_REMOVE_ALL:
        for (struct who *x = c->rows; x < c->rows + c->n; x++)
            who_leaves(x);
        return;
    case MEMBER_REMOVE_IF:
        crowd_sieve(c, filter);
        return;
    case MEMBER_ADD:
    case MEMBER_REMOVE:
        break;
    }
    for (size_t i = 0; i < delta->nids; i++) {
        if (places[i] != CROWD_NOBODY && delta->kind == MEMBER_ADD)
            c->rows[places[i]].in = true;
        else if (places[i] != CROWD_NOBODY)
            who_leaves(&c->rows[places[i]]);
    }
}

static void crowd_apply_all(struct crowd *c, const struct member_delta *deltas, size_t n) {
    const uint32_t *places = c->places;
    unsigned filter = 1;
    for (struct who *x = c->rows; x < c->rows + c->n; x++) {
        x->in = x->stored;
        x->gone = x->listed = false;
    }
    for (size_t i = 0; i < n; i++) {
        crowd_apply(c, &deltas[i], places, filter);
        places += deltas[i].nids;
        filter <<= deltas[i].kind == MEMBER_REMOVE_IF;
    }
}

/* ---- who is known ---- */

/* In the order in which the command names them. */
static enum err_code crowd_judge(const struct crowd *c, struct decision *d, const struct member_delta *deltas,
                                 size_t n, struct member_diff *out) {
    struct member_list list = {0};
    const uint32_t *place = c->places;
    size_t named = 0;
    for (size_t i = 0; i < n; i++)
        named += deltas[i].nids;
    list.unknown = arena_alloc(unit_arena(d->unit), (named + 1) * sizeof *list.unknown);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < deltas[i].nids; k++, place++) {
            if (deltas[i].kind != MEMBER_ADD && deltas[i].kind != MEMBER_SET)
                continue;
            if (*place != CROWD_NOBODY && c->rows[*place].known != UNIT_UNKNOWN)
                list.n++;
            else
                list.unknown[list.nunknown++] = deltas[i].ids[k];
        }
    out->unknown = list.unknown;
    out->nunknown = list.nunknown;
    return members_refuse_unknown(d, &list);
}

/* ---- the lists ---- */

static bool who_comes(const struct who *x) {
    return x->in && (!x->stored || x->gone) && x->known != UNIT_UNKNOWN;
}

static void crowd_lists(const struct crowd *c, struct arena *a, struct member_diff *out) {
    struct uuid_bytes *removes, *adds;
    bool *shown;
    size_t leave = 0, come = 0;
    for (const struct who *x = c->rows; x < c->rows + c->n; x++) {
        leave += x->gone;
        come += who_comes(x);
    }
    out->removes = removes = arena_alloc(a, (leave + 1) * sizeof *removes);
    out->adds = adds = arena_alloc(a, (come + 1) * sizeof *adds);
    out->shown = shown = arena_alloc(a, (come + 1) * sizeof *shown);
    for (const struct who *x = c->rows; x < c->rows + c->n; x++) {
        if (x->gone) {
            removes[out->nremoves++] = x->id;
            out->leaving += !x->held;
        }
        if (who_comes(x)) {
            shown[out->nadds] = x->known == UNIT_ACTIVE;
            out->coming += shown[out->nadds];
            adds[out->nadds++] = x->id;
        }
    }
}

enum err_code member_diff_make(struct decision *d, struct crowd *crowd, const struct member_delta *deltas,
                               size_t n, struct member_diff *out) {
    assert(crowd->ready);
    *out = (struct member_diff){0};
    crowd_apply_all(crowd, deltas, n);
    enum err_code code = crowd_judge(crowd, d, deltas, n, out);
    if (code == ERR_OK)
        crowd_lists(crowd, unit_arena(d->unit), out);
    return code;
}
