/* What the ways through a case share: apply_case.c, apply_sliced.c. */
#ifndef USHER_TESTS_SUPPORT_APPLY_CASE_PRIVATE_H
#define USHER_TESTS_SUPPORT_APPLY_CASE_PRIVATE_H

#include "tests/support/apply_case.h"
#include "workers/apply/batch.h"

#define FIRST_OFFSET 100
#define PARTITIONS 12

extern int64_t apply_case_moment_us; /* of the decisions */
struct apply apply_case_apply(const json_t *c, const struct case_place *place);
/* New references: the commands as they stand in the log, and the tables. */
json_t *apply_case_commands(const json_t *c);
json_t *apply_case_tables(const json_t *c);
int64_t apply_case_seconds(const json_t *item); /* when the command is decided, after the case's moment */
void apply_case_add(struct batch *b, const json_t *item, int64_t offset);

#endif
