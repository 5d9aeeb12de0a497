#include "ingest/gate/turns.h"

#include "ops/runtime/mem.h"

#include <assert.h>
#include <stdlib.h>

/* Workspaces and keys exist while anything of theirs waits or goes on. Each stands in a ring in the order in
 * which their turns come: whoever had one goes to the end. */
struct turn_key {
    struct turn_key *next;
    struct turn_workspace *in;
    struct uuid id;
    struct turn *first;
    size_t waiting, going;
};

struct turn_workspace {
    struct turn_workspace *next;
    struct uuid id;
    struct turn_key *keys;
};

struct turns {
    size_t per_key, waiting_per_key, heavy_most, heavy;
    struct turn_workspace *workspaces;
};

struct turns *turns_new(size_t per_key, size_t waiting_per_key, size_t heavy) {
    struct turns *t = xcalloc(1, sizeof *t);
    t->per_key = per_key;
    t->waiting_per_key = waiting_per_key;
    t->heavy_most = heavy;
    return t;
}

void turns_free(struct turns *t) {
    assert(t->workspaces == NULL);
    free(t);
}

/* ---- workspaces and keys ---- */

static struct turn_workspace *workspace_of(struct turns *t, const struct uuid *id) {
    struct turn_workspace **at = &t->workspaces;
    while (*at != NULL && !uuid_eq(&(*at)->id, id))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof **at);
        (*at)->id = *id;
    }
    return *at;
}

static struct turn_key *key_of(struct turn_workspace *w, const struct uuid *id) {
    struct turn_key **at = &w->keys;
    while (*at != NULL && !uuid_eq(&(*at)->id, id))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof **at);
        (*at)->in = w;
        (*at)->id = *id;
    }
    return *at;
}

static void key_to_the_end(struct turn_workspace *w, struct turn_key *k) {
    struct turn_key **at = &w->keys;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    while (*at != NULL)
        at = &(*at)->next;
    *at = k;
    k->next = NULL;
}

static void workspace_to_the_end(struct turns *t, struct turn_workspace *w) {
    struct turn_workspace **at = &t->workspaces;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    while (*at != NULL)
        at = &(*at)->next;
    *at = w;
    w->next = NULL;
}

static void forget_if_idle(struct turns *t, struct turn_key *k) {
    struct turn_workspace *w = k->in;
    if (k->waiting > 0 || k->going > 0)
        return;
    struct turn_key **at = &w->keys;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    free(k);
    if (w->keys != NULL)
        return;
    struct turn_workspace **of = &t->workspaces;
    while (*of != w)
        of = &(*of)->next;
    *of = w->next;
    free(w);
}

/* ---- turns ---- */

bool turns_add(struct turns *t, struct turn *turn, const struct uuid *workspace, const struct uuid *key) {
    struct turn_key *k = key_of(workspace_of(t, workspace), key);
    if (k->waiting >= t->waiting_per_key)
        return false;
    struct turn **at = &k->first;
    while (*at != NULL)
        at = &(*at)->next;
    *at = turn;
    turn->next = NULL;
    turn->of = k;
    turn->resting = false;
    k->waiting++;
    return true;
}

static void take_out(struct turn_key *k, struct turn **at) {
    struct turn *turn = *at;
    *at = turn->next;
    turn->next = NULL;
    k->waiting--;
}

/* Where the key's next one that may go on stands; NULL: none. */
static struct turn **next_of(const struct turns *t, struct turn_key *k) {
    if (k->going >= t->per_key)
        return NULL;
    for (struct turn **at = &k->first; *at != NULL; at = &(*at)->next)
        if (!(*at)->heavy || t->heavy < t->heavy_most)
            return at;
    return NULL;
}

static struct turn *let_go_on(struct turns *t, struct turn_key *k, struct turn **at) {
    struct turn *turn = *at;
    take_out(k, at);
    k->going++;
    if (turn->heavy)
        t->heavy++;
    key_to_the_end(k->in, k);
    workspace_to_the_end(t, k->in);
    return turn;
}

struct turn *turns_take(struct turns *t) {
    for (struct turn_workspace *w = t->workspaces; w != NULL; w = w->next) {
        for (struct turn_key *k = w->keys; k != NULL; k = k->next) {
            struct turn **at = next_of(t, k);
            if (at != NULL)
                return let_go_on(t, k, at);
        }
    }
    return NULL;
}

void turns_rest(struct turns *t, struct turn *turn) {
    if (turn->heavy && !turn->resting)
        t->heavy--;
    turn->resting = true;
}

void turns_done(struct turns *t, struct turn *turn) {
    turns_rest(t, turn);
    turn->of->going--;
    forget_if_idle(t, turn->of);
    turn->of = NULL;
}

struct turn *turns_withdraw(struct turns *t, bool (*fn)(const struct turn *turn, void *ctx), void *ctx) {
    for (struct turn_workspace *w = t->workspaces; w != NULL; w = w->next) {
        for (struct turn_key *k = w->keys; k != NULL; k = k->next) {
            for (struct turn **at = &k->first; *at != NULL; at = &(*at)->next) {
                struct turn *turn = *at;
                if (!fn(turn, ctx))
                    continue;
                take_out(k, at);
                forget_if_idle(t, k);
                turn->of = NULL;
                return turn;
            }
        }
    }
    return NULL;
}
