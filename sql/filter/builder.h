/* A condition or a sort key that is being put together: what the files of this folder hand around. The larger
 * pieces stand in statements/filter.sql; C adds operators and names to them, and never a value. */
#ifndef USHER_SQL_FILTER_BUILDER_H
#define USHER_SQL_FILTER_BUILDER_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/types/attr_path.h"
#include "schemas/types/schema.h"
#include "sql/filter/sql_params.h"
#include "sql/statement.h"

struct builder {
    const struct resource_type *rt;
    struct jbuf *out;
    struct sql_params *params;
    struct err *err;
    const struct attr_path *of; /* inside brackets: the attribute before them; else NULL */
    bool uses_other;            /* a condition on m's row speaks of t */
};

/* A text that lives longer than the buffer it was written in, which is freed. */
const char *builder_keep(struct builder *b, struct jbuf *text);
/* A part of statements/filter.sql with its holes filled, as a text that is kept. */
const char *builder_part(struct builder *b, const char *part, const struct sql_hole *holes, size_t n);
#define BUILDER_PART(b, part, ...)                                                                           \
    builder_part(b, part, (const struct sql_hole[]){__VA_ARGS__},                                            \
                 sizeof((const struct sql_hole[]){__VA_ARGS__}) / sizeof(struct sql_hole))
/* A name as a quoted lower-case SQL string: names come from attribute tables, which an operator may extend.
 */
void builder_name(struct jbuf *out, const char *name);

#endif
