/* Ids in cases are words: "#ana" stands for a UUID that spells it, in the same order as the words, so that a
 * case can be read and its results be written back. At most twelve of a-z, 0-9 and "-". */
#ifndef USHER_TESTS_SUPPORT_CASE_NAMES_H
#define USHER_TESTS_SUPPORT_CASE_NAMES_H

#include <jansson.h>

/* New references: every name in every text, keys too, becomes its UUID, and back. */
json_t *case_names_to_ids(const json_t *v);
json_t *case_ids_to_names(const json_t *v);

#endif
