/* A unit of work: one transaction of a worker on the tables, seen as objects in memory.
 *
 * The worker says what a batch of commands will touch (unit_want_*); unit_begin locks the workspaces and
 * loads all of it in one round trip; the worker decides and changes the objects, one command after the other;
 * unit_commit writes the differences with one set-based statement per table and kind, and commits, in one
 * more round trip. What was not announced is fetched when it is asked for.
 *
 * What must stay true: the workspaces' rows are locked first, so nobody else changes anything of them until
 * the commit; objects are changed only after every check of a command has passed, so of a refused command no
 * change is left behind, but for what counts refusals: its Bulk's failures, and the guard that it has
 * tripped; objects live until unit_free. */
#ifndef USHER_SQL_UNIT_UNIT_H
#define USHER_SQL_UNIT_UNIT_H

#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/types/schema.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct unit;

/* Life of a row within the unit. */
enum row_state {
    ROW_ABSENT,  /* not in the database, not made here */
    ROW_LOADED,  /* as in the database */
    ROW_NEW,     /* made here */
    ROW_CHANGED, /* loaded, then changed here */
    ROW_DELETED, /* was in the database, deleted here */
};
static inline bool row_alive(enum row_state s) {
    return s == ROW_LOADED || s == ROW_NEW || s == ROW_CHANGED;
}

struct unit_workspace {
    char id[37];
    enum row_state state;
    struct workspace_settings settings;
    bool settings_changed;   /* set by whoever changes them */
    const char *stored_name; /* as in the database */
    int64_t seats_used;
    int64_t epoch; /* in which these numbers count; as in the database */
    int64_t membership_seq, audit_seq, events_seq;
    int64_t stored_counts[4];       /* those four as in the database */
    int64_t users_total;            /* as in the database */
    int64_t users_more, rooms_more; /* to be counted beyond what the unit makes and deletes */
    bool owners_loaded, deliveries_loaded;
    char sliced[37]; /* txn of a large command whose slices are under way: nothing else may change; "" none */
    struct unit_plan *plan; /* what is left of it, once it is asked for */
};

struct unit_key {
    char id[37];
    struct unit_workspace *workspace;
    enum row_state state;
    const char *name, *token_hash_hex, *prefix, *dialect, *created_by;
    const char *scopes;             /* text form of a PostgreSQL array */
    const char *networks;           /* the same; NULL: any */
    const char *jwks, *jwks_uri;    /* the client's public keys, JSON, or where they are; NULL: none */
    int64_t rate;                   /* 0: the workspace's */
    int64_t dry_since_us;           /* every change is only tried since then; 0: it is not */
    int64_t expires_us;             /* 0: never */
    const char *old_token_hash_hex; /* the token before the last rotation; NULL: there was none … */
    int64_t old_until_us;           /* … which is good until then; 0: it is dead */
    bool revoked, stored_revoked;
    const char *revoked_by;
};

/* Credential of somebody who runs the workspace. */
struct unit_owner {
    char id[37];
    struct unit_workspace *workspace;
    enum row_state state;
    const char *name, *role, *token_hash_hex, *prefix, *created_by;
    int64_t expires_us; /* 0: never */
    bool revoked;
    const char *revoked_by;
};

/* A message for one endpoint alone. */
struct unit_saying {
    const char *type, *event, *value; /* event: what stands for a ce_id */
    bool at_once;                     /* it goes beside the others, whatever state the endpoint is in */
    struct unit_saying *next;
};

/* An endpoint that events are delivered to over HTTP. */
struct unit_delivery {
    char id[37];
    struct unit_workspace *workspace;
    enum row_state state;
    const char *doc;     /* JSON: what everybody may see of it */
    const char *secrets; /* sealed: the present one, and behind a blank the one before it */
    /* Set by commands of this unit. */
    bool moves;               /* its cursor is set … */
    int64_t since_us;         /* … to the last message before this moment, or, where that is 0, … */
    int64_t after;            /* … to this number */
    const char *asked;        /* messages to be sent once more: text form of a PostgreSQL array; NULL: none */
    struct unit_saying *says; /* behind all that the log has by then, the first one first; NULL: nothing */
};

/* How people sign in to the portal by an OpenID provider; ROW_ABSENT: they do not. */
struct unit_sign_in {
    struct unit_workspace *workspace;
    enum row_state state;
    const char *doc;    /* JSON (schemas/api/sign_in.h) */
    const char *secret; /* of the client, sealed; NULL: none */
};

/* That a user has logged in: ROW_ABSENT until the first time. */
struct unit_login {
    char user[37];
    struct unit_workspace *workspace;
    enum row_state state;
    int64_t first_us, last_us, times;
};

