/* What the commands of usherctl share. A command reads its arguments, asks PostgreSQL, hands a change to the
 * log, and writes its result to `out`. main prints `out` when the command has succeeded, so stdout never
 * holds half an answer. */
#ifndef USHER_CTL_CTL_H
#define USHER_CTL_CTL_H

#include "ops/ctl/ctl_args.h"
#include "ops/runtime/config.h"
#include "ops/runtime/err.h"
#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/token.h"
#include "schemas/stream/command.h"
#include "sql/db.h"

struct ctl_far;

struct ctl {
    const struct config *config;
    const struct ctl_args *args;
    bool json;           /* out gets one JSON object instead of text */
    struct db *db;       /* connects on first use */
    struct ctl_far *far; /* the admin API is asked instead (ctl_far.h); NULL: PostgreSQL and Kafka are */
    struct jbuf out;
};

struct ctl_workspace {
    struct uuid id;
    char name[128];
};

/* The commands. */
enum err_code ctl_migrate(struct ctl *c, struct err *err);
enum err_code ctl_migrate_finish(struct ctl *c, struct err *err);
enum err_code ctl_workspace_create(struct ctl *c, struct err *err);
enum err_code ctl_workspace_set(struct ctl *c, struct err *err);
enum err_code ctl_workspace_show(struct ctl *c, struct err *err);
enum err_code ctl_workspace_list(struct ctl *c, struct err *err);
enum err_code ctl_key_create(struct ctl *c, struct err *err);
enum err_code ctl_key_list(struct ctl *c, struct err *err);
enum err_code ctl_key_revoke(struct ctl *c, struct err *err);
enum err_code ctl_key_set(struct ctl *c, struct err *err); /* ctl_client.c */
enum err_code ctl_key_rotate(struct ctl *c, struct err *err);
enum err_code ctl_owner_create(struct ctl *c, struct err *err);
enum err_code ctl_owner_list(struct ctl *c, struct err *err);
enum err_code ctl_owner_revoke(struct ctl *c, struct err *err);
enum err_code ctl_portal_link(struct ctl *c, struct err *err);
enum err_code ctl_sign_in_show(struct ctl *c, struct err *err);
enum err_code ctl_sign_in_set(struct ctl *c, struct err *err);
enum err_code ctl_sign_in_off(struct ctl *c, struct err *err);
enum err_code ctl_guard_list(struct ctl *c, struct err *err);
enum err_code ctl_guard_release(struct ctl *c, struct err *err);
enum err_code ctl_delivery_create(struct ctl *c, struct err *err);
enum err_code ctl_delivery_set(struct ctl *c, struct err *err);
enum err_code ctl_delivery_rotate(struct ctl *c, struct err *err);
enum err_code ctl_delivery_test(struct ctl *c, struct err *err);
enum err_code ctl_delivery_replay(struct ctl *c, struct err *err);
enum err_code ctl_delivery_revoke(struct ctl *c, struct err *err);
enum err_code ctl_delivery_list(struct ctl *c, struct err *err); /* ctl_delivery_list.c */
enum err_code ctl_delivery_show(struct ctl *c, struct err *err);
enum err_code ctl_delivery_attempts(struct ctl *c, struct err *err);
enum err_code ctl_schema_check(struct ctl *c, struct err *err);
enum err_code ctl_schema_reindex(struct ctl *c, struct err *err);
enum err_code ctl_status(struct ctl *c, struct err *err);
enum err_code ctl_ready(struct ctl *c, struct err *err);
enum err_code ctl_backup(struct ctl *c, struct err *err); /* ctl_backup.c */
enum err_code ctl_backup_role(struct ctl *c, struct err *err);
enum err_code ctl_doctor(struct ctl *c, struct err *err); /* ctl_doctor*.c */
enum err_code ctl_explain(struct ctl *c, struct err *err);
enum err_code ctl_audit_check(struct ctl *c, struct err *err);
enum err_code ctl_audit_prove(struct ctl *c, struct err *err);
enum err_code ctl_audit_verify(struct ctl *c, struct err *err);
enum err_code ctl_audit_search(struct ctl *c, struct err *err);
enum err_code ctl_audit_export(struct ctl *c, struct err *err);
enum err_code ctl_audit_follow(struct ctl *c, struct err *err);
enum err_code ctl_audit_resume(struct ctl *c, struct err *err);
enum err_code ctl_stream_verify(struct ctl *c, struct err *err);
enum err_code ctl_why(struct ctl *c, struct err *err);
enum err_code ctl_activity(struct ctl *c, struct err *err);
enum err_code ctl_login(struct ctl *c, struct err *err);
enum err_code ctl_logout(struct ctl *c, struct err *err);
enum err_code ctl_restore(struct ctl *c, struct err *err); /* ctl_epoch.c */
enum err_code ctl_rooms_rebuild(struct ctl *c, struct err *err);

/* Hands the command (type, workspace, id and payload set by the caller; the rest is filled in here) to
 * usher.commands and waits for its outcome in PostgreSQL, at most `deadline-ms`. ERR_OK: applied. A refusal
 * is returned as its code and sentence. At the deadline the command is cancelled there, so that "nothing was
 * changed" is the truth; ERR_OUTCOME_UNKNOWN only where PostgreSQL cannot be asked. */
enum err_code ctl_command_run(struct ctl *c, struct command *cmd, struct err *err);

/* The operator who runs the tool, by login name and host, as commands and tables name him. */
void ctl_actor(struct actor *a);

/* Printed with a new token. */
#define CTL_SHOWN_ONCE "It is shown this once; only its hash is stored.\n"

/* One part of `status`: Kafka. Appends the member "kafka" (and its lag) as JSON, or lines of text; false if
 * something is wrong. */
bool ctl_status_kafka(struct ctl *c);

#endif
