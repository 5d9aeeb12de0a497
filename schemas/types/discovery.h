/* Discovery documents (RFC 7644 section 4, rules D1-D10), generated from the tables. All give malloc'ed JSON
 * text. base as in resource_render. */
#ifndef USHER_SCHEMAS_TYPES_DISCOVERY_H
#define USHER_SCHEMAS_TYPES_DISCOVERY_H

#include "schemas/types/schema.h"

#include <stdbool.h>

/* The limits that are announced here and enforced elsewhere. */
#define PAGE_DEFAULT 100
#define PAGE_MAX 200
#define BULK_MAX_OPERATIONS 1000
#define BULK_MAX_BYTES 1048576

/* ServiceProviderConfig: says only what is implemented. cursor_seconds: how long a cursor is good for.
 * events: with securityEvents (RFC 9967 section 4), which clients that know only RFC 7643's members may
 * refuse. */
char *discovery_config(const char *base, int cursor_seconds, bool events);
char *discovery_resource_types(const char *base);                  /* ListResponse */
char *discovery_resource_type(const char *base, const char *name); /* NULL if unknown */
char *discovery_schemas(const char *base);
char *discovery_schema(const char *base, const char *urn); /* NULL if unknown */

#endif