/* How much one key has removed within the window of the guard against mass changes. */
#define GUARD_BUCKETS 16
enum guard_kind { GUARD_USERS, GUARD_MEMBERS, GUARD_KINDS };
struct unit_guard {
    char key[37];
    struct unit_workspace *workspace;
    enum guard_kind kind;
    enum row_state state;
    int64_t head;                 /* number of the newest bucket, a sixteenth of the window each */
    int64_t slots[GUARD_BUCKETS]; /* bucket b in slot b mod 16 */
    int64_t base, base_at;        /* how many there were, and in which bucket they were counted */
    int64_t tripped_us;           /* 0: not */
};

/* A user, a room, or a resource of a type that an operator defined: what all have. */
struct unit_keys;
struct unit_resource {
    char id[37];
    const struct resource_type *rt;
    bool doc_changed; /* the row is to be written whole; else a changed room gets its new version only */
    struct unit_workspace *workspace;
    enum row_state state;
    const char *name, *name_key; /* userName or displayName, and its folded form; others: NULL */
    const char *display_name, *display_name_key; /* users only; may be NULL */
    const char *external_id;                     /* may be NULL */
    bool active, seat;                           /* users only */
    bool managed;                                /* users and rooms: an identity provider's … */
    const char *managed_by;                      /* … through this key; NULL: not known */
    bool stored_active, stored_seat;             /* as in the database */
    const char *doc;                             /* JSON text; NULL until it is wanted (unit_doc) */
    const char *search;                          /* JSON text; set when the row is made or changed */
    int64_t version, created_us, modified_us;
    int64_t stored_version;                     /* as loaded */
    int64_t generation;                         /* the end of the row's key, as loaded */
    const struct unit_keys *keys, *stored_keys; /* see unit_reindex */
    struct unit_member
        *members; /* a room's or a user's known memberships, linked; all of them once members_complete */
    bool members_complete;
};

struct unit_member {
    struct unit_resource *room, *user; /* at least id and name are known; doc may not be loaded */
    bool present;                      /* a row stands */
    bool held;                         /* … but the user is inactive */
    bool transmit;
    bool was_present, was_held, was_transmit; /* in the database */
    bool counted; /* A mark for whoever counts members, each of them once. False in between. */
    struct unit_member *next_of_room, *next_of_user;
};

/* How many commands of a Bulk have been refused. */
struct unit_bulk {
    struct unit_workspace *workspace;
    char txn[37];
    int failures, stored_failures;
};

/* A command known by its txn. */
struct unit_claim {
    bool known;
    bool cancelled;
    const char *outcome; /* JSON text of the reply */
    const char *event;   /* who accepted the command is asked for it later (record_store.c), or NULL */
    /* Of versions before alone: where the command stood, and records that may not have been emitted. */
    int origin_partition;
    int64_t origin_offset;
    const char *records;
};

/* Where rows come from and go to: PostgreSQL, or memory in tests. */
struct db;
struct unit_backend;
struct unit_store {
    const struct unit_backend *backend;
    void *at;          /* the backend's: a connection, or the tables in memory */
    size_t slice_rows; /* memberships that one transaction of a large command changes at most; 0: as usual */
    size_t step_rows;  /* users that one looks up at most before the decision; 0: as usual */
};
struct unit_store unit_postgres(struct db *db);

#define UNIT_SLICE_ROWS 800
#define UNIT_STEP_ROWS 5000
struct unit *unit_new(struct unit_store store);
void unit_free(struct unit *u); /* rolls back what was not committed */
struct arena *unit_arena(struct unit *u);
size_t unit_slice_rows(const struct unit *u);
size_t unit_step_rows(const struct unit *u);

/* Announce what will be needed, the workspace first. What is announced after unit_begin is loaded with the
 * next fetch. */
struct unit_workspace *unit_want_workspace(struct unit *u, const char *workspace);
void unit_want_claim(struct unit *u, struct unit_workspace *w, const char *txn);
void unit_want_key(struct unit *u, struct unit_workspace *w, const char *key);
void unit_want_owners(struct unit *u, struct unit_workspace *w);
void unit_want_deliveries(struct unit *u, struct unit_workspace *w); /* all of them */
void unit_want_sign_in(struct unit *u, struct unit_workspace *w);
void unit_want_login(struct unit *u, struct unit_workspace *w, const char *user);
/* Unmanaged users by folded e-mail address. This is only noted: all announced addresses are fetched together
 * when the first of them is asked for, because few workspaces ever ask. */
