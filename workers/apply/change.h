/* One way for every change of a resource, of whatever type: the documents before and after are compared, all
 * is checked, then all is carried out (carry.h). What users and rooms do besides hangs in as rules. */
#ifndef USHER_WORKERS_APPLY_CHANGE_H
#define USHER_WORKERS_APPLY_CHANGE_H

#include "schemas/patch/patch.h"
#include "workers/apply/decision.h"

struct change {
    struct decision *decision;
    struct unit_resource *resource;
    const json_t *before; /* NULL: it is made */
    json_t *after;        /* NULL: it is deleted */
    const json_t *ops;    /* the normalised operations of a PATCH; NULL: the change is told by the document */
    const struct member_delta *deltas; /* a room's */
    size_t ndeltas;
    const bool *transmit; /* whether new members may transmit; NULL: as the workspace says */
    bool linked;          /* an account that had not been the identity provider's is taken over */

    /* Found out on the way. */
    struct resource_change *rows; /* what differs; all of it where it is made, nothing where it is deleted */
    size_t nrows;
    bool was_active;                /* a user's, before the change */
    bool seat;                      /* a user's: has one from now on */
    void *plan;                     /* a room's: what `check` has found, for `carry_out` */
    const struct member_diff *diff; /* a room's, instead of the plan, where many members are looked at */
    bool sliced;                    /* the rest of it is done in slices (plan.h) */
    bool members_changed;           /* a room's: who is seen in it */
};

static inline bool change_makes(const struct change *c) {
    return c->before == NULL;
}
static inline bool change_deletes(const struct change *c) {
    return c->after == NULL;
}
/* Is the row written anew? (One that is made may have nothing but its schemas, so that nothing differs.) */
static inline bool change_writes(const struct change *c) {
    return !change_deletes(c) && (change_makes(c) || c->nrows > 0 || c->linked);
}

struct resource_rules {
    const char *name; /* the attribute that has a column of its own for its folded form; NULL = none */
    bool answered;    /* the client is shown the document */
    /* Adds what a document must have and the client did not say. NULL: nothing. */
    void (*complete)(struct change *c);
    /* Refuses what must not be. Loads what carry_out will need; changes nothing. NULL: nothing is refused. */
    enum err_code (*check)(struct change *c);
    /* Records the change and carries out what follows from it. The document and its version are set; a
     * deleted resource is still there. */
    void (*carry_out)(struct change *c);
};
extern const struct resource_rules user_rules, room_rules;

#endif
