/* Whom a large command of a room is about: who is in the room, and whom the command names. It is found out
 * before the command is decided, step by step, each in a transaction of its own that changes nothing, with
 * other workspaces' commands between them (ops/DESIGN.md, "Slices").
 *
 * What must stay true: what one step has found holds in the next one, and in the decision. Every change of a
 * workspace takes a number of its audit. Each step compares that number, under the workspace's lock: where it
 * has moved, somebody else has changed something (another worker that has the partition no more, say), and
 * all is looked up anew. */
#ifndef USHER_WORKERS_APPLY_CROWD_H
#define USHER_WORKERS_APPLY_CROWD_H

#include "schemas/patch/patch.h"
#include "workers/apply/decision.h"

struct who {
    struct uuid_bytes id;
    bool asked : 1;  /* the command wants it in: whether there is such a user is to be known */
    bool stored : 1; /* a row stands */
    bool held : 1;   /* … of an inactive user */
    /* For member_diff, which carries out the deltas: */
    bool in : 1;           /* has a row after what was done so far */
    bool gone : 1;         /* the row that stands was removed */
    bool listed : 1;       /* by the list at hand */
    unsigned char known;   /* enum unit_known; of who is stored: active or inactive */
    unsigned char matches; /* the filters of the deltas, a bit each */
};

#define CROWD_NOBODY UINT32_MAX /* the place of an id that is no UUID */

struct crowd {
    bool ready;
    struct who *rows; /* sorted by id, once it is ready */
    size_t n;
    uint32_t *places; /* of all ids of the deltas, one after the other: in `rows` */
    /* How far it is. */
    bool begun;
    bool whole; /* all who are in the room belong to it */
    int stage;
    int64_t audit_seq;
    size_t cap, nnamed, looked;
    char after[37];
};

struct crowd *crowd_new(void);
void crowd_free(struct crowd *c);
/* Has the decision had a step before? */
bool crowd_begun(const struct decision *d);
/* One step. False on a database error. room: as it is stored, perhaps not at all. */
bool crowd_gather(struct crowd *c, struct decision *d, struct unit_resource *room,
                  const struct member_delta *deltas, size_t n);
/* Does the delta look at every member of the room? */
bool delta_is_over_all(const struct member_delta *delta);

#endif
