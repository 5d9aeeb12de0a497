/* What a workspace of strictness "strict" refuses in addition: what is otherwise ignored, or accepted in a
 * wrong form. Checked before a body is normalised. */
#ifndef USHER_SCHEMAS_PATCH_STRICT_H
#define USHER_SCHEMAS_PATCH_STRICT_H

#include "ops/runtime/err.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"

#include <jansson.h>

/* A POST or PUT body: attributes, also parts of complex ones, that the tables do not know are
 * ERR_INVALID_SYNTAX, and so are members that are paths (flat.h); a text where a boolean or a number is due,
 * and a list where a single value is due, are ERR_INVALID_VALUE. */
enum err_code strict_body(const struct resource_type *rt, const json_t *body, struct err *err);
/* A PatchOp body: an operation without path is ERR_INVALID_PATH; values as above. What is wrong otherwise is
 * left to patch_normalise. */
enum err_code strict_patch(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                           struct err *err);

#endif
