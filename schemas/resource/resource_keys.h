/* Values by which resources are looked up, or which must be unique. The store has a row for each
 * (resource_keys), because PostgreSQL does not use an index over documents under row-level security. */
#ifndef USHER_SCHEMAS_RESOURCE_RESOURCE_KEYS_H
#define USHER_SCHEMAS_RESOURCE_RESOURCE_KEYS_H

#include "schemas/types/attr_path.h"

#include <jansson.h>
#include <stdbool.h>

/* Are the values of the attribute that the path ends at kept as keys? True for attributes that clients look
 * up (emails.value) and for unique ones, except where the store has a column for them. */
bool attr_is_keyed(const struct attr_path *path);
/* Must no two resources of the type have the same value of it? (uniqueness server or global) */
bool attr_is_unique(const struct attr *a);

/* Has the type attributes that are keyed and unique? */
bool resource_type_keeps_unique(const struct resource_type *rt);

/* A simple value as a key: equal keys are equal values, as filters compare them. Strings folded unless
 * caseExact (what filter_value.folded has), dateTimes as microseconds since 1970 in UTC, decimal, other
 * values as JSON has them. malloc'ed; NULL for what is no simple value. */
char *resource_key(const struct attr *a, const json_t *value);

/* Calls fn for each value of a document's attributes that are keyed, in the order of the tables; the same
 * value may come more than once. path: canonical text ("emails.value", "urn:…:Device:serial"). path and key
 * are borrowed for the time of the call. */
void resource_keys_each(const struct resource_type *rt, const json_t *doc,
                        void (*fn)(const char *path, const char *key, bool unique, void *ctx), void *ctx);

#endif
