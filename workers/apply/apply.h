/* Decides the commands of a batch in one transaction. */
#ifndef USHER_WORKERS_APPLY_APPLY_H
#define USHER_WORKERS_APPLY_APPLY_H

#include "sql/unit/unit.h"
#include "workers/delivery.h"

struct apply_settings {
    int partitions;            /* of usher.commands */
    const char *events_issuer; /* who says so: claim iss of SCIM events */
};

/* Applies works[0..n) of the batch in one transaction and commits: claims, decisions, changes, sequence
 * numbers, outcomes and records. On ERR_OK every work has its reply and records. On error nothing of it may
 * be used: ERR_DB_LOST and ERR_DB_RETRY: the same again later (if the commit went through all the same, the
 * claims tell); ERR_DB_DATA, ERR_DB_BUG: one of the commands cannot be stored. */
enum err_code apply_batch(struct unit_store store, struct batch *b, size_t first, size_t n,
                          const struct apply_settings *settings, struct err *err);
/* Stores a command that cannot be applied as refused for good and marks it as poison. */
enum err_code apply_poison(struct unit_store store, struct batch *b, size_t at,
                           const struct apply_settings *settings, const struct err *why, struct err *err);

/* ---- for apply_*.c ---- */

/* Tells the unit what a command will touch. */
void task_announce(struct unit *u, struct unit_workspace *w, const struct command *c);

/* One command under decision. */
struct task {
    struct unit *unit;
    struct unit_workspace *workspace;
    const struct command *command;
    struct reply *reply;
    struct record_context records; /* appends to the work's records, takes the workspace's numbers */
    int64_t now_us;
    struct err err;
};

/* Each checks everything before it changes or records anything. Returns ERR_OK (applied, reply filled), a
 * refusal (task->err says why), or the database's error. */
enum err_code apply_workspace_create(struct task *t);
enum err_code apply_workspace_set(struct task *t);
enum err_code apply_key_create(struct task *t);
enum err_code apply_key_revoke(struct task *t);
enum err_code apply_key_rotate(struct task *t);
enum err_code apply_owner_create(struct task *t);
enum err_code apply_owner_revoke(struct task *t);
enum err_code apply_user_login(struct task *t);
enum err_code apply_member_put(struct task *t);
enum err_code apply_member_delete(struct task *t);
enum err_code apply_guard_release(struct task *t);

/* Shared by them. */
void task_audit(struct task *t, enum audit_action action, const struct audit_target *target,
                const struct audit_target *subject, const char *reason, const struct resource_change *changes,
                size_t nchanges);
void task_audit_json(struct task *t, enum audit_action action, const struct audit_target *target,
                     const char *changes_json);
struct audit_target task_target(const struct unit_resource *r);
enum err_code task_db_error(struct task *t); /* the unit's error, for a NULL from it */
void task_reply_resource(struct task *t, const struct unit_resource *r, bool with_doc);
/* Borrowed texts of a JSON array of strings (NULL: of none), in the unit's arena. */
const char **task_id_texts(struct task *t, const json_t *ids, size_t *n);
/* Sets document, search text, names, external id and keys of a row. before: its document until now; NULL:
 * new. */
void task_set_doc(struct task *t, struct unit_resource *r, const json_t *before, const json_t *after);
/* The next version, modified now. */
void task_bump(struct task *t, struct unit_resource *r, bool doc_changed);

#endif
