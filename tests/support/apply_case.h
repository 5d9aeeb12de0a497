/* Cases of what a worker decides: tests/cases/apply/, whose README.md says how one is written. */
#ifndef USHER_TESTS_SUPPORT_APPLY_CASE_H
#define USHER_TESTS_SUPPORT_APPLY_CASE_H

#include "sql/unit/unit.h"

/* Where cases run. */
struct case_place {
    const char *name;
    struct unit_store store;
    void (*fill)(void *at, const json_t *tables); /* with these tables (memory_unit.h), and nothing else */
    json_t *(*dump)(void *at);                    /* a new reference */
    void *at;
};

/* Runs one case, once with all its commands in a batch and once with a batch for each, and then delivers all
 * of them again. A new reference: the case with what has come of it. Where that depends on the batches, or
 * something is not as it always must be, it has a member "faults", an array of sentences. */
json_t *apply_case_run(const json_t *c, const struct case_place *place);

/* Runs the cases of a file. Prints what differs from what they expect, with `place` in front, and gives the
 * number of cases that do. update: writes the file anew with what has come of them. */
size_t apply_case_file(const char *path, const struct case_place *place, bool update, size_t *ncases);

/* Runs every command of a case that may be large in slices of so few rows as the place's store says. A new
 * reference: an array of sentences, what differs from what the case expects; but the order of records of one
 * command may be another one. *sliced: adds how many slices there were. */
json_t *apply_case_sliced(const json_t *c, const struct case_place *place, size_t *sliced);
/* All cases of a file so. Prints what differs; gives the number of cases that do. */
size_t apply_case_file_sliced(const char *path, const struct case_place *place, size_t *sliced);

#endif
