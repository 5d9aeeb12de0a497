/* jansson without error checks for the caller: a call that can fail only because there is no memory ends the
 * process. And trees as text. */
#ifndef USHER_SCHEMAS_TEXT_JSONX_H
#define USHER_SCHEMAS_TEXT_JSONX_H

#include "ops/runtime/jbuf.h"

#include <jansson.h>

/* Appends the compact text of any value; NULL becomes null. A number is written with the fewest digits that
 * give the same double: 0.1 and not 0.10000000000000001. */
void jsonx_text(const json_t *value, struct jbuf *out);
/* As jsonx_text, with sorted members: equal values give equal texts (for comparing and hashing). */
void jsonx_text_sorted(const json_t *value, struct jbuf *out);

/* A new string from text that is known to be UTF-8, because it came out of the parser. */
json_t *jsonx_string(const char *s, size_t n);
/* The number that a text is, as JSON writes numbers, without blanks; a new reference. NULL: it is none. */
json_t *jsonx_number(const char *s, size_t n);
/* Steal the value's reference, as json_object_set_new and json_array_append_new do. */
void jsonx_put(json_t *object, const char *name, json_t *value);
void jsonx_push(json_t *array, json_t *value);
/* A new reference to a deep copy. */
json_t *jsonx_copy(const json_t *value);

#endif
