/* What those who watch workspaces are told: the changes that the archive has, from a seq on. Many places in
 * one round trip; places of the same workspace and seq are asked once. */
#ifndef USHER_SQL_ASK_CHANGES_H
#define USHER_SQL_ASK_CHANGES_H

#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"
#include "sql/db.h"

/* Of one who watches. */
struct change_place {
    struct uuid workspace, owner;
    struct uuid pass; /* the session; "" = a token */
    int64_t seq;      /* goes on behind it; -1: from the newest, and then its seq stands here */
    bool unwelcome;   /* out: the credential is dead, or the session is over */
};

/* A change: the value of its record, which is one line. */
typedef void (*change_fn)(void *ctx, size_t place, int64_t seq, const char *record, size_t n);

/* Asks for all places and calls fn for each change of each, in order; seq moves on. A place of many may get
 * its changes with a later call. welcome: asks too who is unwelcome. */
enum err_code changes_look(struct db *db, struct change_place *const *places, size_t n, bool welcome,
                           change_fn fn, void *ctx, struct err *err);

#endif
