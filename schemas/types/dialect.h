/* A key has a dialect: the identity provider whose deviations are accepted (ops/DESIGN.md, "Decided points").
 */
#ifndef USHER_SCHEMAS_TYPES_DIALECT_H
#define USHER_SCHEMAS_TYPES_DIALECT_H

#include "ops/runtime/err.h"

#include <stdbool.h>

enum dialect { DIALECT_RFC, DIALECT_ENTRA, DIALECT_OKTA };

const char *dialect_name(enum dialect d);
USHER_MUST_CHECK bool dialect_parse(const char *name, enum dialect *d);

#endif
