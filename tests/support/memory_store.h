/* Inside of memory_unit: what a commit writes. */
#ifndef USHER_TESTS_SUPPORT_MEMORY_STORE_H
#define USHER_TESTS_SUPPORT_MEMORY_STORE_H

#include "tests/support/memory_unit.h"

/* Writes the unit's objects into these tables. ERR_DB_DATA, with the constraint that says no, where
 * PostgreSQL would refuse them. */
enum err_code memory_store(struct unit *u, json_t *tables, struct err *err);

#endif
