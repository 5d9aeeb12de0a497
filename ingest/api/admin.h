/* The admin API: what owners and administrators do with their workspace. Handlers of rows of api_routes[];
 * who may call which stands there. Every change is a command; a revocation is written to the database first,
 * so that it needs no log. */
#ifndef USHER_INGEST_API_ADMIN_H
#define USHER_INGEST_API_ADMIN_H

#include "ingest/api/api.h"
#include "ingest/request/command.h"

/* admin_workspace.c */
extern const struct handler admin_workspace_patch;
/* admin_key.c */
extern const struct handler admin_key_list, admin_key_get, admin_key_create, admin_key_rotate,
    admin_key_revoke;
/* admin_owner.c */
extern const struct handler admin_owner_list, admin_owner_get, admin_owner_create, admin_owner_revoke;
/* admin_guard.c */
extern const struct handler admin_guard_list, admin_guard_release;

/* ---- what they share (admin.c) ---- */

/* A list in pages: limit and cursor are read, and the query asks for one row more than the page has. p: of
 * the query's parameters the one that says after which id; the limit stands behind it. */
enum step admin_list(struct request *r, const char *what, int kind, size_t p);
/* The answer: the rows of the query that belong to the page, each put as a JSON object (with jb_sep), and the
 * cursor behind the last, by the column of its id. */
enum step admin_list_answer(struct request *r, const char *what, size_t id,
                            void (*put)(struct jbuf *b, const char *const *row));

/* The id in the path becomes r->resource_id; false: 404 is answered. */
bool admin_id(struct request *r, const char *what);
/* The body's members are all known: `known` ends with NULL. body NULL is fine. */
enum err_code admin_members(const json_t *body, const char *const *known, struct err *err);
/* "name" of a new key or owner. */
enum err_code admin_name(const json_t *body, const char *what, const char **name, struct err *err);
/* "expires": RFC 3339, in the future; null or absent: 0. */
enum err_code admin_expires(const json_t *body, int64_t *expires_us, struct err *err);

/* The resource that the command carries; becomes the request's. */
enum step admin_publish(struct request *r, enum command_type type, json_t *resource);

#endif
