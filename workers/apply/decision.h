/* One command under decision: what every verb reads, and what all of them share. */
#ifndef USHER_WORKERS_APPLY_DECISION_H
#define USHER_WORKERS_APPLY_DECISION_H

#include "schemas/resource/resource_bounds.h"
#include "schemas/stream/record.h"
#include "sql/unit/unit.h"

/* How much there may be of what commands make: settings of the worker. */
struct decision_bounds {
    struct resource_bounds resource;
    int64_t keys, owners; /* of a workspace, not revoked */
    int64_t deliveries;   /* endpoints of a workspace */
    bool deliver_http;    /* they may be http */
};

struct crowd;

struct decision {
    struct unit *unit;
    struct unit_workspace *workspace;
    const struct command *command;
    struct reply *reply;
    const struct decision_bounds *bounds;
    struct record_context records; /* appends to the delivery's records, takes the workspace's numbers */
    int64_t now_us;
    int command_partition; /* where the command stands */
    int64_t command_offset;
    bool alone;               /* no other command is in the transaction */
    bool wants_alone;         /* set with an error: nothing was done, and it is to be tried again alone */
    struct crowd **crowd;     /* in a batch that is decided in steps: what they have found; NULL: it is not */
    bool wants_steps;         /* set with an error: nothing was done, and it is to be tried again, in steps */
    bool sliced;              /* set: the rest of it is done in slices (plan.h) … */
    bool reply_waits;         /* … and the reply waits for the last one */
    json_t *tried_operations; /* of a Bulk that is only tried: what each would come to; NULL: it is none */
    struct err err;
};

/* Records a change that was made. subject, reason: NULL for none. */
void decision_audit(struct decision *d, enum audit_action action, const struct audit_target *target,
                    const struct audit_target *subject, const char *reason,
                    const struct resource_change *changes, size_t nchanges);
/* Of a user, with what the change has done to the seat. */
void decision_audit_user(struct decision *d, enum audit_action action, const struct unit_resource *user,
                         enum audit_seat seat, const struct resource_change *changes, size_t nchanges);
void decision_audit_json(struct decision *d, enum audit_action action, const struct audit_target *target,
                         const char *changes_json);
struct audit_target decision_target(const struct unit_resource *r);
/* What a command asks of many rows at once is what is stored, so it must not have others before it in its
 * transaction. An error where it has: return it at once. */
enum err_code decision_alone(struct decision *d);
/* What a large command of a room is about is found out in steps (crowd.h). An error where it has no steps, or
 * must have another one: return it at once. */
enum err_code decision_in_steps(struct decision *d);
enum err_code decision_next_step(struct decision *d);
/* After a change of the seats' mode: how many are used now; `before`: were used. */
void decision_audit_recount(struct decision *d, int64_t before);
/* Sets the unit's error, after a function of the unit has returned NULL. */
enum err_code decision_db_error(struct decision *d);
void decision_reply_resource(struct decision *d, const struct unit_resource *r, bool with_doc);
/* Borrowed texts of a JSON array of strings (NULL: of none), in the unit's arena. */
const char **decision_id_texts(struct decision *d, const json_t *ids, size_t *n);
/* The next version of a row, modified now. */
void decision_bump(struct decision *d, struct unit_resource *r, bool doc_changed);
/* d->err becomes the reply, and the refusal is recorded and counted for its Bulk. A Bulk's operation that was
 * not tried leaves no record, and a workspace that does not exist has no stream. */
void decision_refuse(struct decision *d);

#endif
