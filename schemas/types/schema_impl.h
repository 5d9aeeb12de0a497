/* For the files of this folder alone: the built-in tables, one file for each resource type, and how
 * schema_load.c adds to the lists. */
#ifndef USHER_SCHEMAS_TYPES_SCHEMA_IMPL_H
#define USHER_SCHEMAS_TYPES_SCHEMA_IMPL_H

#include "schemas/types/schema.h"

#define TABLE_COUNT(t) (sizeof(t) / sizeof((t)[0]))
/* Sub-attributes of a complex row: the table and its length always go together. */
#define SUBS(t) .type = ATTR_COMPLEX, .subs = (t), .nsubs = TABLE_COUNT(t)

/* The length of a string that an index must hold whole: PostgreSQL's B-tree refuses rows beyond 2,700 bytes.
 */
#define INDEXED_MAX_BYTES 1024

extern const struct schema schema_user;
extern const struct schema schema_group;
extern const struct schema schema_enterprise;
extern const struct schema schema_usher_user;

/* Appends to the lists; what is given must live as long as the process. A type's index is set. */
void schema_add(const struct schema *s);
void resource_type_add(struct resource_type *rt);
/* Gives a built-in type extensions beside its own. */
void resource_type_extend(enum resource_kind kind, const struct schema_extension *more, size_t n);

#endif
