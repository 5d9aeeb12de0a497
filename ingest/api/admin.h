/* The admin API: what owners and administrators do with their workspace. The table of routes says who may
 * call which handler. Every change is a command. A revocation is written to the database before, so that it
 * works without the log. */
#ifndef USHER_INGEST_API_ADMIN_H
#define USHER_INGEST_API_ADMIN_H

#include "ingest/api/api.h"
#include "ingest/request/command.h"
#include "sql/ask/audit.h"

/* admin_workspace.c */
extern const struct handler admin_workspace_patch;
/* admin_key.c */
/* Writes a row of QUERY_KEYS as a JSON object, with jb_sep. */
void admin_key_put(struct jbuf *b, const char *const *row);
/* Rotates the key r->resource_id, as the body says (overlapSeconds): begin of a handler whose other steps are
 * those of admin_key_rotate. */
enum step admin_key_rotate_one(struct request *r);
extern const struct handler admin_key_list, admin_key_get, admin_key_create, admin_key_set, admin_key_rotate,
    admin_key_revoke;
/* admin_dry_run.c */
extern const struct handler admin_key_dry_run;
/* admin_owner.c */
extern const struct handler admin_owner_list, admin_owner_get, admin_owner_create, admin_owner_revoke;
/* admin_audit.c */
/* Writes a record as {"id","tree","index","record"}, with jb_sep. */
void admin_audit_put(struct jbuf *b, const struct audit_record *row);
extern const struct handler admin_audit_list;
/* admin_follow.c */
extern const struct handler admin_audit_follow;
/* admin_export.c, admin_proof.c */
extern const struct handler admin_audit_export, admin_proof_change, admin_proof_request, admin_proof_txn,
    admin_checkpoints;
/* admin_activity.c */
extern const struct handler admin_activity;
/* admin_guard.c */
extern const struct handler admin_guard_list, admin_guard_release;
/* admin_delivery.c */
extern const struct handler admin_delivery_list, admin_delivery_get, admin_delivery_create,
    admin_delivery_set, admin_delivery_delete, admin_delivery_rotate, admin_delivery_test,
    admin_delivery_replay, admin_delivery_attempts;

/* admin_sign_in.c */
extern const struct handler admin_sign_in_get, admin_sign_in_set, admin_sign_in_end;

/* ---- what they share (admin.c) ---- */

/* Begins a list in pages: reads limit and cursor, and makes a query for one row more than the page has. p:
 * the index of the parameter "after which id" of the query; the limit is the next parameter. */
enum step admin_list(struct request *r, const char *what, int kind, size_t p);
/* Answers with the rows of the page and the cursor of the next page. put writes a row as a JSON object (with
 * jb_sep); id is the column of the id. */
enum step admin_list_answer(struct request *r, const char *what, size_t id,
                            void (*put)(struct jbuf *b, const char *const *row));

/* The id in the path becomes r->resource_id; false: 404 is answered. */
bool admin_id(struct request *r, const char *what);
/* Checks that the body has no members but `known`, which ends with NULL. body NULL is fine. */
enum err_code admin_members(const json_t *body, const char *const *known, struct err *err);
/* Reads "name" of a new key or owner. */
enum err_code admin_name(const json_t *body, const char *what, const char **name, struct err *err);
/* Reads "expires": a time of RFC 3339 in the future; null or absent: 0. */
enum err_code admin_expires(const json_t *body, int64_t *expires_us, struct err *err);

/* Makes the command, with the resource that it carries; takes the reference over. */
enum step admin_publish(struct request *r, enum command_type type, json_t *resource);

#endif
