/* Decides the commands of a batch in one transaction. */
#ifndef USHER_WORKERS_APPLY_APPLY_H
#define USHER_WORKERS_APPLY_APPLY_H

#include "sql/unit/unit.h"
#include "workers/delivery.h"

struct apply_settings {
    int partitions;            /* of usher.commands */
    const char *events_issuer; /* who says so: claim iss of SCIM events */
};

/* Applies deliveries[0..n) of the batch in one transaction and commits: claims, decisions, changes, sequence
 * numbers, outcomes and records. On ERR_OK every delivery has its reply and records. On error nothing of it
 * may be used: ERR_DB_LOST and ERR_DB_RETRY: the same again later (if the commit went through all the same,
 * the claims tell); ERR_DB_DATA, ERR_DB_BUG: one of the commands cannot be stored. */
enum err_code apply_batch(struct unit_store store, struct batch *b, size_t first, size_t n,
                          const struct apply_settings *settings, struct err *err);
/* Stores a command that cannot be applied as refused for good and marks it as poison. */
enum err_code apply_poison(struct unit_store store, struct batch *b, size_t at,
                           const struct apply_settings *settings, const struct err *why, struct err *err);

/* ---- for apply_*.c ---- */

/* Tells the unit what a command will touch. */
void decision_announce(struct unit *u, struct unit_workspace *w, const struct command *c);

/* One command under decision. */
struct decision {
    struct unit *unit;
    struct unit_workspace *workspace;
    const struct command *command;
    struct reply *reply;
    struct record_context records; /* appends to the delivery's records, takes the workspace's numbers */
    int64_t now_us;
    struct err err;
};

/* Each checks everything before it changes or records anything. Returns ERR_OK (applied, reply filled), a
 * refusal (decision->err says why), or the database's error. */
enum err_code apply_workspace_create(struct decision *d);
enum err_code apply_workspace_set(struct decision *d);
enum err_code apply_key_create(struct decision *d);
enum err_code apply_key_revoke(struct decision *d);
enum err_code apply_key_rotate(struct decision *d);
enum err_code apply_owner_create(struct decision *d);
enum err_code apply_owner_revoke(struct decision *d);
enum err_code apply_user_login(struct decision *d);
enum err_code apply_member_put(struct decision *d);
enum err_code apply_member_delete(struct decision *d);
enum err_code apply_guard_release(struct decision *d);

/* Shared by them. */
void decision_audit(struct decision *d, enum audit_action action, const struct audit_target *target,
                    const struct audit_target *subject, const char *reason,
                    const struct resource_change *changes, size_t nchanges);
void decision_audit_json(struct decision *d, enum audit_action action, const struct audit_target *target,
                         const char *changes_json);
struct audit_target decision_target(const struct unit_resource *r);
enum err_code decision_db_error(struct decision *d); /* the unit's error, for a NULL from it */
void decision_reply_resource(struct decision *d, const struct unit_resource *r, bool with_doc);
/* Borrowed texts of a JSON array of strings (NULL: of none), in the unit's arena. */
const char **decision_id_texts(struct decision *d, const json_t *ids, size_t *n);
/* Sets document, search text, names, external id and keys of a row. before: its document until now; NULL:
 * new. */
void decision_set_doc(struct decision *d, struct unit_resource *r, const json_t *before, const json_t *after);
/* The next version, modified now. */
void decision_bump(struct decision *d, struct unit_resource *r, bool doc_changed);

#endif
