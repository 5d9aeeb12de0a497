/* What one PATCH may do (ops/DESIGN.md, "Bounds"). The ingest counts what a request gives, the worker what
 * its operations find in the stored document. */
#ifndef USHER_SCHEMAS_PATCH_PATCH_BOUNDS_H
#define USHER_SCHEMAS_PATCH_PATCH_BOUNDS_H

#include "ops/runtime/arena.h"
#include "schemas/patch/patch_path.h"
#include "schemas/resource/resource_bounds.h"

/* Operations on attributes, after those without a path were split: one for each attribute. */
#define PATCH_MAX_OPERATIONS 1000
/* Values that the operations look at, in all. Each operation looks at all values of its list, once for each
 * term of its path's filter, so many operations on a long list could keep a worker busy for minutes. */
#define PATCH_MAX_WORK 20000
/* Operations that look at all members of a room: they replace or remove all, or choose by anything but
 * `value eq`. */
#define PATCH_MAX_SWEEPS 4

/* What it costs at least to look at all of a list, as far as it is known. */
struct patch_known {
    const struct attr *attr;
    size_t cost;
};

struct patch_work {
    size_t operations;
    size_t members; /* named */
    size_t sweeps;
    size_t lists; /* operations that looked at a stored value */
    size_t work;
    struct patch_known *known; /* in the arena */
    size_t nknown, cap;
};

/* What it costs to look at a value, or at each value of a list: one, and one more for each 256 bytes. */
size_t patch_cost(const json_t *value);

/* The number of ids in a filter of the form `value eq id`, or several of these joined by "or"; 0 for any
 * other filter. */
size_t patch_filter_ids(const struct filter *f);

/* Counts an operation. value: as it is normalised; NULL: none. ERR_TOO_MANY; ERR_TOO_LARGE where too many
 * members are named. */
enum err_code patch_count(struct patch_work *w, enum patch_op op, const struct patch_path *path,
                          const json_t *value, struct err *err);
/* Counts the work of an operation on an attribute whose stored value costs so much (patch_cost). The first
 * one may look at all of a list, however long it is, so that a list that is too long already can be made
 * shorter. */
enum err_code patch_count_work(struct patch_work *w, const struct patch_path *path, size_t stored,
                               const json_t *value, struct err *err);
/* The same before anything is done: of a list, what it costs in the stored document (doc; NULL: not known)
 * and what the operations before have put into it. */
enum err_code patch_count_known(struct patch_work *w, enum patch_op op, const struct patch_path *path,
                                const json_t *value, const json_t *doc, struct arena *a, struct err *err);

/* ERR_INVALID_VALUE where an operation alone (normalised) gives more than one resource may have. What the
 * whole comes to is known when the document is (resource_check_bounds). */
enum err_code patch_check_given(const struct resource_type *rt, const json_t *ops,
                                const struct resource_bounds *bounds, struct err *err);

#endif
