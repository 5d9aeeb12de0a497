/* What the strictness of a workspace refuses in addition: what is otherwise ignored, or accepted in a wrong
 * form, and what the interoperability profile forbids. Checked before a body is normalised. Standard refuses
 * nothing. */
#ifndef USHER_SCHEMAS_PATCH_STRICT_H
#define USHER_SCHEMAS_PATCH_STRICT_H

#include "ops/runtime/err.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"
#include "schemas/types/strictness.h"

#include <jansson.h>

/* A POST or PUT body: attributes, also parts of complex ones, that the tables do not know are
 * ERR_INVALID_SYNTAX, and so are members that are paths (flat.h); a text where a boolean or a number is due,
 * and a list where a single value is due, are ERR_INVALID_VALUE. Interop: `schemas` must not name others than
 * the type's: ERR_INVALID_SYNTAX. */
enum err_code strict_body(enum strictness s, const struct resource_type *rt, const json_t *body,
                          struct err *err);
/* A PatchOp body: an operation without path is ERR_INVALID_PATH; values as above. Interop: it is
 * ERR_INVALID_SYNTAX, as a path that names nothing is; a path that ends with a filter is ERR_INVALID_PATH,
 * except in a remove. What is wrong otherwise is left to patch_normalise. */
enum err_code strict_patch(enum strictness s, const struct resource_type *rt, enum dialect dialect,
                           const json_t *body, struct err *err);
/* A POST or PUT body, its paths put in their places (flat.h), in a workspace without passwords:
 * ERR_INVALID_SYNTAX. Patches: struct patch_rules. */
enum err_code strict_passwords(const struct resource_type *rt, const json_t *body, struct err *err);

#endif
