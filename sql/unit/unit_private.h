/* Inside of the unit of work: its objects and their index, what is announced, and the seam to where the rows
 * are kept (struct unit_backend). */
#ifndef USHER_SQL_UNIT_UNIT_PRIVATE_H
#define USHER_SQL_UNIT_UNIT_PRIVATE_H

#include "ops/runtime/jbuf.h"
#include "sql/unit/unit.h"

enum unit_kind {
    UNIT_WORKSPACES,
    UNIT_SLICED, /* large commands whose slices are under way; of a workspace */
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
    UNIT_DELIVERIES, /* all of a workspace */
    UNIT_SIGN_INS,   /* one of a workspace at most */
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
    bool emits; /* what a version before stored is emitted with this transaction */
};

struct unit_outbox_row {
    int partition;
    int64_t epoch, number;
    const void *bytes;
    size_t n; /* 0: no row */
    struct unit_outbox_row *next;
};

struct object { /* any object of the unit, in the order of its making */
    void *p;
    struct object *next;
};

struct unit {
    struct unit_store store;
    struct arena *arena;
    bool begun; /* a transaction is open */
    bool mails_asked;
    struct err err;
    void *index[UNIT_KINDS]; /* tsearch trees of struct node, by text key */
    struct object *objects[UNIT_KINDS], **tail[UNIT_KINDS];
    struct want *wants[UNIT_KINDS];
    size_t nwants[UNIT_KINDS], wants_cap[UNIT_KINDS];
    struct unit_outbox_row *outbox;
};

/* key: workspace id, then a, then b ("" where there is none). */
void *unit_find(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b);
void unit_enter(struct unit *u, enum unit_kind kind, const struct unit_workspace *w, const char *a,
                const char *b, void *object);
/* The type of the rows of a kind; of operators' types the one called so. */
const struct resource_type *unit_type_of(enum unit_kind kind, const char *name);
enum unit_kind unit_rows_of(const struct resource_type *rt);  /* where its objects are */
enum unit_kind unit_names_of(const struct resource_type *rt); /* and its names: users and rooms alone */
struct unit_resource *unit_resource_new(struct unit *u, const struct resource_type *rt,
                                        struct unit_workspace *w, const char *id);
struct unit_resource *unit_resource_find(struct unit *u, const struct resource_type *rt,
                                         const struct unit_workspace *w, const char *id);
struct unit_member *unit_member_new(struct unit *u, struct unit_resource *room, struct unit_resource *user);
void unit_name_enter(struct unit *u, struct unit_resource *r);
void unit_entry_add(struct unit *u, struct name_entry *e, struct unit_resource *r);
/* Enters the user under those of its e-mail addresses that were asked for. */
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

/* ---- where the rows are kept ---- */

/* Each function that returns an error ends the transaction with it. */
struct unit_backend {
    /* Begins the transaction, if `begins`, with the rows of the wanted workspaces locked. Hands every row
     * that u->wants names, of these kinds in this order, to unit_put_*; wants are sorted, each there once. */
    enum err_code (*fetch)(struct unit *u, bool begins, const enum unit_kind *kinds, size_t n,
                           struct err *err);
    /* Hands over the next memberships of a room or a user behind `page->after`, in the order of the other
     * side's id, at most page->limit, and the other side of each (unit_put_resource, unit_put_member). Says
     * in the page how many came, and the last one. */
    enum err_code (*members)(struct unit *u, struct unit_resource *r, struct unit_page *page,
                             struct err *err);
    /* Calls fn for the next members of a room as they are stored, in the order of the ids. The page as above.
     */
    enum err_code (*see_members)(struct unit *u, const struct unit_resource *room, bool names,
                                 struct unit_page *page, void (*fn)(const struct unit_seen *m, void *ctx),
                                 void *ctx, struct err *err);
    /* Sets known[i] for each of the users. */
    enum err_code (*known_users)(struct unit *u, const struct unit_workspace *w,
                                 const struct unit_resource *room, const struct uuid_bytes *ids, size_t n,
                                 enum unit_known *known, struct err *err);
    enum err_code (*count_members)(struct unit *u, const struct unit_resource *room, int64_t *n,
                                   struct err *err);
    /* Fills the plan of a workspace, with the next ids of its lists, at most `limit`; false in *found: there
     * is none. */
    enum err_code (*plan)(struct unit *u, struct unit_workspace *w, size_t limit, struct unit_plan *plan,
                          bool *found, struct err *err);
    /* The next four answer for what is stored, without what the unit has changed. */
    enum err_code (*name_free)(struct unit *u, const char *name, bool *is_free, struct err *err);
    enum err_code (*count)(struct unit *u, const struct unit_workspace *w, enum guard_kind kind, int64_t *n,
                           struct err *err);
    enum err_code (*count_keys)(struct unit *u, const struct unit_workspace *w, int64_t *n, struct err *err);
    /* Sets the next users' seats as the mode says; *n: how many of them have one now. The page as above. */
    enum err_code (*recount_seats)(struct unit *u, const struct unit_workspace *w, bool on_login,
                                   struct unit_page *page, int64_t *n, struct err *err);
    /* Writes what differs and commits. The transaction has ended, whatever comes back. */
    enum err_code (*commit)(struct unit *u, struct err *err);
    void (*rollback)(struct unit *u);
};

/* For backends: a row becomes an object, unless the unit has that already, which is newer. Texts must live as
 * long as the unit. Workspaces are filled in where they stand (unit_find). */
struct unit_resource *unit_put_resource(struct unit *u, const struct unit_resource *row);
void unit_put_mail(struct unit *u, const char *mail_key, const struct unit_resource *row);
void unit_put_member(struct unit *u, struct unit_resource *room, struct unit_resource *user, bool transmit,
                     bool held);
/* The same of a room and a user that the unit has already, because they were wanted too. */
void unit_put_pair(struct unit *u, struct unit_workspace *w, const char *room, const char *user,
                   bool transmit, bool held);
void unit_put_claim(struct unit *u, struct unit_workspace *w, const char *txn,
                    const struct unit_claim *claim);
void unit_put_value(struct unit *u, struct unit_workspace *w, const char *type, const char *path,
                    const char *key, const char *holder);
void unit_put_bulk(struct unit *u, struct unit_workspace *w, const char *txn, int failures);
void unit_put_key(struct unit *u, const struct unit_key *row);
void unit_put_owner(struct unit *u, const struct unit_owner *row);
void unit_put_delivery(struct unit *u, const struct unit_delivery *row);
void unit_put_sign_in(struct unit *u, const struct unit_sign_in *row);
void unit_put_login(struct unit *u, const struct unit_login *row);
void unit_put_guard(struct unit *u, const struct unit_guard *row);

/* control.c. Something wanted is known to be absent, if it did not come. */
void unit_settle_control(struct unit *u, enum unit_kind kind, const struct want *x);
extern const char *const unit_guard_texts[GUARD_KINDS];
enum guard_kind unit_guard_kind(const char *text);

/* Loads all that is wanted, and begins the transaction if it has not begun. */
enum err_code unit_fetch(struct unit *u, struct err *err);
/* The same on demand: false where the unit has failed, now or before. */
bool unit_fetch_wanted(struct unit *u);

#endif
