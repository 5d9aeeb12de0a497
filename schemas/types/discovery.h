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

/* What a workspace's documents depend on. */
struct discovery {
    const char *base;
    int cursor_seconds; /* how long a cursor is good for */
    bool events;  /* with securityEvents (RFC 9967 section 4), which clients that know only RFC 7643's members
                     may refuse … */
    bool interop; /* … and so with interopProfileConformant (clause IO01) */
    bool passwords; /* with the attributes whose values are dropped */
};

/* ServiceProviderConfig: says only what is implemented. */
char *discovery_config(const struct discovery *d);
char *discovery_resource_types(const char *base);                  /* ListResponse */
char *discovery_resource_type(const char *base, const char *name); /* NULL if unknown */
char *discovery_schemas(const struct discovery *d);
char *discovery_schema(const struct discovery *d, const char *urn); /* NULL if unknown */

#endif
