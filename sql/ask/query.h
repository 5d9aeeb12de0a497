/* What the Management API reads beside SCIM's resources: many queries in one round trip, each of which sees
 * its own workspace alone. Rows come as texts. The statements are those of statements/query.sql. */
#ifndef USHER_SQL_ASK_QUERY_H
#define USHER_SQL_ASK_QUERY_H

#include "ops/runtime/arena.h"
#include "schemas/api/workspace_settings.h"
#include "sql/db.h"

#define QUERY_CELLS 24 /* columns of a row at most */

/* What is asked, its parameters p[0], p[1] …, and the columns of a row. Times are microseconds since 1970. */
enum db_query_kind {
    /* p: room, after (a user's id, NULL = from the first), limit, "true": with users who are held. At least
     * one row; without members, or without the room, the last columns are NULL. One snapshot: the members as
     * they were at seq. */
    QUERY_MEMBERS,
    /* p: user, after (a room's id), limit, held as above. At least one row, as above. */
    QUERY_ROOMS,
    /* p: room, user. One row; room_found, user_found, then the membership or NULL. */
    QUERY_MEMBER,
    /* p: user (NULL: none), room (NULL: none). One row. */
    QUERY_MANAGER,
    /* p: room, user (NULL: named by the next), folded userName. One row; room and user are NULL where they
     * are not there, and so is transmit where the user is no member. */
    QUERY_VOICE,
    /* p: folded userName. Up to one row. */
    QUERY_USER_NAMED,
    /* p: externalId. Up to two rows. */
    QUERY_USER_EXTERNAL,
    /* No p. One row: the settings in the order of workspace_setting_table, as PostgreSQL writes them; then
     * when the workspace was made, and its seats in use. */
    QUERY_WORKSPACE,
    /* p: txn. Up to one row. */
    QUERY_OPERATION,
    /* p: before (a txn, NULL = from the newest), limit. */
    QUERY_ACTIVITY,
    /* p: id (NULL: all), after (an id), limit. In the order of their ids, which is that of their creation. */
    QUERY_KEYS,
    QUERY_OWNERS,
    /* p: after (a key's id), limit. Keys of which the guard has counted anything. */
    QUERY_GUARDS,
    /* p: owner (NULL: all), after (a pass's id), limit. Those that are still good, in the order of their ids.
     */
    QUERY_PASSES,
    /* p: the key that they belong to, id (NULL: all). */
    QUERY_STREAMS,
    /* p: id (NULL: all), after (an id), limit. */
    QUERY_DELIVERIES,
    /* p: id of an endpoint. The newest first, a hundred at most. At least one row, of which all but the first
     * column are NULL where there is no attempt; none where there is no such endpoint. */
    QUERY_DELIVERY_ATTEMPTS,
    /* No p. Up to one row: how people sign in to the portal by a provider. */
    QUERY_SIGN_IN,
    QUERY_KINDS
};
enum {
    COL_MEMBERS_SEQ,
    COL_MEMBERS_EPOCH,
    COL_MEMBERS_FOUND,
    COL_MEMBERS_USER,
    COL_MEMBERS_NAME,
    COL_MEMBERS_DISPLAY,
    COL_MEMBERS_TRANSMIT,
    COL_MEMBERS_SINCE,
    COL_MEMBERS_HELD,
    COL_MEMBERS_COLUMNS
};
enum {
    COL_ROOMS_FOUND,
    COL_ROOMS_ROOM,
    COL_ROOMS_NAME,
    COL_ROOMS_TRANSMIT,
    COL_ROOMS_SINCE,
    COL_ROOMS_HELD,
    COL_ROOMS_COLUMNS
};
enum {
    COL_MEMBER_ROOM,
    COL_MEMBER_USER,
    COL_MEMBER_NAME,
    COL_MEMBER_DISPLAY,
    COL_MEMBER_TRANSMIT,
    COL_MEMBER_HELD,
    COL_MEMBER_SINCE,
    COL_MEMBER_COLUMNS
};
/* THEIRS: an identity provider manages the room, or without one the user. KEY: its name, or NULL */
enum { COL_MANAGER_THEIRS, COL_MANAGER_KEY, COL_MANAGER_MEMBER, COL_MANAGER_COLUMNS };
enum {
    COL_VOICE_SEQ,
    COL_VOICE_EPOCH,
    COL_VOICE_ROOM,
    COL_VOICE_USER,
    COL_VOICE_NAME,
    COL_VOICE_DISPLAY,
    COL_VOICE_ACTIVE,
    COL_VOICE_TRANSMIT,
    COL_VOICE_HELD,
    COL_VOICE_COLUMNS
};
enum { COL_USER_ID, COL_USER_COLUMNS };
#define COL_WORKSPACE_CREATED workspace_setting_count
#define COL_WORKSPACE_SEATS_USED (workspace_setting_count + 1)
/* OUTCOME: a reply's text; NULL: cancelled */
enum { COL_COMMAND_TXN, COL_COMMAND_TYPE, COL_COMMAND_AT, COL_COMMAND_OUTCOME, COL_COMMAND_COLUMNS };

