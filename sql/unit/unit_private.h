/* Inside of the unit of work: shared by unit.c (objects), unit_load.c and unit_store.c (statements). */
#ifndef USHER_SQL_UNIT_UNIT_PRIVATE_H
#define USHER_SQL_UNIT_UNIT_PRIVATE_H

#include "ops/runtime/jbuf.h"
#include "sql/unit/unit.h"

enum unit_kind {
    UNIT_WORKSPACES,
    UNIT_CLAIMS,
    UNIT_KEYS,
    UNIT_OWNERS, /* all of a workspace */
    UNIT_USERS,
    UNIT_USER_NAMES,
    UNIT_ROOMS,
    UNIT_ROOM_NAMES,
    UNIT_CUSTOM, /* resources of an operator's types */
    UNIT_VALUES, /* unique ones, and who has them */
    UNIT_BULKS,
    UNIT_MEMBERS,
    UNIT_LOGINS,
    UNIT_GUARDS,
    UNIT_MAILS, /* users by e-mail address; loaded when the first is asked for */
    UNIT_KINDS
};

/* What is announced and not yet loaded. */
struct want {
    struct unit_workspace *workspace;
    const char *a, *b; /* id, txn or folded name; resources: id and the type's name; members: room and user;
                          values: the type's name, path and key; guards: key and kind */
    const char *c;
    bool doc;
};

struct name_entry { /* who has, or had, a name or an e-mail address */
    struct unit_resource **rows;
    size_t n, cap;
    bool loaded; /* (e-mail addresses) */
};

/* What a resource is looked up by: sorted, each pair of path and key once. */
struct unit_key_row {
    const char *path, *key;
    bool unique;
};
struct unit_keys {
    struct unit_key_row *rows;
    size_t n, cap;
};

struct unit_value {
    char holder[37]; /* id of who has it; "" nobody */
};

struct unit_claim_row {
    struct unit_claim claim;
    struct unit_workspace *workspace;
    const char *txn, *type;
    bool fresh; /* made here: to be inserted */
};

struct object { /* any object of the unit, in the order of its making */
    void *p;
    struct object *next;
};

struct unit {
    struct db *db;
    struct arena *arena;
    bool begun;
    bool mails_asked;
    struct err err;
    void *index[UNIT_KINDS]; /* tsearch trees of struct node, by text key */
    struct object *objects[UNIT_KINDS], **tail[UNIT_KINDS];
    struct want *wants[UNIT_KINDS];
    size_t nwants[UNIT_KINDS], wants_cap[UNIT_KINDS];
    struct db_result **results; /* kept: the objects' texts are theirs */
    size_t nresults, results_cap;
};

/* key: workspace id, then a, then b ("" where there is none). */
void *unit_find(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b);
void unit_enter(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b, void *object);
void unit_keep(struct unit *u, struct db_result *r);
enum unit_kind unit_rows_of(const struct resource_type *rt);  /* where its objects are */
enum unit_kind unit_names_of(const struct resource_type *rt); /* and its names: users and rooms alone */
struct unit_resource *unit_resource_new(struct unit *u, const struct resource_type *rt,
                                        struct unit_workspace *w, const char *id);
struct unit_resource *unit_resource_find(struct unit *u, const struct resource_type *rt,
                                         const struct unit_workspace *w, const char *id);
struct unit_member *unit_member_new(struct unit *u, struct unit_resource *room, struct unit_resource *user);
void unit_name_enter(struct unit *u, struct unit_resource *r);
void unit_entry_add(struct unit *u, struct name_entry *e, struct unit_resource *r);
/* Under its e-mail addresses, as far as anybody asked for them. */
void unit_mail_enter(struct unit *u, struct unit_resource *r);
struct name_entry *unit_name_entry(struct unit *u, enum unit_kind names, const struct unit_workspace *w,
                                   const char *key, bool make);
void unit_want(struct unit *u, enum unit_kind kind, struct want want); /* copies the texts */
struct unit_value *unit_value_find(struct unit *u, const struct unit_workspace *w, const char *type,
                                   const char *path, const char *key);
struct unit_value *unit_value_enter(struct unit *u, const struct unit_workspace *w, const char *type,
                                    const char *path, const char *key);
/* The rows of resource_keys that differ from what is stored. */
void unit_keys_changes(const struct unit_resource *r,
                       void (*fn)(const struct unit_resource *r, const struct unit_key_row *row, bool gone,
                                  void *ctx),
                       void *ctx);

/* Arrays of one statement's parameters, column by column. */
#define UNIT_MAX_COLUMNS 17
struct unit_rows {
    struct jbuf column[UNIT_MAX_COLUMNS];
    int ncolumns;
    size_t n;
};
void unit_rows_begin(struct unit_rows *r, int ncolumns);
/* A row's first two columns. */
void unit_rows_add(struct unit_rows *r, const char *workspace, const char *id);
/* Sends the statement unless there are no rows; frees the arrays. Counts sent statements. */
void unit_rows_send(struct unit_rows *r, struct unit *u, const char *sql, size_t *sent);

/* For loads and stores: a bigint of microseconds since 1970 from a timestamptz, and back. */
#define UNIT_MICROS(column) "(extract(epoch FROM " column ") * 1000000)::bigint"
#define UNIT_TIME(micros) "CASE WHEN " micros " > 0 THEN to_timestamp(" micros " / 1000000.0) END"
/* For each row of `a` the rows of a table that match, found through an index of all the columns named. OFFSET
 * 0 keeps the planner from turning the join round: on a young table, which it takes for empty, it would read
 * all of a workspace's rows to find these few, and keep that plan. */
#define UNIT_EACH(table, condition)                                                                          \
    " CROSS JOIN LATERAL (SELECT * FROM " table " t WHERE t.workspace_id = a.w AND " condition " OFFSET 0) "

/* unit_control.c: credentials, logins, guards. */
extern const char unit_keys_sql[], unit_owners_sql[], unit_logins_sql[], unit_guards_sql[];
void unit_take_control(struct unit *u, enum unit_kind kind, const struct db_result *r, size_t row);
/* Something wanted is known to be absent, if it did not come. */
void unit_settle_control(struct unit *u, enum unit_kind kind, const struct want *x);
void unit_store_control(struct unit *u, size_t *sent);
/* unit_workspace.c */
const char *unit_workspace_sql(void);
void unit_take_workspace(struct unit *u, const struct db_result *r, size_t row);
void unit_store_workspaces(struct unit *u, size_t *sent);

/* Loads all that is wanted: one round trip, with BEGIN before if the transaction has not begun. */
enum err_code unit_fetch(struct unit *u, struct err *err);

#endif
