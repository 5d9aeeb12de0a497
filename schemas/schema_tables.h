/* The built-in tables, one file a resource type; schema.c alone looks at them. */
#ifndef USHER_SCHEMAS_SCHEMA_TABLES_H
#define USHER_SCHEMAS_SCHEMA_TABLES_H

#include "schemas/schema.h"

#define TABLE_COUNT(t) (sizeof(t) / sizeof((t)[0]))
/* Sub-attributes of a complex row: the table and its length always go together. */
#define SUBS(t) .type = ATTR_COMPLEX, .subs = (t), .nsubs = TABLE_COUNT(t)

/* Strings that an index holds whole: PostgreSQL's B-tree refuses rows beyond 2,700 bytes. */
#define INDEXED_MAX_BYTES 1024

extern const struct schema schema_user;
extern const struct schema schema_group;
extern const struct schema schema_enterprise;
extern const struct schema schema_usher_user;

#endif
