/* How large one resource may be. The ingest checks what a POST or PUT gives, the worker what every change
 * comes to (ops/DESIGN.md, "Bounds"). Members of a room are rows and not part of the document: they are not
 * counted here. */
#ifndef USHER_SCHEMAS_RESOURCE_RESOURCE_BOUNDS_H
#define USHER_SCHEMAS_RESOURCE_RESOURCE_BOUNDS_H

#include "ops/runtime/err.h"
#include "schemas/types/schema.h"

#include <jansson.h>
#include <stddef.h>

struct resource_bounds {
    size_t max_bytes;  /* of the document as compact JSON: setting max-resource-bytes */
    size_t max_values; /* of one attribute: setting max-values */
};

/* Rows of the settings table, the same for ingest and worker. */
#define RESOURCE_BOUNDS_CONFIG_ROWS                                                                          \
    {"max-resource-bytes",                                                                                   \
     CONFIG_INT,                                                                                             \
     "262144",                                                                                               \
     1024,                                                                                                   \
     1048576,                                                                                                \
     "bytes of one resource as JSON at most, without a room's members",                                      \
     false},                                                                                                 \
    {                                                                                                        \
        "max-values", CONFIG_INT, "1000", 1, 5000, "values of one attribute of a resource at most", false    \
    }

/* ERR_INVALID_VALUE, with the limit and its setting in the detail, where `after` is larger than a bound and
 * larger than `before` (NULL: there is none). So a resource that is too large already, because it was stored
 * under another bound, can still be changed, as long as it does not grow. */
enum err_code resource_check_bounds(const struct resource_type *rt, const struct resource_bounds *bounds,
                                    const json_t *before, const json_t *after, struct err *err);

/* The bytes of a value as compact JSON. `true` counts as much as `false`, so that a user who is too large
 * already can be deactivated. */
size_t resource_bytes(const json_t *value);

#endif
