/* Attribute paths: [URN ":"] name ["." sub] (RFC 7644 section 3.10, rules P4, P5), resolved against a
 * resource type's tables. */
#ifndef USHER_SCHEMAS_TYPES_ATTR_PATH_H
#define USHER_SCHEMAS_TYPES_ATTR_PATH_H

#include "ops/runtime/err.h"
#include "schemas/types/schema.h"

#define ATTR_PATH_SIZE 256 /* of the canonical text of any path, with its NUL */

struct attr_path {
    const struct schema *extension; /* NULL for the core schema and the common attributes */
    const struct attr *attr;        /* NULL: the whole extension (a path that is a bare extension URN) */
    const struct attr *sub;         /* NULL: the attribute itself */
};

/* Resolves text[0..len). The longest known URN prefix first; without a URN: core, common, then the
 * extensions' attributes (ops/DESIGN.md, "Decided points"). Refuses with `code` (ERR_INVALID_PATH or
 * ERR_INVALID_FILTER) where the text is malformed or names nothing. */
enum err_code attr_path_resolve(const struct resource_type *rt, const char *text, size_t len,
                                enum err_code code, struct attr_path *out, struct err *err);

/* Has it the form of a path, whether it names something or not? Without filters. */
bool attr_path_is_formed(const char *text, size_t len);

/* The canonical text of a path, cut at size; returns out. "name.familyName", "urn:…:User:department",
 * "urn:…:User". */
char *attr_path_text(const struct attr_path *path, char *out, size_t size);
/* Refuses with `code`, the path and the sentence "'<path>' <why>". */
enum err_code attr_path_refuse(const struct attr_path *path, enum err_code code, const char *why,
                               struct err *err);
/* The attribute that the path ends at: sub, else attr. */
const struct attr *attr_path_target(const struct attr_path *path);

#endif
