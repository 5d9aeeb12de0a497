/* Request bodies: strict JSON with limits (rule X5). */
#ifndef USHER_SCHEMAS_RESOURCE_BODY_H
#define USHER_SCHEMAS_RESOURCE_BODY_H

#include "ops/runtime/err.h"

#include <jansson.h>
#include <stddef.h>

struct body_limits {
    size_t max_bytes; /* refused as ERR_TOO_LARGE */
    size_t max_depth; /* of nesting; ERR_INVALID_SYNTAX */
    /* Texts, numbers and other single values; and as many objects and arrays. Counted before the tree is
     * built, so that a small text cannot become a huge tree. */
    size_t max_elements;
};

/* Parses one JSON object. Refuses (ERR_INVALID_SYNTAX): not JSON, not an object, invalid UTF-8, NUL,
 * duplicate members (also those that differ only in letter case), too deep, too many elements, numbers out of
 * range. *out is a new reference on success. */
enum err_code body_parse(const char *buf, size_t len, const struct body_limits *limits, json_t **out,
                         struct err *err);

/* Case-insensitive member of an object (S1): borrowed, or NULL. */
json_t *body_member(const json_t *object, const char *name);

#endif
