/* Whose turn is it? Of those that wait, one after the other is let go on: the workspaces in turn, of a
 * workspace the keys in turn, of a key in the order in which they came. Of a key only so many go on at once.
 * Knows no thread; whoever uses it has a lock. */
#ifndef USHER_INGEST_GATE_TURNS_H
#define USHER_INGEST_GATE_TURNS_H

#include "ops/runtime/id.h"

#include <stdbool.h>
#include <stddef.h>

/* A part of what wants its turn. */
struct turn {
    struct turn *next;
    struct turn_key *of;
    bool heavy;   /* in: takes long */
    bool resting; /* turns_rest */
};

struct turns;

/* per_key: how many of a key go on at once. waiting_per_key: how many of it may wait. heavy: how many heavy
 * ones go on at once, of all keys. */
struct turns *turns_new(size_t per_key, size_t waiting_per_key, size_t heavy);
void turns_free(struct turns *t); /* nobody waits or goes on */

/* False: too many of the key wait. */
bool turns_add(struct turns *t, struct turn *turn, const struct uuid *workspace, const struct uuid *key);
/* The next one that may go on; NULL: none. It goes on until turns_done. */
struct turn *turns_take(struct turns *t);
/* It counts for its key alone, and no longer among the heavy ones. */
void turns_rest(struct turns *t, struct turn *turn);
void turns_done(struct turns *t, struct turn *turn);
/* Takes out one that waits and for which fn is true; NULL: there is none. It is forgotten. */
struct turn *turns_withdraw(struct turns *t, bool (*fn)(const struct turn *turn, void *ctx), void *ctx);

#endif