void unit_want_mail(struct unit *u, struct unit_workspace *w, const char *mail_key);
void unit_want_resource(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                        const char *id, bool doc);
/* Of users and rooms; folded. */
void unit_want_name(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                    const char *name_key);
/* The unique values of a document. */
void unit_want_values(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                      const json_t *doc);
void unit_want_bulk(struct unit *u, struct unit_workspace *w, const char *txn);
/* A resource of whatever type. */
void unit_want_any(struct unit *u, struct unit_workspace *w, const char *id);
void unit_want_member(struct unit *u, struct unit_workspace *w, const char *room, const char *user);

/* BEGIN, lock the workspaces, load what was announced. One round trip. */
enum err_code unit_begin(struct unit *u, struct err *err);

/* Lookups; they load on demand, so they can fail: on a database error they return NULL and unit_error says
 * why. Ids that are not UUIDs are never found. A found object may be ROW_ABSENT or ROW_DELETED: ask
 * row_alive. */
struct unit_claim *unit_claim(struct unit *u, struct unit_workspace *w, const char *txn);
struct unit_key *unit_key(struct unit *u, struct unit_workspace *w, const char *id);
struct unit_owner *unit_owner(struct unit *u, struct unit_workspace *w, const char *id);
/* Is there a living credential of role owner besides this one? */
bool unit_other_owner(struct unit *u, struct unit_workspace *w, const struct unit_owner *except,
                      int64_t now_us);
struct unit_delivery *unit_delivery(struct unit *u, struct unit_workspace *w, const char *id);
struct unit_sign_in *unit_sign_in(struct unit *u, struct unit_workspace *w);
struct unit_login *unit_login(struct unit *u, struct unit_workspace *w, const char *user);
struct unit_guard *unit_guard(struct unit *u, struct unit_workspace *w, const char *key,
                              enum guard_kind kind);
struct unit_resource *unit_resource(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                                    const char *id);
/* Users who may have this folded e-mail address: as one of their addresses, or as their userName. The caller
 * looks at each: deleted and managed users may be among them, and the address need not be the main one. */
struct unit_resource *const *unit_mail_holders(struct unit *u, struct unit_workspace *w, const char *mail_key,
                                               size_t *n);
const char *unit_doc(struct unit *u, struct unit_resource *r); /* the document's text */
/* Is the name in use by a living resource other than `except` (may be NULL)? */
bool unit_name_taken(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                     const char *name_key, const struct unit_resource *except);
/* Has another living resource than `except` (may be NULL) a unique value of this document? *path: the
 * attribute. */
bool unit_value_taken(struct unit *u, struct unit_workspace *w, const struct resource_type *rt,
                      const json_t *doc, const struct unit_resource *except, const char **path);
struct unit_bulk *unit_bulk(struct unit *u, struct unit_workspace *w, const char *txn);
/* Is there a living resource of this id, of whatever type? */
bool unit_any(struct unit *u, struct unit_workspace *w, const char *id);
struct unit_member *unit_member(struct unit *u, struct unit_resource *room, struct unit_resource *user);
/* The memberships of a room or a user, held ones too: afterwards r->members is complete, or there are more
 * than one transaction may change. False on a database error. */
bool unit_load_members(struct unit *u, struct unit_resource *r);
bool unit_workspace_name_free(struct unit *u, const char *name);
/* How many active users, or memberships of active users, there are now; -1 on a database error. Reads the
 * workspace's rows. */
int64_t unit_count(struct unit *u, struct unit_workspace *w, enum guard_kind kind);
/* How many keys, or credentials of owners and administrators, are not revoked; -1 on a database error. */
int64_t unit_count_keys(struct unit *u, struct unit_workspace *w);
int64_t unit_count_owners(struct unit *u, struct unit_workspace *w);
/* How many endpoints there are; -1 on a database error. */
int64_t unit_count_deliveries(struct unit *u, struct unit_workspace *w);
/* Gives and takes seats as the workspace's seat mode says, at once for all its users, and counts them. Nobody
 * is refused. False on a database error. Only where there are few users: unit_next_seats goes step by step.
 */
bool unit_recount_seats(struct unit *u, struct unit_workspace *w);
enum err_code unit_error(const struct unit *u, struct err *err); /* ERR_OK while all went well */

/* Changes. Texts must live as long as the unit (its arena). A user's seat is written by itself, without
 * touch.
 */
void unit_touch(struct unit_resource *r,
                bool doc_changed);          /* to be written: LOADED becomes CHANGED, ABSENT becomes NEW */
