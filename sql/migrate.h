/* Brings a database to the newest schema: first the embedded migrations (tables), forward only, each in a
 * transaction of its own; then all functions, in one transaction, if their text is another one than before.
 */
#ifndef USHER_SQL_MIGRATE_H
#define USHER_SQL_MIGRATE_H

#include "sql/db.h"

struct schema_state {
    int applied;     /* highest number of a migration that has run; 0: none */
    int known;       /* highest number known to this program */
    int serves_from; /* of a schema that is newer: the number that programs must know at least */
    bool functions;  /* its functions are those of this program, or of a newer one */
    bool finished;   /* nothing is there any more for programs of the version before alone */
};
enum err_code migrate_state(struct db *db, struct schema_state *state, struct err *err);
/* Is it what this program needs, and no newer one? */
bool schema_is_current(const struct schema_state *state);

/* ERR_DB_SYSTEM, and a sentence, if this program cannot work with it: it is older, or so much newer that it
 * says it does not serve such a program any more. */
enum err_code schema_check(struct db *db, struct err *err);

/* Applies what is missing; *applied = how many migrations. Safe to repeat, and to run from several places at
 * once (advisory lock). `finish` takes away what only programs of the version before need; in an empty
 * database there is nothing to keep. A database that a newer program has migrated is left alone. The
 * connection's role must be able to create schemas and roles (a superuser, or the database's owner with
 * CREATEROLE). */
enum err_code migrate_run(struct db *db, bool finish, int *applied, struct err *err);

#endif
