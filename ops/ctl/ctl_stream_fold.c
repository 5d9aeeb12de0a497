#include "ops/ctl/ctl_stream_fold.h"

#include "ops/runtime/id.h"
#include "ops/runtime/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct place { /* epoch 0: none */
    int64_t epoch, seq;
};

struct of_workspace {
    char *id;
    struct place first, last; /* events that were read */
    struct place epoch;       /* of the last usher.stream.epoch */
    struct fold_verdict verdict;
    struct of_workspace *next_in_bucket;
};

/* A room, or a member of one. */
struct thing {
    char *subject;
    struct of_workspace *of;
    struct place event, state; /* the last of each */
    bool event_gone, event_unknown, event_transmit, state_gone, state_transmit;
};

struct fold {
    struct thing **row; /* places of a hash table, of which n are taken */
    size_t n, cap;
    struct of_workspace *buckets[BUCKETS];
};

static int compare(struct place a, struct place b) {
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

/* ---- finding ---- */

struct fold *fold_new(void) {
    return xcalloc(1, sizeof(struct fold));
}

void fold_free(struct fold *f) {
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->cap; i++) {
        if (f->row[i] != NULL)
            free(f->row[i]->subject);
        free(f->row[i]);
    }
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct of_workspace *w = f->buckets[b], *next; w != NULL; w = next) {
            next = w->next_in_bucket;
            free(w->id);
            free(w);
        }
    }
    free(f->row);
    free(f);
}

/* All workspaces of a partition have the same hash modulo the number of partitions, so higher bits are taken.
 */
static struct of_workspace *workspace_for(struct fold *f, const char *id) {
    struct of_workspace **at = &f->buckets[(murmur2(id, strlen(id)) >> 16) % BUCKETS];
    for (struct of_workspace *w = *at; w != NULL; w = w->next_in_bucket)
        if (strcmp(w->id, id) == 0)
            return w;
    struct of_workspace *w = xcalloc(1, sizeof *w);
    w->id = xstrdup(id);
    w->next_in_bucket = *at;
    *at = w;
    return w;
}

/* A subject is nearly always of one workspace. */
static size_t place_of(const struct fold *f, const struct of_workspace *w, const char *subject) {
    size_t at = murmur2(subject, strlen(subject)) % f->cap;
    while (f->row[at] != NULL && (f->row[at]->of != w || strcmp(f->row[at]->subject, subject) != 0))
        at = (at + 1) % f->cap;
    return at;
}

static void grow(struct fold *f) {
    struct fold more = {.cap = f->cap > 0 ? 2 * f->cap : 1024};
    more.row = xcalloc(more.cap, sizeof *more.row);
    for (size_t i = 0; i < f->cap; i++)
        if (f->row[i] != NULL)
            more.row[place_of(&more, f->row[i]->of, f->row[i]->subject)] = f->row[i];
    free(f->row);
    f->row = more.row;
    f->cap = more.cap;
}

static struct thing *thing_for(struct fold *f, struct of_workspace *w, const char *subject) {
    if (2 * f->n >= f->cap)
        grow(f);
    size_t at = place_of(f, w, subject);
    if (f->row[at] == NULL) {
        f->row[at] = xcalloc(1, sizeof *f->row[at]);
        f->row[at]->subject = xstrdup(subject);
        f->row[at]->of = w;
        f->n++;
    }
    return f->row[at];
}

/* ---- folding ---- */

static struct of_workspace *note_event(struct fold *f, const struct fold_record *r) {
    struct of_workspace *w = workspace_for(f, r->workspace);
    struct place at = {r->epoch, r->seq};
    if (w->first.epoch == 0)
        w->first = at;
    w->last = compare(at, w->last) > 0 ? at : w->last;
    return w;
}

