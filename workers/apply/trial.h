/* Commands that are only tried (a dry run): what they would have come to, and that they were tried. */
#ifndef USHER_WORKERS_APPLY_TRIAL_H
#define USHER_WORKERS_APPLY_TRIAL_H

#include "workers/apply/decision.h"

/* Changes that are told one by one; the others are only counted. */
#define TRIAL_CHANGES_MAX 100

/* After the decision: what it has decided, as a JSON object in the arena:
 * {"applies":bool,"error":{"code","detail","path"}|null,"large":bool,"seats":{"before","after","limit"},
 *  "counts":{action:n},"changes":[{"action","target","subject","reason"}],"more":n}
 * seats_before: seats in use before it. */
char *trial_text(const struct decision *d, int64_t seats_before, struct arena *a);

/* In the transaction that stores the outcome: the record that it was tried. text: of trial_text. */
void trial_audit(struct decision *d, const char *text);

#endif
