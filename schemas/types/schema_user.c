/* User (RFC 7643 sections 4.1 and 8.7.1), its enterprise extension (section 4.3) and usher's own. Where
 * section 8.7.1 and the text differ, the text holds: references and binaries are caseExact (2.3.6, 2.3.7),
 * manager's sub-attributes are optional (rule Z2). */
#include "schemas/types/schema_impl.h"

static const char *const types_work_home[] = {"work", "home", "other", NULL};
static const char *const types_phone[] = {"work", "home", "mobile", "fax", "pager", "other", NULL};
static const char *const types_im[] = {"aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", NULL};
static const char *const types_certificate[] = {"signing", "encryption", "authentication", "other", NULL};
static const char *const types_photo[] = {"photo", "thumbnail", NULL};
static const char *const types_group[] = {"direct", "indirect", NULL};
static const char *const refs_external[] = {"external", NULL};
static const char *const refs_user[] = {"User", NULL};
static const char *const refs_group[] = {"Group", NULL};

static const struct attr name_subs[] = {
    {.name = "formatted", .description = "The full name, ready to be shown."},
    {.name = "familyName", .description = "The family name, or last name."},
    {.name = "givenName", .description = "The given name, or first name."},
    {.name = "middleName", .description = "The middle names."},
    {.name = "honorificPrefix", .description = "What stands before the name, such as a title."},
    {.name = "honorificSuffix", .description = "What stands after the name, such as a generation."},
};

/* The four that most multi-valued attributes share (RFC 7643 section 2.4). */
#define SUB_DISPLAY                                                                                          \
    { .name = "display", .description = "A human-readable name of the value, for display only." }
#define SUB_TYPE(types)                                                                                      \
    { .name = "type", .canonical = (types), .description = "What the value is used for." }
#define SUB_PRIMARY                                                                                          \
    { .name = "primary", .type = ATTR_BOOLEAN, .description = "True for the one value that is preferred." }

static const struct attr email_subs[] = {
    {.name = "value", .max_bytes = INDEXED_MAX_BYTES, .lookup = true, .description = "The e-mail address."},
    SUB_DISPLAY,
    SUB_TYPE(types_work_home),
    SUB_PRIMARY,
};

static const struct attr phone_subs[] = {
    {.name = "value", .description = "The phone number."},
    SUB_DISPLAY,
    SUB_TYPE(types_phone),
    SUB_PRIMARY,
};

static const struct attr im_subs[] = {
    {.name = "value", .description = "The instant messaging address."},
    SUB_DISPLAY,
    SUB_TYPE(types_im),
    SUB_PRIMARY,
};

static const struct attr photo_subs[] = {
    {.name = "value",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .reference_types = refs_external,
     .description = "The address of the picture."},
    SUB_DISPLAY,
    SUB_TYPE(types_photo),
    SUB_PRIMARY,
};

static const struct attr address_subs[] = {
    {.name = "formatted", .description = "The full address, ready to be shown or printed."},
    {.name = "streetAddress", .description = "Street, house number and what else precedes the place."},
    {.name = "locality", .description = "The city or place."},
    {.name = "region", .description = "The state or region."},
    {.name = "postalCode", .description = "The postal code."},
    {.name = "country", .description = "The country, by preference as an ISO 3166-1 alpha-2 code."},
    SUB_TYPE(types_work_home),
    SUB_PRIMARY,
};

static const struct attr group_subs[] = {
    {.name = "value", .mutability = ATTR_READ_ONLY, .description = "The id of the group."},
    {.name = "$ref",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .mutability = ATTR_READ_ONLY,
     .reference_types = refs_group,
     .description = "The address of the group."},
    {.name = "display", .mutability = ATTR_READ_ONLY, .description = "The name of the group."},
    {.name = "type",
     .mutability = ATTR_READ_ONLY,
     .canonical = types_group,
     .description = "How the user belongs to the group."},
};

static const struct attr plain_subs[] = {
    {.name = "value", .description = "The value."},
    SUB_DISPLAY,
    SUB_TYPE(types_work_home),
    SUB_PRIMARY,
};

static const struct attr certificate_subs[] = {
    {.name = "value", .type = ATTR_BINARY, .case_exact = true, .description = "The DER-encoded certificate."},
    SUB_DISPLAY,
    SUB_TYPE(types_certificate),
    SUB_PRIMARY,
};

