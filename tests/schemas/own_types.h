/* The resource types of tests/cases/schemas/good, as an operator defines them: Device, with every type and
 * characteristic of RFC 7643 section 7, Site, and an extension of User. */
#ifndef USHER_TESTS_SCHEMAS_OWN_TYPES_H
#define USHER_TESTS_SCHEMAS_OWN_TYPES_H

#include "schemas/types/schema.h"
#include "schemas/types/schema_load.h"
#include "tests/schemas/support.h"

#define DEVICE "urn:example:params:scim:schemas:2.0:Device"
#define LEASE "urn:example:params:scim:schemas:extension:lease:2.0:Device"
#define BADGE "urn:example:params:scim:schemas:extension:badge:2.0:User"

/* Loads them at the first call; from then on User has its extension too. */
static inline const struct resource_type *own_type(const char *name) {
    struct err err = {0};
    if (resource_type_by_name("Device") == NULL &&
        schema_load_folder("tests/cases/schemas/good", &err) != ERR_OK)
        fail_msg("%s", err_text(&err));
    return resource_type_by_name(name);
}

#endif
