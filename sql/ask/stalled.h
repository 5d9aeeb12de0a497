/* Sessions of programs that stand still in the middle of a transaction, and hold its locks. */
#ifndef SQL_ASK_STALLED_H
#define SQL_ASK_STALLED_H

#include "sql/db.h"

#define STALLED_EVERY_US INT64_C(2000000)

/* Ends those of this connection's role, and logs each. To be called every STALLED_EVERY_US. A program that
 * goes on later finds its connection lost, and takes up its work as after any loss of it. */
enum err_code stalled_end(struct db *db, struct err *err);

#endif