static const struct attr user_attrs[] = {
    {.name = "userName",
     .required = true,
     .uniqueness = ATTR_UNIQUE_SERVER,
     .max_bytes = INDEXED_MAX_BYTES,
     .column = true,
     .description = "The name by which the user signs in, unique in the workspace."},
    {.name = "name", SUBS(name_subs), .description = "The parts of the user's real name."},
    {.name = "displayName",
     .max_bytes = INDEXED_MAX_BYTES,
     .column = true,
     .description = "The name of the user as it is shown to others."},
    {.name = "nickName", .description = "The casual name of the user."},
    {.name = "profileUrl",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .reference_types = refs_external,
     .description = "The address of a page about the user."},
    {.name = "title", .description = "The user's title, such as \"Vice President\"."},
    {.name = "userType", .description = "The relationship between the organization and the user."},
    {.name = "preferredLanguage",
     .description = "The languages that the user prefers, as in Accept-Language."},
    {.name = "locale", .description = "The user's locale, for dates, numbers and currency."},
    {.name = "timezone", .description = "The user's time zone, as named in the IANA database."},
    {.name = "active",
     .type = ATTR_BOOLEAN,
     .keep_on_put = true,
     .default_true = true,
     .description = "Whether the user may use the service. An active user takes a seat."},
    {.name = "password",
     .mutability = ATTR_WRITE_ONLY,
     .returned = ATTR_RETURNED_NEVER,
     .dropped = true,
     .description = "Accepted and not kept: users do not sign in here with a password."},
    {.name = "emails", .multi = true, SUBS(email_subs), .description = "E-mail addresses of the user."},
    {.name = "phoneNumbers", .multi = true, SUBS(phone_subs), .description = "Phone numbers of the user."},
    {.name = "ims", .multi = true, SUBS(im_subs), .description = "Instant messaging addresses of the user."},
    {.name = "photos", .multi = true, SUBS(photo_subs), .description = "Addresses of pictures of the user."},
    {.name = "addresses", .multi = true, SUBS(address_subs), .description = "Postal addresses of the user."},
    {.name = "groups",
     .multi = true,
     SUBS(group_subs),
     .mutability = ATTR_READ_ONLY,
     .apart = true,
     .description = "The groups that the user belongs to; changed through the groups alone."},
    {.name = "entitlements", .multi = true, SUBS(plain_subs), .description = "What the user is entitled to."},
    {.name = "roles", .multi = true, SUBS(plain_subs), .description = "Roles of the user."},
    {.name = "x509Certificates",
     .multi = true,
     SUBS(certificate_subs),
     .description = "Certificates issued to the user."},
};

const struct schema schema_user = {
    .id = SCHEMA_USER,
    .name = "User",
    .description = "User Account",
    .attrs = user_attrs,
    .nattrs = TABLE_COUNT(user_attrs),
};

static const struct attr manager_subs[] = {
    {.name = "value", .description = "The id of the user's manager."},
    {.name = "$ref",
     .type = ATTR_REFERENCE,
     .case_exact = true,
     .reference_types = refs_user,
     .description = "The address of the user's manager."},
    {.name = "displayName", .mutability = ATTR_READ_ONLY, .description = "The name of the user's manager."},
};

static const struct attr enterprise_attrs[] = {
    {.name = "employeeNumber", .description = "A number or code that the organization gave to the user."},
    {.name = "costCenter", .description = "The cost center."},
    {.name = "organization", .description = "The organization."},
    {.name = "division", .description = "The division."},
    {.name = "department", .description = "The department."},
    {.name = "manager", SUBS(manager_subs), .description = "The user's manager."},
};

const struct schema schema_enterprise = {
    .id = SCHEMA_ENTERPRISE,
    .name = "EnterpriseUser",
    .description = "Enterprise User",
    .attrs = enterprise_attrs,
    .nattrs = TABLE_COUNT(enterprise_attrs),
};

static const struct attr usher_user_attrs[] = {
    {.name = "editor",
     .type = ATTR_BOOLEAN,
     .keep_on_put = true,
     .description = "True for an editor, false for a viewer. Absent on creation: as the workspace is set."},
};

const struct schema schema_usher_user = {
    .id = SCHEMA_USHER_USER,
    .name = "UsherUser",
    .description = "The role of a user",
    .attrs = usher_user_attrs,
    .nattrs = TABLE_COUNT(usher_user_attrs),
};
