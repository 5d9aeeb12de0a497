/* What the files of patch_apply share. */
#ifndef USHER_SCHEMAS_PATCH_PATCH_IMPL_H
#define USHER_SCHEMAS_PATCH_PATCH_IMPL_H

#include "schemas/patch/patch.h"
#include "schemas/patch/patch_bounds.h"

/* A normalised operation, decoded. */
struct patch_step {
    enum patch_op op;
    struct patch_path path;
    const json_t *value; /* JSON null: unassign; NULL: none given (remove) */
    bool one_element;    /* struct patch_rules */
};

/* Refuses with the path of the step in front: "'<path>' <why>". */
enum err_code patch_refuse(const struct patch_step *s, enum err_code code, const char *why, struct err *err);
/* Sets object[attr] to a copy of value (null or NULL: unassigns it). ERR_MUTABILITY for another value of an
 * immutable attribute. */
enum err_code patch_set(const struct patch_step *s, const struct attr *attr, json_t *object,
                        const json_t *value, struct err *err);
/* Sets a sub-attribute of an object as the step's operation says: to one with several values, values are
 * added, or the listed ones removed. */
enum err_code patch_set_part(const struct patch_step *s, const struct attr *sub, json_t *object,
                             const json_t *value, struct err *err);
bool patch_has_immutable_part(const struct attr *attr, const json_t *value); /* that is set */
/* Sets `primary` to false in all elements of a list (P7: where one of the given becomes primary). */
void patch_clear_primaries(json_t *list);
/* Adds values to a list, and takes those that value lists out of it, as attribute a compares them. */
void patch_append(const json_t *value, json_t *list);
void patch_take_out(const struct attr *a, const json_t *value, json_t *list);
/* An operation on a multi-valued attribute that stands in container, or not yet. creates: replace creates
 * what its filter does not find. */
enum err_code patch_apply_list(const struct patch_step *s, bool creates, json_t *container, struct err *err);
/* Puts into an element the values that the filter demands with `eq`. */
void patch_take_equalities(const struct filter *f, json_t *element);
/* What an operation on members does to their rows. */
void patch_member_delta(const struct patch_step *s, struct arena *a, struct member_delta *out);

#endif
