/* Brings a database to the newest schema: the embedded migrations, forward only, each in a transaction of its
 * own. */
#ifndef USHER_SQL_MIGRATE_H
#define USHER_SQL_MIGRATE_H

#include "sql/db.h"

/* Applies what is missing; *applied = how many. Safe to run from several places at once (advisory lock). The
 * connection's role must be able to create schemas and roles (a superuser, or the database's owner with
 * CREATEROLE). */
enum err_code migrate_run(struct db *db, int *applied, struct err *err);
/* Highest number applied (0: none) and highest known to this program. */
enum err_code migrate_state(struct db *db, int *applied, int *known, struct err *err);

#endif
