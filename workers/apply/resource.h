/* One way for every change of a resource, of whatever type: the documents before and after are compared, all
 * is checked, then all is carried out. What users and rooms do besides hangs in as rules. */
#ifndef USHER_WORKERS_APPLY_RESOURCE_H
#define USHER_WORKERS_APPLY_RESOURCE_H

#include "schemas/patch/patch.h"
#include "workers/apply/decision.h"

struct change {
    struct decision *decision;
    struct unit_resource *resource;
    const json_t *before;         /* NULL: it is made */
    json_t *after;                /* NULL: it is deleted */
    const json_t *ops;            /* normalised ones that tell the change; NULL: the document does */
    struct resource_change *rows; /* what differs; all of it where it is made, nothing where it is deleted */
    size_t nrows;
    const struct member_delta *deltas; /* a room's */
    size_t ndeltas;
    const bool
        *transmit; /* the members of the deltas may transmit, or may not; NULL: as the workspace says */
    bool linked;   /* an account that had not been the identity provider's is taken over */
    void *plan;    /* a room's: check's, for carry_out */
    bool seat;     /* a user's: the same */
    bool changed;  /* what clients see of it: the version goes on */
};

struct resource_rules {
    const char *name; /* the attribute that has a column of its own for its folded form; NULL = none */
    bool answered;    /* the client is shown the document */
    /* Puts in what a document must have and nobody said. */
    void (*complete)(struct change *c);
    /* May it be? Loads what carry_out will need; changes nothing. */
    enum err_code (*check)(struct change *c);
    /* Records, and whatever follows. The document and its version are set; a deleted one is still there. */
    void (*carry_out)(struct change *c);
};
extern const struct resource_rules user_rules, room_rules;
const struct resource_rules *rules_of(const struct resource_type *rt);

/* A change of a resource that is there: its document becomes `before`. False: the decision's error says why.
 */
bool change_begin(struct change *c, struct decision *d, struct unit_resource *r);
/* The same for the resource that the command is about, which must be there, and as the client expects it. */
bool change_target(struct decision *d, struct change *c);
/* Steals the document that is to be. */
void change_set(struct change *c, json_t *after);
/* From one document to the next, whatever way it was made: completes, compares, checks, carries out, records,
 * replies. */
enum err_code change_carry_through(struct change *c);

/* The commands of all types (apply.h). */
enum err_code apply_create(struct decision *d);
enum err_code apply_replace(struct decision *d);
enum err_code apply_patch(struct decision *d);
enum err_code apply_delete(struct decision *d);

#endif