enum {
    COL_KEY_ID,
    COL_KEY_NAME,
    COL_KEY_PREFIX,
    COL_KEY_SCOPES, /* JSON, as are the networks */
    COL_KEY_DIALECT,
    COL_KEY_NETWORKS,
    COL_KEY_RATE,
    COL_KEY_CREATED,
    COL_KEY_CREATED_BY,
    COL_KEY_EXPIRES,
    COL_KEY_OLD_UNTIL, /* NULL where no old token is good any more */
    COL_KEY_REVOKED,
    COL_KEY_REVOKED_BY,
    COL_KEY_LAST_USED,
    COL_KEY_JWKS, /* JSON */
    COL_KEY_JWKS_URI,
    COL_KEY_DRY_SINCE, /* NULL: it changes things */
    COL_KEY_COLUMNS
};
enum {
    COL_OWNER_ID,
    COL_OWNER_NAME,
    COL_OWNER_ROLE,
    COL_OWNER_PREFIX,
    COL_OWNER_CREATED,
    COL_OWNER_CREATED_BY,
    COL_OWNER_EXPIRES,
    COL_OWNER_REVOKED,
    COL_OWNER_REVOKED_BY,
    COL_OWNER_LAST_USED,
    COL_OWNER_COLUMNS
};
enum {
    COL_GUARD_KEY,
    COL_GUARD_NAME,
    COL_GUARD_USERS_AT,
    COL_GUARD_MEMBERS_AT = COL_GUARD_USERS_AT + 3,
    COL_GUARD_COLUMNS = COL_GUARD_MEMBERS_AT + 3
};
enum {
    COL_DELIVERY_ID,
    COL_DELIVERY_NAME,
    COL_DELIVERY_URL,
    COL_DELIVERY_EVENTS, /* JSON */
    COL_DELIVERY_SIGNATURE,
    COL_DELIVERY_PREFIX,
    COL_DELIVERY_PUBLIC_KEY,
    COL_DELIVERY_OLD_UNTIL, /* NULL where the old secret does not sign any more */
    COL_DELIVERY_STATE,
    COL_DELIVERY_REASON,
    COL_DELIVERY_CREATED,
    COL_DELIVERY_CREATED_BY,
    COL_DELIVERY_CURSOR,
    COL_DELIVERY_NEWEST,
    COL_DELIVERY_FAILURES,
    COL_DELIVERY_FAILING_SINCE,
    COL_DELIVERY_NEXT_TRY, /* NULL where nothing has failed */
    COL_DELIVERY_SUCCEEDED,
    COL_DELIVERY_LOST,
    COL_DELIVERY_RECEIVER, /* the key that a stream belongs to; NULL: it is no stream */
    COL_DELIVERY_WAITING,  /* since when its next message waits; NULL: there is none */
    COL_DELIVERY_COLUMNS
};
enum { COL_STREAM_ID, COL_STREAM_DOC, COL_STREAM_COLUMNS };
enum {
    COL_ATTEMPT_DELIVERY,
    COL_ATTEMPT_N,
    COL_ATTEMPT_AT,
    COL_ATTEMPT_NUMBER,
    COL_ATTEMPT_EVENT,
    COL_ATTEMPT_TYPE,
    COL_ATTEMPT_STATUS,
    COL_ATTEMPT_ERROR,
    COL_ATTEMPT_ANSWER,
    COL_ATTEMPT_DURATION,
    COL_ATTEMPT_NEXT_TRY,
    COL_ATTEMPT_COLUMNS
};
enum { COL_SIGN_IN_ISSUER, COL_SIGN_IN_CLIENT, COL_SIGN_IN_SECRET, COL_SIGN_IN_PEOPLE, COL_SIGN_IN_COLUMNS };
/* From COL_GUARD_USERS_AT on, and from COL_GUARD_MEMBERS_AT on. All NULL: nothing was counted. */
enum { COL_GUARD_REMOVED, COL_GUARD_BASE, COL_GUARD_TRIPPED };

enum {
    COL_PASS_ID,
    COL_PASS_KIND,
    COL_PASS_OWNER,
    COL_PASS_OWNER_NAME,
    COL_PASS_OWNER_ROLE,
    COL_PASS_KEY, /* NULL: of no key */
    COL_PASS_KEY_NAME,
    COL_PASS_DIALECT,
    COL_PASS_WAY,
    COL_PASS_SOURCE,
    COL_PASS_AGENT,
    COL_PASS_MADE,
    COL_PASS_SEEN, /* NULL: a link */
    COL_PASS_EXPIRES,
    COL_PASS_COLUMNS
};

struct db_query {
    /* in */
    enum db_query_kind kind;
    const char *workspace; /* id */
    const char *p[4];
    struct arena *arena; /* rows live there */
    /* out */
    const char *(*rows)[QUERY_CELLS]; /* texts; NULL = NULL */
    size_t nrows;
};

/* Runs all. On error no query has rows. */
enum err_code db_query_batch(struct db *db, struct db_query *const *looks, size_t n, struct err *err);

int64_t db_cell_int(const char *cell); /* 0 for NULL */
bool db_cell_bool(const char *cell);

#endif
