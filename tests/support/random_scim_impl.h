/* What the files of random_scim share. */
#ifndef USHER_TESTS_SUPPORT_RANDOM_SCIM_IMPL_H
#define USHER_TESTS_SUPPORT_RANDOM_SCIM_IMPL_H

#include "tests/support/random_scim.h"

const char *random_word(struct random_scim *r);
json_t *random_id(struct random_scim *r);
/* A value of the attribute's type; a list of up to three where it is multi-valued. */
json_t *random_value(struct random_scim *r, const struct attr *a);
json_t *random_list(struct random_scim *r, const struct attr *a, size_t n);
/* [{"value": id}, …] */
json_t *random_members(struct random_scim *r, size_t n);
/* Some attribute of the type, with its path (sometimes with the URN where it is not needed) appended to path.
 */
const struct attr *random_attr(struct random_scim *r, const struct resource_type *rt, struct jbuf *path);

#endif
