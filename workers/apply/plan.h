/* What is left to do of a large command, in words: the member `work` of a plan (sql/unit/unit.h). Written
 * by the command's decision, read by each slice. */
#ifndef USHER_WORKERS_APPLY_PLAN_H
#define USHER_WORKERS_APPLY_PLAN_H

#include "sql/unit/unit.h"
#include "workers/apply/decision.h"

enum plan_kind {
    PLAN_MEMBERS,     /* users leave a room and come into it, as the lists say */
    PLAN_ROOM_DELETE, /* all leave a room, which goes then */
    PLAN_USER_LEAVE,  /* a user leaves all rooms, to be held there or not */
    PLAN_USER_RETURN, /* … and comes back where he is held */
    PLAN_USER_DELETE, /* … or goes for good */
    PLAN_SEATS,       /* all users' seats are counted anew */
    PLAN_KINDS
};

struct plan {
    enum plan_kind kind;
    struct actor actor;
    const char *reason, *traceparent;
    int64_t time_us; /* of the decision: all records and rows of the command bear it */
    const char *room, *user;
    bool transmit; /* of those who come */
    bool hold;
    int64_t before; /* seats */
    int64_t offset; /* where the command stood in usher.commands */
};

/* Makes a plan of the decision's command, which is alone in its transaction. The caller sets the lists and
 * what is hidden. p: kind, room, user, transmit, hold, before; the rest is the command's. */
struct unit_plan *plan_begin(struct decision *d, struct plan p);
/* Does the reply wait for the last slice? It does where the rows tell of the change, and not the decision. */
bool plan_reply_waits(enum plan_kind kind);
/* Texts live in the arena. */
enum err_code plan_read(const struct unit_plan *stored, struct arena *a, struct plan *p, struct err *err);

#endif
