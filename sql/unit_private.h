/* Inside of the unit of work: shared by unit.c (objects), unit_load.c and unit_store.c (statements). */
#ifndef USHER_SQL_UNIT_PRIVATE_H
#define USHER_SQL_UNIT_PRIVATE_H

#include "sql/unit.h"

enum unit_kind {
    UNIT_WORKSPACES,
    UNIT_CLAIMS,
    UNIT_KEYS,
    UNIT_USERS,
    UNIT_USER_NAMES,
    UNIT_ROOMS,
    UNIT_ROOM_NAMES,
    UNIT_CUSTOM, /* resources of an operator's types */
    UNIT_VALUES, /* unique ones, and who has them */
    UNIT_BULKS,
    UNIT_MEMBERS,
    UNIT_KINDS
};

/* What is announced and not yet loaded. */
struct want {
    struct unit_workspace *workspace;
    const char *a, *b; /* id, txn or folded name; resources: id and the type's name; members: room and user;
                          values: the type's name, path and */
    const char *c;     /* key */
    bool doc;
};

struct name_entry { /* who has, or had, a name */
    struct unit_resource **rows;
    size_t n, cap;
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
/* Loads all that is wanted: one round trip, with BEGIN before if the transaction has not begun. */
enum err_code unit_fetch(struct unit *u, struct err *err);

#endif
