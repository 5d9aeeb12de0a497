#include "workers/apply/crowd.h"

#include "schemas/stream/tried_id.h"

#include "ops/runtime/mem.h"
#include "schemas/patch/patch_bounds.h"
#include "workers/apply/members.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_WITH_NAMES 1000

enum stage {
    STAGE_ROOM,   /* who is in the room: rows behind those that are named */
    STAGE_NAMED,  /* both are one list; who is asked for is looked up */
    STAGE_PLACES, /* where each id of the deltas stands */
    STAGE_READY
};

/* One step. */
struct step {
    struct crowd *crowd;
    struct decision *decision;
    struct unit_resource *room;
    const struct member_delta *deltas;
    size_t ndeltas;
    size_t left; /* so many rows it may still look at */
};

struct crowd *crowd_new(void) {
    return xcalloc(1, sizeof(struct crowd));
}

void crowd_free(struct crowd *c) {
    if (c == NULL)
        return;
    free(c->rows);
    free(c->places);
    free(c);
}

bool crowd_begun(const struct decision *d) {
    return d->crowd != NULL && *d->crowd != NULL && (*d->crowd)->begun;
}

bool delta_is_over_all(const struct member_delta *delta) {
    return delta->kind == MEMBER_SET || delta->kind == MEMBER_REMOVE_ALL || delta->kind == MEMBER_REMOVE_IF;
}

static bool delta_asks(const struct member_delta *delta) {
    return delta->kind == MEMBER_ADD || delta->kind == MEMBER_SET;
}

static bool has_filters(const struct step *s) {
    for (size_t i = 0; i < s->ndeltas; i++)
        if (s->deltas[i].kind == MEMBER_REMOVE_IF)
            return true;
    return false;
}

/* Names that are filtered take longer. */
static size_t step_rows(const struct step *s) {
    return has_filters(s) && s->left > ROWS_WITH_NAMES ? ROWS_WITH_NAMES : s->left;
}

static void step_spends(struct step *s, size_t rows) {
    s->left = rows < s->left ? s->left - rows : 0;
}

/* The filters that a member matches, a bit each, in the order of the deltas. */
static unsigned char filters_matched(const struct step *s, const char *id, const char *name,
                                     const char *display) {
    unsigned matched = 0, bit = 1;
    for (size_t i = 0; i < s->ndeltas; i++) {
        if (s->deltas[i].kind != MEMBER_REMOVE_IF)
            continue;
        assert(bit <= 1u << (PATCH_MAX_SWEEPS - 1));
        if (member_matches(s->deltas[i].filter, id, name, display))
            matched |= bit;
        bit <<= 1;
    }
    return (unsigned char)matched;
}

/* ---- whom the command names ---- */

static struct who *crowd_add(struct crowd *c, const struct uuid_bytes *id) {
    if (c->n == c->cap) {
        c->cap = c->cap > 0 ? c->cap * 2 : 4096;
        c->rows = xrealloc(c->rows, c->cap * sizeof *c->rows);
    }
    c->rows[c->n] = (struct who){.id = *id};
    return &c->rows[c->n++];
}

static int compare_who(const void *a, const void *b) {
    return memcmp(&((const struct who *)a)->id, &((const struct who *)b)->id, sizeof(struct uuid_bytes));
}

static void crowd_sort(struct crowd *c) {
    size_t kept = 0;
    if (c->n > 1)
        qsort(c->rows, c->n, sizeof *c->rows, compare_who);
    for (size_t i = 0; i < c->n; i++) {
        if (kept > 0 && compare_who(&c->rows[kept - 1], &c->rows[i]) == 0)
            c->rows[kept - 1].asked |= c->rows[i].asked;
        else
            c->rows[kept++] = c->rows[i];
    }
    c->n = kept;
}

static void crowd_begin(struct step *s) {
    struct crowd *c = s->crowd;
    struct uuid_bytes id;
    c->begun = true;
    c->ready = false;
    c->audit_seq = s->decision->workspace->audit_seq;
    c->n = c->looked = 0;
    c->whole = false;
    snprintf(c->after, sizeof c->after, "%s", UUID_NIL);
    for (size_t i = 0; i < s->ndeltas; i++) {
        c->whole |= delta_is_over_all(&s->deltas[i]);
        for (size_t k = 0; k < s->deltas[i].nids; k++)
            if (uuid_pack(s->deltas[i].ids[k], &id))
                crowd_add(c, &id)->asked = delta_asks(&s->deltas[i]);
    }
    crowd_sort(c);
    c->nnamed = c->n;
    c->whole &= row_alive(s->room->state);
    c->stage = c->whole ? STAGE_ROOM : STAGE_NAMED;
    if (c->n > s->left)
        s->left = 0; /* sorting them is a step's work */
}

/* ---- who is in the room ---- */

static void add_stored(const struct unit_seen *m, void *ctx) {
    const struct step *s = ctx;
    struct uuid_bytes id;
    if (!uuid_pack(m->id, &id))
        return;
    struct who *x = crowd_add(s->crowd, &id);
    x->stored = true;
    x->held = m->held;
    x->known = m->held ? UNIT_INACTIVE : UNIT_ACTIVE;
    if (m->name != NULL)
        x->matches = filters_matched(s, m->id, m->name, m->display_name);
}