void fold_event(struct fold *f, const struct fold_record *r) {
    struct of_workspace *w = note_event(f, r);
    struct thing *t = thing_for(f, w, r->subject);
    t->event = (struct place){r->epoch, r->seq};
    t->event_gone = r->gone;
    t->event_transmit = r->transmit;
    t->event_unknown = false;
}

void fold_epoch(struct fold *f, const struct fold_record *r) {
    struct of_workspace *w = note_event(f, r);
    w->epoch = (struct place){r->epoch, r->seq};
}

void fold_stub(struct fold *f, const struct fold_record *r) {
    struct of_workspace *w = note_event(f, r);
    struct thing *t = thing_for(f, w, r->subject);
    t->event = (struct place){r->epoch, r->seq};
    t->event_unknown = true;
}

void fold_state(struct fold *f, const struct fold_record *r) {
    struct thing *t = thing_for(f, workspace_for(f, r->workspace), r->subject);
    t->state = (struct place){r->epoch, r->seq};
    t->state_gone = r->gone;
    t->state_transmit = r->transmit;
}

/* ---- judging ---- */

static void find_fault(struct thing *t, enum fold_fault what) {
    struct fold_verdict *v = &t->of->verdict;
    v->faults[what]++;
    if (v->nfirst == FOLD_SHOWN)
        return;
    v->first[v->nfirst].what = what;
    snprintf(v->first[v->nfirst++].subject, FOLD_SUBJECT, "%s", t->subject);
}

/* Its last event says that it is there. */
static void judge_there(struct thing *t, bool has) {
    int order = has ? compare(t->state, t->event) : 0;
    if (!has)
        find_fault(t, FOLD_MISSING);
    else if (order < 0)
        find_fault(t, FOLD_OLD);
    else if (order > 0)
        find_fault(t, FOLD_UNTOLD);
    else if (t->state_transmit != t->event_transmit)
        find_fault(t, FOLD_DIFFERENT);
}

/* No event tells of it, and the snapshot has it. In a new epoch all is told anew, under the number of the
 * epoch's record or the one before. */
static void judge_untold(struct thing *t, bool whole) {
    const struct of_workspace *w = t->of;
    struct place again = {w->epoch.epoch, w->epoch.seq - 1};
    if (w->epoch.epoch > 0 && compare(t->state, again) < 0)
        find_fault(t, FOLD_LEFT);
    else if (w->epoch.epoch > 0 ? compare(t->state, w->epoch) > 0
                                : whole || (w->first.epoch > 0 && compare(t->state, w->first) >= 0))
        find_fault(t, FOLD_UNTOLD);
    else if (w->epoch.epoch == 0)
        t->of->verdict.unproved++;
}

static void judge_thing(struct thing *t, bool whole) {
    struct of_workspace *w = t->of;
    bool has = t->state.epoch > 0 && !t->state_gone, told = t->event.epoch > 0;
    if (has)
        (*(strstr(t->subject, "/members/") != NULL ? &w->verdict.members : &w->verdict.rooms))++;
    if (t->state.epoch > 0 && w->last.epoch > 0 && compare(t->state, w->last) > 0)
        return;
    if (told && w->epoch.epoch > 0 && compare(t->event, w->epoch) < 0)
        told = false;
    if (told && t->event_unknown)
        return;
    if (told && !t->event_gone)
        judge_there(t, has);
    else if (told && has)
        find_fault(t, FOLD_LEFT);
    else if (has)
        judge_untold(t, whole);
}

void fold_judge(struct fold *f, bool whole) {
    for (size_t i = 0; i < f->cap; i++)
        if (f->row[i] != NULL)
            judge_thing(f->row[i], whole);
}

void fold_each(const struct fold *f,
               void (*each)(void *ctx, const char *workspace, const struct fold_verdict *verdict),
               void *ctx) {
    for (size_t b = 0; b < BUCKETS; b++)
        for (const struct of_workspace *w = f->buckets[b]; w != NULL; w = w->next_in_bucket)
            each(ctx, w->id, &w->verdict);
}
