/* PATCH (RFC 7644 section 3.5.2, rules P1 to P39; ops/DESIGN.md, "Decided points"). The ingest checks and
 * normalises; the worker applies. */
#ifndef USHER_SCHEMAS_PATCH_PATCH_H
#define USHER_SCHEMAS_PATCH_PATCH_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "schemas/filter/filter.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"

#include <jansson.h>

/* What a workspace asks for besides; all 0: nothing. */
struct patch_rules {
    bool replaces_whole;    /* `replace` of a complex attribute leaves only what it gives (clause IO17) */
    enum err_code password; /* of an attribute whose values are dropped; ERR_OK: there is such a one */
    bool one_element; /* a path with a filter and a sub-attribute must match one element: ERR_INVALID_FILTER
                         (IO20) */
};
extern const struct patch_rules patch_rules_none;

/* Checks a PatchOp body wholly (envelope, paths, filters, mutability, value types) and gives the normalised
 * operations that a command carries: a new array of {"op":"add|remove|replace","path":canonical
 * text,"value":coerced}. One attribute each: path-less operations and those on a whole extension are split,
 * dotted and URN keys resolved. "value" is null where an add or replace unassigns, an object with nulls where
 * parts of a complex value do, an array of ids for members; a bare remove has none. resource_id: an equal
 * `id` inside a path-less value is ignored, another one is ERR_MUTABILITY (Q21). Members of a path-less value
 * that name nothing are ERR_INVALID_PATH (P38). Too many operations, or too much work as far as the request
 * tells, are ERR_TOO_MANY, too many members ERR_TOO_LARGE (patch_bounds.h). An empty array means nothing to
 * do. Whatever depends on the stored resource (noTarget, immutable) is left to patch_apply. */
enum err_code patch_normalise(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                              const char *resource_id, json_t **ops, struct err *err);
enum err_code patch_normalise_under(const struct patch_rules *rules, const struct resource_type *rt,
                                    enum dialect dialect, const json_t *body, const char *resource_id,
                                    json_t **ops, struct err *err);

/* The changes that a patch makes to a room's members, in order. */
enum member_delta_kind {
    MEMBER_ADD,        /* ids */
    MEMBER_REMOVE,     /* ids */
    MEMBER_REMOVE_ALL, /* P22 */
    MEMBER_SET,        /* replace the whole list by ids (P33) */
    MEMBER_REMOVE_IF   /* those that match filter (value paths other than plain `value eq`) */
};
struct member_delta {
    enum member_delta_kind kind;
    const char **ids; /* lower-case, distinct */
    size_t nids;
    const struct filter *filter;
};

/* Applies normalised operations to doc in place, in order; on error doc may be half changed, so pass a copy
 * (P2). Member operations are not applied but listed in *deltas (arena). "schemas" is tidied. Errors:
 * ERR_NO_TARGET, ERR_INVALID_VALUE, ERR_MUTABILITY, ERR_TOO_MANY and ERR_TOO_LARGE (patch_bounds.h). */
enum err_code patch_apply(const struct resource_type *rt, enum dialect dialect, const json_t *ops,
                          json_t *doc, struct arena *a, struct member_delta **deltas, size_t *ndeltas,
                          struct err *err);
enum err_code patch_apply_under(const struct patch_rules *rules, const struct resource_type *rt,
                                enum dialect dialect, const json_t *ops, json_t *doc, struct arena *a,
                                struct member_delta **deltas, size_t *ndeltas, struct err *err);

#endif
