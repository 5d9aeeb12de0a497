/* Is the snapshot (usher.rooms) what the events (usher.membership) have told? Both are folded by what they
 * are about, of one partition, and compared (schemas/README.md, sections 4 to 6). Pure. */
#ifndef USHER_CTL_STREAM_FOLD_H
#define USHER_CTL_STREAM_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLD_SHOWN 10
#define FOLD_SUBJECT 96 /* bytes of a subject that is shown */

/* A record of either topic. The texts are copied. */
struct fold_record {
    const char *workspace;
    const char *subject; /* its ce_subject: rooms/ROOM, or rooms/ROOM/members/USER */
    int64_t epoch, seq;
    bool gone; /* of an event: removed or deleted; of a state: a tombstone */
    bool transmit;
};

enum fold_fault {
    FOLD_MISSING,   /* an event says that it is there, and the snapshot does not have it */
    FOLD_OLD,       /* the snapshot has it as it was before its last event */
    FOLD_LEFT,      /* it is gone, by its last event or since the last epoch, and the snapshot has it still */
    FOLD_UNTOLD,    /* the snapshot has it with a number that no event about it has */
    FOLD_DIFFERENT, /* the number is the same, and the permission to transmit is another one */
    FOLD_FAULTS
};

struct fold_verdict {
    int64_t rooms, members; /* that the snapshot has */
    int64_t unproved;       /* of these: their events are forgotten, so nobody can say */
    int64_t faults[FOLD_FAULTS];
    struct {
        enum fold_fault what;
        char subject[FOLD_SUBJECT];
    } first[FOLD_SHOWN];
    size_t nfirst;
};

struct fold;
struct fold *fold_new(void);
void fold_free(struct fold *f);
/* An event of usher.membership, in the order of the topic. */
void fold_event(struct fold *f, const struct fold_record *r);
/* usher.stream.epoch: what was told before it does not count. (subject is not looked at.) */
void fold_epoch(struct fold *f, const struct fold_record *r);
/* usher.stream.stub: nobody knows what has happened there. */
void fold_stub(struct fold *f, const struct fold_record *r);
/* A state of usher.rooms, in the order of the topic; all events have been put before. What is newer than the
 * last event of its workspace came meanwhile, and is not judged. */
void fold_state(struct fold *f, const struct fold_record *r);
/* All of it is read. whole: usher.membership has its beginning still, so each state has its event. */
void fold_judge(struct fold *f, bool whole);
/* What was found of each workspace that either topic has something of. */
void fold_each(const struct fold *f,
               void (*each)(void *ctx, const char *workspace, const struct fold_verdict *verdict), void *ctx);

#endif
