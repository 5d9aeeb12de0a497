/* Group (RFC 7643 sections 4.2 and 8.7.1): a room. displayName is required, as section 4.2 says (rule Z1).
 * Rooms don't nest (rule S9), so only users are published as members. */
#include "schemas/types/schema_impl.h"

static const char *const member_types[] = {"User", NULL};

static const struct attr member_subs[] = {
    {.name = "value",
     .mutability = ATTR_IMMUTABLE,
     .max_bytes = INDEXED_MAX_BYTES,
     .description = "The id of the member."},
    {.name = "$ref",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .mutability = ATTR_IMMUTABLE,
     .reference_types = member_types,
     .description = "The address of the member."},
    {.name = "type",
     .mutability = ATTR_IMMUTABLE,
     .canonical = member_types,
     .description = "What the member is: always a User."},
    /* Returned on request: clients never send it, and some compare what they sent with what they read. */
    {.name = "display",
     .mutability = ATTR_READ_ONLY,
     .returned = ATTR_RETURNED_REQUEST,
     .description = "The name of the member."},
};

static const struct attr group_attrs[] = {
    {.name = "displayName",
     .required = true,
     .max_bytes = INDEXED_MAX_BYTES,
     .column = true,
     .description = "The name of the group; unique in the workspace unless the workspace allows otherwise."},
    {.name = "members",
     .multi = true,
     SUBS(member_subs),
     .apart = true,
     .description = "The members of the group."},
};

const struct schema schema_group = {
    .id = SCHEMA_GROUP,
    .name = "Group",
    .description = "Group, also called room",
    .attrs = group_attrs,
    .nattrs = TABLE_COUNT(group_attrs),
};
