/* Reads of SCIM resources for the ingest, each under the row-level security context of its own workspace.
 * There are short ones, many of which share a round trip, and long ones, which go by themselves and may be
 * given up. */
#ifndef USHER_SQL_ASK_READ_H
#define USHER_SQL_ASK_READ_H

#include "sql/ask/read_query.h"
#include "sql/db.h"

/* What a short read does at most: rows of a look-up, and how long its statement runs. Groups of a user or
 * members of a room are shown up to 500 (statements/read.sql). */
#define READ_SHORT_ROWS 20
#define READ_SHORT_MS 100
/* From here on a page by index costs more than what it shows. */
#define READ_DEEP 10000

/* May it read more rows than it answers with? A look-up by an index does not, as a rule. */
bool read_is_long(const struct read_query *q);
/* Of those that are long: does it read no more than a page, and so takes no time to speak of? */
bool read_is_page(const struct read_query *q);

/* Runs short reads; one round trip for any number (a second one for look-ups that find more than the page
 * shown). A query that turns out to be long has no answer but is_large. The function's own result is the
 * connection's: on error no query has an answer. */
enum err_code read_batch(struct db *db, struct read_query *const *queries, size_t n, struct err *err);

/* Runs one of any length, in one snapshot. What is too many for one statement comes in pieces, and q->keep is
 * asked about each. ERR_DB_SLOW: it took too long, or was not wanted any more (db_watch). */
enum err_code read_whole(struct db *db, struct read_query *q, struct err *err);
/* Frees what read_whole has read in pieces; the rows show it no longer. It happens with the arena at the
 * latest. */
void read_let_go(struct read_query *q);

#endif
