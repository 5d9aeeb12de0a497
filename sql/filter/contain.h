/* Equality in r.search as containment, `search @> '{"emails":[{"value":"x"}]}'`, which a GIN index can
 * answer. */
#ifndef USHER_SQL_FILTER_CONTAIN_H
#define USHER_SQL_FILTER_CONTAIN_H

#include "schemas/filter/filter.h"
#include "sql/filter/builder.h"

/* Says f (COMPARE or VALUE_PATH) by containment in r.search, if it consists of equalities; else false and
 * nothing written. */
bool contain_put(struct builder *b, const struct filter *f);

#endif
