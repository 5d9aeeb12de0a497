/* Values in SQL: what an expression yields, and how it is compared with what a filter says. */
#ifndef USHER_SQL_FILTER_EXPR_H
#define USHER_SQL_FILTER_EXPR_H

#include "schemas/filter/filter.h"
#include "sql/filter/builder.h"

#include <stdbool.h>

enum expr_form {
    EXPR_TEXT,
    EXPR_UUID,
    EXPR_BOOL,
    EXPR_TIME,
    EXPR_MICROS,
    EXPR_NUMERIC,
    EXPR_FLOAT,
    EXPR_LOCATION, /* prefix, and the id that sql yields */
};

struct expr {
    enum expr_form form;
    const char *sql; /* NULL: cannot be said */
    const char *prefix;
    bool ordered; /* of EXPR_TEXT: an index has it in the order of code points */
};

/* A simple value inside jsonb: the member `name` of `json`, or (NULL) json itself. A value that is not of the
 * attribute's type (stored before the attribute had it) is nothing. */
struct expr expr_json(struct builder *b, const struct attr *attr, const char *json, const char *name);
const char *expr_location(struct builder *b, const struct expr *e); /* of EXPR_LOCATION, as text */
/* Writes the condition that f, a COMPARE or PRESENT, puts on one value. */
void expr_condition(struct builder *b, const struct filter *f, const struct attr *leaf, const struct expr *e);

#endif
