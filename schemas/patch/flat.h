/* Bodies of POST and PUT whose members are paths, as in a PATCH without a path: "name.givenName",
 * "urn:…:User: department", `emails[type eq "work"].value` (rules Q12, 0.13). */
#ifndef USHER_SCHEMAS_PATCH_FLAT_H
#define USHER_SCHEMAS_PATCH_FLAT_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"

#include <jansson.h>

#define FLAT_MAX 1000         /* members that are no attribute by their name alone */
#define IGNORED_MAX 20        /* names that a client is told */
#define IGNORED_MAX_BYTES 200 /* of one of them */

/* *out: a new reference to the same body with each value in the place that its name says; the body itself
 * where there is nothing to do. *ignored: the names of members that hold data and that nobody knows, at the
 * top and in extensions, at most IGNORED_MAX; NULL-terminated, NULL: none; they live in the arena. Refuses
 * values that are given twice and differ (ERR_INVALID_SYNTAX), a filter that the values do not satisfy
 * (ERR_NO_TARGET), and too much (ERR_TOO_MANY). A body that is no object is left to resource_normalise. */
enum err_code flat_body(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                        struct arena *a, json_t **out, const char *const **ignored, struct err *err);

#endif
