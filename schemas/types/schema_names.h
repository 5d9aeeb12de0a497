/* The words of RFC 7643 section 7 for what an attribute can be, in the order of the enums. */
#ifndef USHER_SCHEMAS_TYPES_SCHEMA_NAMES_H
#define USHER_SCHEMAS_TYPES_SCHEMA_NAMES_H

#define ATTR_TYPES 8
#define ATTR_MUTABILITIES 4
#define ATTR_RETURNEDS 4
#define ATTR_UNIQUENESSES 3

extern const char *const attr_type_names[ATTR_TYPES];
extern const char *const attr_mutability_names[ATTR_MUTABILITIES];
extern const char *const attr_returned_names[ATTR_RETURNEDS];
extern const char *const attr_uniqueness_names[ATTR_UNIQUENESSES];

#endif
