/* Reads of the Management API that are no SCIM resources: many in one round trip, each under the row-level
 * security context of its own workspace. Rows come as texts. */
#ifndef USHER_SQL_ASK_QUERY_H
#define USHER_SQL_ASK_QUERY_H

#include "ops/runtime/arena.h"
#include "schemas/api/workspace_settings.h"
#include "sql/db.h"

#define LOOK_CELLS 24 /* columns of a row at most */

/* What is asked, its parameters p[0], p[1] …, and the columns of a row. Times are microseconds since 1970. */
enum look_kind {
    /* p: room, after (a user's id, NULL = from the first), limit. At least one row; without members, or
     * without the room, the last columns are NULL. One snapshot: the members as they were at seq. */
    LOOK_MEMBERS,
    /* p: user, after (a room's id), limit. At least one row, as above. */
    LOOK_ROOMS,
    /* p: room, user. One row; room_found, user_found, then the membership or NULL. */
    LOOK_MEMBER,
    /* p: folded userName. Up to one row. */
    LOOK_USER_NAMED,
    /* p: externalId. Up to two rows. */
    LOOK_USER_EXTERNAL,
    /* No p. One row: the settings in the order of workspace_setting_table, as PostgreSQL writes them; then
     * when the workspace was made, and its seats in use. */
    LOOK_WORKSPACE,
    /* p: txn. Up to one row. */
    LOOK_OPERATION,
    /* p: before (a txn, NULL = from the newest), limit. */
    LOOK_ACTIVITY,
    /* p: id (NULL: all), after (an id), limit. In the order of their ids, which is that of their creation. */
    LOOK_KEYS,
    LOOK_OWNERS,
    /* p: after (a key's id), limit. Keys of which the guard has counted anything. */
    LOOK_GUARDS,
    /* p: id, who revokes. One row. These write, at once and durably (look_writes). */
    LOOK_REVOKE_KEY,
    LOOK_REVOKE_OWNER,
    LOOK_KINDS
};
enum {
    MEMBERS_SEQ,
    MEMBERS_FOUND,
    MEMBERS_USER,
    MEMBERS_NAME,
    MEMBERS_DISPLAY,
    MEMBERS_TRANSMIT,
    MEMBERS_SINCE
};
enum { ROOMS_FOUND, ROOMS_ROOM, ROOMS_NAME, ROOMS_TRANSMIT, ROOMS_SINCE };
enum { MEMBER_ROOM, MEMBER_USER, MEMBER_NAME, MEMBER_DISPLAY, MEMBER_TRANSMIT, MEMBER_HELD, MEMBER_SINCE };
enum { LOOK_USER_ID };
#define WORKSPACE_CREATED workspace_setting_count
#define WORKSPACE_SEATS_USED (workspace_setting_count + 1)
/* OUTCOME: a reply's text; NULL: cancelled */
enum { COMMAND_TXN, COMMAND_TYPE, COMMAND_AT, COMMAND_OUTCOME };

enum {
    KEY_ID,
    KEY_NAME,
    KEY_PREFIX,
    KEY_SCOPES, /* JSON, as are the networks */
    KEY_DIALECT,
    KEY_NETWORKS,
    KEY_RATE,
    KEY_CREATED,
    KEY_CREATED_BY,
    KEY_EXPIRES,
    KEY_OLD_UNTIL, /* NULL where no old token is good any more */
    KEY_REVOKED,
    KEY_REVOKED_BY,
    KEY_LAST_USED
};
enum {
    OWNER_ID,
    OWNER_NAME,
    OWNER_ROLE,
    OWNER_PREFIX,
    OWNER_CREATED,
    OWNER_CREATED_BY,
    OWNER_EXPIRES,
    OWNER_REVOKED,
    OWNER_REVOKED_BY,
    OWNER_LAST_USED
};
enum { GUARD_KEY, GUARD_NAME, GUARD_USERS_AT, GUARD_MEMBERS_AT = GUARD_USERS_AT + 3 };
enum { GUARD_REMOVED, GUARD_BASE, GUARD_TRIPPED }; /* each of both; all NULL: nothing was counted */
enum { REVOKE_KNOWN, REVOKE_RESULT };              /* RESULT of an owner: revoked, gone (already), last */

struct look {
    /* in */
    enum look_kind kind;
    const char *workspace; /* id */
    const char *p[4];
    struct arena *arena; /* rows live there */
    /* out */
    const char *(*rows)[LOOK_CELLS]; /* texts; NULL = NULL */
    size_t nrows;
};

/* Runs all. On error no look has rows. */
enum err_code look_batch(struct db *db, struct look *const *looks, size_t n, struct err *err);

/* It changes something: to be run alone, on a connection whose commits are durable. */
bool look_writes(enum look_kind kind);

int64_t look_int(const char *cell); /* 0 for NULL */
bool look_bool(const char *cell);

#endif
