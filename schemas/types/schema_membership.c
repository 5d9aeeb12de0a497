/* GroupMembership (draft-zollner-scim-group-members): a membership as a resource of its own, for rooms that
 * are too large to be sent as a list. Its id is its room's and its user's, so nothing of it is stored beside
 * the row of members. The draft still moves: the name of the type is a setting (membership-type), and what
 * follows from it is made here. */
#include "ops/runtime/mem.h"
#include "schemas/types/schema_impl.h"

#include <stdio.h>
#include <string.h>

static const char *const group_types[] = {"Group", NULL};
static const char *const user_types[] = {"User", NULL};

static const struct attr group_subs[] = {
    {.name = "value",
     .required = true,
     .case_exact = true,
     .mutability = ATTR_IMMUTABLE,
     .max_bytes = INDEXED_MAX_BYTES,
     .column = true,
     .description = "The id of the group."},
    {.name = "$ref",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .mutability = ATTR_IMMUTABLE,
     .reference_types = group_types,
     .description = "The address of the group."},
    {.name = "display", .mutability = ATTR_READ_ONLY, .description = "The name of the group."},
};

static const struct attr user_subs[] = {
    {.name = "value",
     .required = true,
     .case_exact = true,
     .mutability = ATTR_IMMUTABLE,
     .max_bytes = INDEXED_MAX_BYTES,
     .column = true,
     .description = "The id of the member."},
    {.name = "$ref",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .mutability = ATTR_IMMUTABLE,
     .reference_types = user_types,
     .description = "The address of the member."},
    {.name = "type",
     .mutability = ATTR_IMMUTABLE,
     .canonical = user_types,
     .description = "What the member is: always a User."},
    {.name = "display", .mutability = ATTR_READ_ONLY, .description = "The name of the member."},
};

static const struct attr membership_attrs[] = {
    {.name = "group",
     .required = true,
     .mutability = ATTR_IMMUTABLE,
     SUBS(group_subs),
     .description = "The group that the membership is of."},
    {.name = "member",
     .required = true,
     .mutability = ATTR_IMMUTABLE,
     SUBS(user_subs),
     .description = "Who is a member."},
};

static const struct attr usher_membership_attrs[] = {
    {.name = "transmit",
     .type = ATTR_BOOLEAN,
     .keep_on_put = true,
     .description = "May the member transmit in the group? Absent on creation: as the workspace is set."},
};

static struct schema schema_usher_membership = {
    .id = SCHEMA_USHER_MEMBERSHIP,
    .name = "UsherGroupMembership",
    .description = "What a member may do in a room",
    .attrs = usher_membership_attrs,
    .nattrs = TABLE_COUNT(usher_membership_attrs),
};

static const struct schema_extension extensions[] = {{&schema_usher_membership, false}};

static struct schema schema = {.description = "Membership of a user in a group",
                               .attrs = membership_attrs,
                               .nattrs = TABLE_COUNT(membership_attrs)};
static struct resource_type type = {.kind = RESOURCE_MEMBERSHIP,
                                    .description = "Memberships of users in groups",
                                    .schema = &schema,
                                    .extensions = extensions,
                                    .nextensions = TABLE_COUNT(extensions)};
static bool added;

/* What can be the name of a type, and with an "s" an endpoint. */
static bool is_type_name(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = strlen(name);
    return n > 0 && n <= 40 && strspn(name, letters) == n;
}

enum err_code schema_add_memberships(const char *name, bool listed, struct err *err) {
    char endpoint[48];
    snprintf(endpoint, sizeof endpoint, "%.40ss", name);
    if (name[0] == '\0')
        return ERR_OK;
    if (!is_type_name(name) ||
        (!added && (resource_type_by_name(name) != NULL || resource_type_by_endpoint(endpoint) != NULL)))
        return err_set(
            err, ERR_CONFIG,
            "membership-type: \"%.60s\" is no name for a resource type: letters alone, 40 at most, and no "
            "type that is there already",
            name);
    if (added)
        return ERR_OK;
    added = true;
    schema.unlisted = schema_usher_membership.unlisted = type.unlisted = !listed;
    schema.name = type.name = xstrdup(name);
    schema.id = xasprintf(SCHEMA_CORE "%s", name);
    type.endpoint = xasprintf("/%s", endpoint);
    schema_add(&schema);
    schema_add(&schema_usher_membership);
    resource_type_add(&type);
    return ERR_OK;
}
