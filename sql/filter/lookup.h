/* Equalities that IdPs look resources up by, found through an index: the resources that have the value are
 * taken from resource_keys or members, and the exact condition is put on those few alone. Whether a looked-up
 * equality is there at all is decided from the tables: a value path whose conditions must all hold needs only
 * one of them to have an index. */
#ifndef USHER_SQL_FILTER_LOOKUP_H
#define USHER_SQL_FILTER_LOOKUP_H

#include "schemas/filter/filter.h"
#include "sql/filter/builder.h"

/* Can the rows that f selects be found through an index, however many others there are? Where an attribute
 * has one is seen from its table: id, columns that are looked up, keys, members. */
bool lookup_finds(const struct filter *f);
/* f is `members eq "id"` or `groups eq "id"`, and nothing else: the id; NULL: it is something else. */
const char *lookup_member(const struct filter *f);
/* f is `userName eq "name"` of users, and nothing else: the folded name; NULL: it is something else. */
const char *lookup_user_name(const struct resource_type *rt, const struct filter *f);
/* The condition that has an index find the rows that f (COMPARE or VALUE_PATH) may select; NULL: none can. $1
 * is the workspace. */
const char *lookup_condition(struct builder *b, const struct filter *f);

#endif
