/* Planner statistics of tables that grow faster than PostgreSQL looks after them by itself. */
#ifndef USHER_SQL_STATISTICS_H
#define USHER_SQL_STATISTICS_H

#include "sql/db.h"

/* Renews those of tables that have doubled since the last time; *done: how many. Cheap when there is nothing
 * to do, so call it every few seconds. Plans that were made on the old ones are made anew. */
enum err_code statistics_refresh(struct db *db, int64_t *done, struct err *err);

#endif