void unit_row_touch(enum row_state *state); /* the same for keys, owners, endpoints, logins and guards */
void unit_rename(struct unit *u, struct unit_resource *r, const char *name, const char *name_key);
/* What a resource is looked up by follows its document: call with every change of it. before: as it was until
 * now (NULL: made here), after: NULL where it is deleted. */
void unit_reindex(struct unit *u, struct unit_resource *r, const json_t *before, const json_t *after);
void unit_delete(struct unit_resource *r);
/* outcome NULL: nobody asks for it. */
void unit_claim_set(struct unit *u, struct unit_workspace *w, const char *txn, const char *type,
                    const char *outcome, const char *event);
/* Its records of a version before go out with this transaction. */
void unit_claim_emits(struct unit *u, struct unit_workspace *w, const char *txn);

/* A row for the outbox of a partition (schemas/stream/row.h); n = 0: none. Call it for each partition whose
 * commands, or slices of commands, the unit carries, also where it makes no record: who has lost the
 * partition meanwhile is refused with ERR_DB_FENCED, and nothing is committed. epoch: under which the
 * partition was taken; number: of the row. The bytes live as long as the unit. */
void unit_outbox(struct unit *u, int partition, int64_t epoch, int64_t number, const void *bytes, size_t n);

/* Writes everything and commits. One round trip. On error nothing was committed, except ERR_DB_LOST: unknown
 * (the claims tell, next time; and the numbers of rows are to be asked for anew). */
enum err_code unit_commit(struct unit *u, struct err *err);

/* ---- large commands ----
 *
 * Their rows are too many for one transaction (ops/DESIGN.md, "Slices"): what is asked to decide one without
 * an object for each row, and the plan by which it is done slice by slice.
 *
 * What must stay true: a plan is made by a command that is alone in its transaction, since what is asked here
 * is what is stored, without what a unit has changed. While a workspace has a plan, nothing else of it
 * changes. */

/* A part of many rows, in the order of their ids. */
struct unit_page {
    char after[37]; /* the last id before it; then the last one in it */
    size_t limit;
    size_t n; /* so many came */
};

/* What is left to do of a large command. Texts and lists live as long as the unit. */
struct unit_plan {
    enum row_state state; /* NEW, LOADED, CHANGED (the cursor has moved), DELETED (all is done) */
    char txn[37];
    int partition;    /* of usher.commands */
    const char *work; /* JSON text: what each slice needs to know (workers/apply/plan.h) */
    char hidden_room[37], hidden_user[37]; /* no door shows the room and its members, the user in rooms */
    bool user_gone;                        /* … nor the user at all */
    /* Three lists, done one behind the other. A new plan has them whole; of a stored one, what comes next. */
    const struct uuid_bytes *removes, *adds;
    const char *const *unknown;
    size_t nremoves, nadds, nunknown;
    size_t total; /* of all three, as stored */
    /* The cursor. */
    int64_t done;   /* how many of the lists */
    char after[37]; /* or up to which id */
    int64_t counted;
};

/* The plan of a workspace with the next ids of its lists, at most `limit`. NULL: there is none, or the unit
 * has failed. */
struct unit_plan *unit_plan(struct unit *u, struct unit_workspace *w, size_t limit);
/* A new one, for the command that is being decided. */
struct unit_plan *unit_plan_new(struct unit *u, struct unit_workspace *w, const char *txn, int partition);

/* A member of a room, as it is stored. */
struct unit_seen {
    const char *id;
    bool held;
    const char *name, *display_name; /* NULL where they were not asked for */
};

/* Each is false on a database error. */
bool unit_next_members(struct unit *u, struct unit_resource *r, struct unit_page *page);
/* The same of a room without an object for each: calls fn for every member of the page. The texts live as
 * long as the call. */
bool unit_see_members(struct unit *u, const struct unit_resource *room, bool names, struct unit_page *page,
                      void (*fn)(const struct unit_seen *m, void *ctx), void *ctx);
/* What there is of these users, whose ids are sorted. A member of the room is said to be one; room NULL:
 * nobody is asked for that. */
enum unit_known { UNIT_UNKNOWN, UNIT_INACTIVE, UNIT_ACTIVE, UNIT_HELD, UNIT_MEMBER };
bool unit_known_users(struct unit *u, const struct unit_workspace *w, const struct unit_resource *room,
                      const struct uuid_bytes *ids, size_t n, enum unit_known *known);
/* How many members of a room others see. */
bool unit_count_members(struct unit *u, const struct unit_resource *room, int64_t *n);
/* Seats of the next users; *n: how many of them have one now. */
bool unit_next_seats(struct unit *u, struct unit_workspace *w, struct unit_page *page, int64_t *n);

#endif
