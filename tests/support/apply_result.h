/* What came of one delivery, in the words of a case. */
#ifndef USHER_TESTS_SUPPORT_APPLY_RESULT_H
#define USHER_TESTS_SUPPORT_APPLY_RESULT_H

#include "workers/delivery.h"
#include "workers/rows.h"

/* A new object: {"outcome": …, "records": […]}. What every record of a command has (workspace, moment, txn,
 * actor, number, key, type) is checked and left out; where it is not as it must be, a sentence is added to
 * faults, and a moment that is not now stays. Records keep "seq" and "workspace" for judge_numbers, which
 * takes them out. */
json_t *result_of_delivery(const struct delivery *d, int64_t now_us, json_t *faults);
/* Takes "seq" and "workspace" from the records of all results, after a look whether each stream of each
 * workspace goes on without a gap from its number before to that after. */
void judge_numbers(json_t *results, const json_t *before, const json_t *after, json_t *faults);

/* A new object: the outcome as it is stored and sent, "outcome" (absent where there is none), and "repeated"
 * where it was decided before. */
json_t *encoding_of_delivery(const struct delivery *d);
bool same_member(const json_t *a, const json_t *b, const char *name); /* absent in both is the same too */

/* What goes out of a delivery, and out of a row of the outbox: texts, appended to the array of its partition.
 * False: the row cannot be read. */
void emitted_by_delivery(json_t *out, const struct delivery *d);
bool emitted_by_row(json_t *out, const struct row *row);

#endif
