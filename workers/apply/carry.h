/* Carries a change of a resource through: compares, checks, writes, records, replies. */
#ifndef USHER_WORKERS_APPLY_CARRY_H
#define USHER_WORKERS_APPLY_CARRY_H

#include "workers/apply/change.h"

const struct resource_rules *rules_of(const struct resource_type *rt);

/* A change of a resource that is there: its document becomes `before`. False: the decision's error says why.
 */
USHER_MUST_CHECK bool change_begin(struct change *c, struct decision *d, struct unit_resource *r);
/* Steals the document that is to be. */
void change_set(struct change *c, json_t *after);
/* Carries the change through. Where the documents do not differ, nothing is left behind: no version, no
 * record (rule P8). */
enum err_code change_carry_through(struct change *c);

#endif
