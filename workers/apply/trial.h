/* Commands that are only tried (a dry run): what they would have come to, and that they were tried. */
#ifndef USHER_WORKERS_APPLY_TRIAL_H
#define USHER_WORKERS_APPLY_TRIAL_H

#include "workers/apply/decision.h"

/* Changes that are told one by one; the others are only counted. */
#define TRIAL_CHANGES_MAX 100

/* After the decision: what it has decided, as a JSON object in the arena:
 * {"applies":bool,"error":{"code","detail","path"}|null,"large":bool,"seats":{"before","after","limit"},
 *  "counts":{action:n},"changes":[{"action","target","subject","reason","seat"}],"more":n}
 * `seat` is there where the change takes or frees one; it counts as `seat.taken` or `seat.freed`.
 * A Bulk has "operations" besides (bulk_trial.h), and applies if all of them do.
 * seats_before: seats in use before it. */
char *trial_text(const struct decision *d, int64_t seats_before, struct arena *a);

/* The reply shows the resource as it would be, also where a read would show it: there is nothing to read. */
void trial_show(struct decision *d);

/* Counts the actions of the records from `first` on. changes, more: as above; NULL: they are not wanted. */
void trial_count(const struct record_list *records, size_t first, json_t *counts, json_t *changes,
                 json_int_t *more);
/* {"code","detail","path"}, or null where there is no error. New. */
json_t *trial_error(const struct err *err);
/* In the transaction that stores the outcome: the record that the command was tried. told: an object with
 * "counts" and "error", as trial_text has it. */
void trial_record(struct record_context *records, const struct command *c, const json_t *told);

#endif
