/* Reads of SCIM resources for the ingest, many in one round trip, each under the row-level security context
 * of its own workspace. */
#ifndef USHER_SQL_ASK_READ_H
#define USHER_SQL_ASK_READ_H

#include "sql/ask/read_query.h"
#include "sql/db.h"

/* May it read more rows than it answers with? A look-up by an index does not; whoever runs many together lets
 * those go by themselves. */
bool read_is_long(const struct read_query *q);
/* Runs all; one round trip for any number (a second one for lists that are longer than the page shown, whose
 * total is wanted). The function's own result is the connection's: on error no query has an answer. */
enum err_code read_batch(struct db *db, struct read_query *const *queries, size_t n, struct err *err);

#endif