/* The two lists, each sorted, become one. */
static void crowd_merge(struct crowd *c) {
    struct who *merged = xcalloc(c->n + 1, sizeof *merged);
    size_t a = 0, b = c->nnamed, n = 0;
    while (a < c->nnamed || b < c->n) {
        int order = a == c->nnamed ? 1 : b == c->n ? -1 : compare_who(&c->rows[a], &c->rows[b]);
        merged[n] = order < 0 ? c->rows[a] : c->rows[b];
        merged[n].asked = order <= 0 && c->rows[a].asked;
        n++;
        a += order <= 0;
        b += order >= 0;
    }
    free(c->rows);
    c->rows = merged;
    c->cap = c->n + 1;
    c->n = n;
}

static bool gather_room(struct step *s) {
    struct crowd *c = s->crowd;
    struct unit_page page = {.limit = step_rows(s)};
    snprintf(page.after, sizeof page.after, "%s", c->after);
    if (!unit_see_members(s->decision->unit, s->room, has_filters(s), &page, add_stored, s))
        return false;
    snprintf(c->after, sizeof c->after, "%s", page.after);
    step_spends(s, page.n);
    if (page.n < page.limit) {
        crowd_merge(c);
        c->stage = STAGE_NAMED;
    }
    return true;
}

/* ---- who is known ---- */

/* Those who came by the very same command may go by a filter, which looks at names. */
static bool match_named(struct step *s, struct who *const *who, size_t n) {
    struct decision *d = s->decision;
    const struct resource_type *users = resource_type_of(RESOURCE_USER);
    for (size_t i = 0; i < n; i++)
        unit_want_resource(d->unit, d->workspace, users, uuid_unpack(&who[i]->id).s, false);
    for (size_t i = 0; i < n; i++) {
        const struct unit_resource *user =
            unit_resource(d->unit, d->workspace, users, uuid_unpack(&who[i]->id).s);
        if (user == NULL)
            return false;
        if (row_alive(user->state))
            who[i]->matches = filters_matched(s, user->id, user->name, user->display_name);
    }
    return true;
}

/* Whoever is stored is a user. Of the others those are looked up who are to be in, and where the room was not
 * read, all: they may be members. */
static bool gather_named(struct step *s) {
    struct crowd *c = s->crowd;
    struct arena *a = unit_arena(s->decision->unit);
    size_t limit = step_rows(s), n = 0;
    struct who **who = arena_alloc(a, limit * sizeof *who);
    struct uuid_bytes *ids = arena_alloc(a, limit * sizeof *ids);
    for (; c->looked < c->n && n < limit; c->looked++) {
        struct who *x = &c->rows[c->looked];
        if (x->stored || (c->whole && !x->asked))
            continue;
        who[n] = x;
        ids[n++] = x->id;
    }
    enum unit_known *known = arena_alloc(a, (n + 1) * sizeof *known);
    const struct unit_resource *room = !c->whole && row_alive(s->room->state) ? s->room : NULL;
    if (n > 0 && !unit_known_users(s->decision->unit, s->decision->workspace, room, ids, n, known))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (known[i] == UNIT_UNKNOWN && s->decision->command->dry && is_tried_id(uuid_unpack(&ids[i]).s))
            known[i] = UNIT_ACTIVE; /* a stand-in (stand_in.h) */
        who[i]->stored = known[i] == UNIT_HELD || known[i] == UNIT_MEMBER;
        who[i]->held = known[i] == UNIT_HELD;
        who[i]->known = (unsigned char)(known[i] == UNIT_HELD     ? UNIT_INACTIVE
                                        : known[i] == UNIT_MEMBER ? UNIT_ACTIVE
                                                                  : known[i]);
    }
    step_spends(s, n);
    if (c->looked == c->n)
        c->stage = STAGE_PLACES;
    return !has_filters(s) || match_named(s, who, n);
}

/* ---- where each id stands ---- */

static int compare_id(const void *id, const void *row) {
    return memcmp(id, &((const struct who *)row)->id, sizeof(struct uuid_bytes));
}

static void find_places(struct step *s) {
    struct crowd *c = s->crowd;
    size_t all = 0, at = 0;
    struct uuid_bytes id;
    for (size_t i = 0; i < s->ndeltas; i++)
        all += s->deltas[i].nids;
    free(c->places);
    c->places = xcalloc(all + 1, sizeof *c->places);
    for (size_t i = 0; i < s->ndeltas; i++)
        for (size_t k = 0; k < s->deltas[i].nids; k++) {
            const struct who *x = uuid_pack(s->deltas[i].ids[k], &id)
                                      ? bsearch(&id, c->rows, c->n, sizeof *c->rows, compare_id)
                                      : NULL;
            c->places[at++] = x != NULL ? (uint32_t)(x - c->rows) : CROWD_NOBODY;
        }
    step_spends(s, all);
    c->stage = STAGE_READY;
}

bool crowd_gather(struct crowd *c, struct decision *d, struct unit_resource *room,
                  const struct member_delta *deltas, size_t n) {
    struct step s = {c, d, room, deltas, n, unit_step_rows(d->unit)};
    bool good = true;
    if (!c->begun || c->audit_seq != d->workspace->audit_seq)
        crowd_begin(&s);
    while (good && s.left > 0 && c->stage != STAGE_READY) {
        if (c->stage == STAGE_ROOM)
            good = gather_room(&s);
        else if (c->stage == STAGE_NAMED)
            good = gather_named(&s);
        else
            find_places(&s);
    }
    c->ready = good && c->stage == STAGE_READY;
    return good;
}
