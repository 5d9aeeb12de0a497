/* Attributes and resource types of an operator's own: JSON files that become tables (schemas/README.md,
 * "Attributes and resource types of your own"). */
#ifndef USHER_SCHEMAS_TYPES_SCHEMA_LOAD_H
#define USHER_SCHEMAS_TYPES_SCHEMA_LOAD_H

#include "ops/runtime/err.h"

/* Reads all *.json of the folder, in the order of their names: each one a Schema (RFC 7643 section 7) or a
 * ResourceType (section 6), or an array of them, and adds them to the list of schemas and types. A
 * ResourceType called User or Group gives its schemaExtensions to the built-in one. dir "" or NULL: nothing
 * to read. Call it once, before threads are started. ERR_CONFIG with file and attribute in the detail where
 * anything is wrong; then nothing was added. */
enum err_code schema_load_folder(const char *dir, struct err *err);

#endif
