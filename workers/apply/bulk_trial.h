/* A Bulk or an import that is only tried (bulk.try): its commands are decided one behind the other in one
 * unit that is never committed. So each sees what those before it would have done, references by bulkId too.
 */
#ifndef USHER_WORKERS_APPLY_BULK_TRIAL_H
#define USHER_WORKERS_APPLY_BULK_TRIAL_H

#include "workers/apply/decision.h"

/* The operations behind so many records are not tried any more, and told so: as much as one transaction may
 * have (ops/DESIGN.md, "Bounds"). */
#define BULK_TRIAL_RECORDS 5000
/* Bytes of all reasons together; those behind are told without words, so that the reply stays below a
 * record's bound. */
#define BULK_TRIAL_REASONS (128 * 1024)

/* As a verb's (verbs.h); each operation goes by its own. */
void bulk_trial_announce(struct unit *u, struct unit_workspace *w, const struct command *c);
/* Decides all operations, unless the whole is refused (d->err): d->tried_operations says of each, in their
 * order, {"txn","applies":bool, "stopped":bool,"error":null or as in
 * trial_text,"counts":{action:n},"version":n}. */
enum err_code bulk_trial_decide(struct decision *d);
/* In the transaction that stores the outcome: a record of each operation, but of those that failOnErrors has
 * stopped. operations: what was said of them. */
void bulk_trial_audit(struct decision *d, const json_t *operations);

#endif
