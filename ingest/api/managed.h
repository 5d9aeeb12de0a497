/* Managed means managed (the setting managedLock): the early refusal. The worker decides
 * (workers/apply/managed.h), by what is true then. */
#ifndef USHER_INGEST_API_MANAGED_H
#define USHER_INGEST_API_MANAGED_H

#include "ingest/request/request.h"

/* Must it be asked who manages what the request changes? Not where it is repeated: it may have been done
 * already. */
bool managed_is_asked(const struct request *r);
/* Makes the query. user, room: ids, or NULL. The step is STEP_QUERY. */
enum step managed_ask(struct request *r, const char *user, const char *room);
/* Has on_rows its rows? (It has none of another query then.) */
bool managed_is_answered(const struct request *r);
/* Its rows are there. ERR_CONFLICT, with who manages it, if the request is refused. joins: it changes who is
 * in the room, and not what a member may do. */
enum err_code managed_judge(const struct request *r, bool joins, struct err *err);

#endif
