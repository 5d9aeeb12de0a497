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

/* Does the body say that it is what `urn` names? `schemas` may be left out: the address says enough, and some
 * clients send none. Where it is given, it must name this one; others beside it are ignored (S6, Q28). Else
 * ERR_INVALID_SYNTAX. */
enum err_code body_check_schemas(const json_t *body, const char *urn, struct err *err);
/* The value of a list of one, as some clients send where a single value is due; else v itself. Borrowed. */
const json_t *body_unlist(const json_t *v);

#endif
