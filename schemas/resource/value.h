/* Values of attributes, made to fit the tables (RFC 7643 sections 2.3 to 2.5; ops/DESIGN.md, "Decided
 * points"; rules Q09, Q22 to Q27). POST, PUT and PATCH share these, so that a value means the same however it
 * comes. */
#ifndef USHER_SCHEMAS_RESOURCE_VALUE_H
#define USHER_SCHEMAS_RESOURCE_VALUE_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/types/attr_path.h"

#include <jansson.h>

#define VALUE_MAX_BYTES 65536 /* of any one string */
#define MEMBERS_MAX 100000    /* of a room, named in one request */

/* Normalises the whole value of the attribute that path names (of its sub-attribute where path->sub is set).
 * *out: a new reference, or NULL where nothing is assigned: null, "", [], {} and what consists of nothing
 * else. Accepted too: "True" and "False" for a boolean; one object or simple value for a list; a simple value
 * v for a complex one that has a `value`: {"value": v}; a list of one for a single value; a text that is a
 * number for a number. Equal elements are collapsed. Two primaries, wrong types and blank required strings
 * are ERR_INVALID_VALUE with the path in err. Unknown and readOnly sub-attributes are left out. The caller
 * checks whether the attribute itself may be written, and whether it is required. */
enum err_code value_normalise(const struct attr_path *path, const json_t *in, json_t **out, struct err *err);

/* One element of the multi-valued attribute path->attr: as above, without the list. */
enum err_code value_normalise_element(const struct attr_path *path, const json_t *in, json_t **out,
                                      struct err *err);

/* Collapses elements of `list` that say the same (equal type and value; where there is no value: equal
 * altogether), in place; the first one stays and becomes primary if any of them was (S5, P14). More than one
 * primary left: ERR_INVALID_VALUE. */
enum err_code value_tidy_list(const struct attr_path *path, json_t *list, struct err *err);

/* Are the required parts there, of a complex value or of each element of a list? ERR_INVALID_VALUE. value may
 * be NULL. */
enum err_code value_check_parts(const struct attr_path *path, const json_t *value, struct err *err);

/* True if an object has no members but `type` and `primary`: then it holds no value, only labels of one. */
bool value_only_labels(json_t *object);
/* Is `primary` true in this element of a list? */
bool value_is_primary(const json_t *element);

/* Are two normalised values equal? The order of lists does not count. */
bool value_same(const json_t *a, const json_t *b);

/* Calls fn for each element of `given` that stands in the list `old` too (the same type and value, S5), until
 * it gives an error. */
enum err_code value_each_same(const json_t *old, json_t *given,
                              enum err_code (*fn)(const json_t *before, json_t *element, void *ctx),
                              void *ctx);

/* Removes from a value of attribute a the parts that no reader may see, in place. */
void value_hide_secrets(const struct attr *a, json_t *value);

/* Refuses a text of len bytes, of which max are allowed. */
enum err_code value_too_long(const struct attr_path *path, size_t len, size_t max, struct err *err);

/* The ids in a value for a room's members: an array of {"value": id, …} or of plain strings, or one of these.
 * *ids: a new array of distinct ids in the order given, UUIDs in lower case, anything else as it stands (no
 * member can have such an id; the worker reports it as unknown). Nulls in it are skipped; null or "" gives an
 * empty array. Members that are groups are refused (S9). More than MEMBERS_MAX: ERR_TOO_LARGE. */
enum err_code value_member_ids(const struct attr_path *path, const json_t *in, json_t **ids, struct err *err);

enum err_code value_too_many_members(const struct attr_path *path, struct err *err);

#endif
