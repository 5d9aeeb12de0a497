/* A resource type of its own with every kind of attribute, as an operator may define one: the built-in ones
 * don't have them all. */
#ifndef USHER_TESTS_SCHEMAS_PROBE_H
#define USHER_TESTS_SCHEMAS_PROBE_H

#include "schemas/types/schema.h"

static const struct attr probe_parts[] = {
    {.name = "value", .type = ATTR_INTEGER}, {.name = "since", .type = ATTR_DATETIME},
    {.name = "exact", .case_exact = true},   {.name = "fixed", .mutability = ATTR_IMMUTABLE},
    {.name = "on", .type = ATTR_BOOLEAN},    {.name = "primary", .type = ATTR_BOOLEAN},
};
static const struct attr probe_box[] = {
    {.name = "value", .uniqueness = ATTR_UNIQUE_SERVER, .max_bytes = 1024},
    {.name = "type"},
    {.name = "need", .required = true},
    {.name = "labels", .multi = true},
    {.name = "sizes", .type = ATTR_INTEGER, .multi = true},
    {.name = "fixed", .mutability = ATTR_IMMUTABLE},
    {.name = "key", .mutability = ATTR_WRITE_ONLY, .returned = ATTR_RETURNED_NEVER, .keep_on_put = true},
    {.name = "note", .returned = ATTR_RETURNED_REQUEST, .keep_on_put = true},
};
static const struct attr probe_attrs[] = {
    {.name = "title"},
    {.name = "exact", .case_exact = true},
    {.name = "count", .type = ATTR_INTEGER},
    {.name = "ratio", .type = ATTR_DECIMAL},
    {.name = "on", .type = ATTR_BOOLEAN},
    {.name = "since", .type = ATTR_DATETIME},
    {.name = "blob", .type = ATTR_BINARY, .case_exact = true},
    {.name = "link", .type = ATTR_REFERENCE, .case_exact = true},
    {.name = "secret", .mutability = ATTR_WRITE_ONLY, .returned = ATTR_RETURNED_NEVER},
    {.name = "serial", .mutability = ATTR_IMMUTABLE},
    {.name = "origin", .type = ATTR_COMPLEX, .mutability = ATTR_IMMUTABLE, .subs = probe_parts, .nsubs = 6},
    {.name = "tags", .multi = true},
    {.name = "levels", .type = ATTR_INTEGER, .multi = true},
    {.name = "place", .type = ATTR_COMPLEX, .subs = probe_parts, .nsubs = 6},
    {.name = "parts", .type = ATTR_COMPLEX, .multi = true, .subs = probe_parts, .nsubs = 6},
    {.name = "box", .type = ATTR_COMPLEX, .subs = probe_box, .nsubs = 8},
    {.name = "boxes", .type = ATTR_COMPLEX, .multi = true, .subs = probe_box, .nsubs = 8},
    {.name = "memo", .returned = ATTR_RETURNED_REQUEST, .keep_on_put = true},
};
static const struct schema probe_schema = {.id = "urn:example:Probe",
                                           .name = "Probe",
                                           .attrs = probe_attrs,
                                           .nattrs = sizeof probe_attrs / sizeof probe_attrs[0]};
static const struct resource_type probe_type = {
    .kind = RESOURCE_USER, .name = "Probe", .endpoint = "/Probes", .schema = &probe_schema};

#endif
