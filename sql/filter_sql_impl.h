/* What the files of filter_sql share. */
#ifndef USHER_SQL_FILTER_SQL_IMPL_H
#define USHER_SQL_FILTER_SQL_IMPL_H

#include "sql/filter_sql.h"

/* What an SQL expression yields, which decides how it is compared. */
enum form { FORM_TEXT, FORM_UUID, FORM_BOOL, FORM_TIME, FORM_MICROS, FORM_NUMERIC, FORM_FLOAT };

struct expr {
    enum form form;
    const char *sql;
};

struct builder {
    const struct resource_type *rt;
    struct jbuf *out;
    struct sql_params *params;
    struct err *err;
    const struct attr_path *of; /* inside brackets: the attribute before them; else NULL */
    bool uses_other;            /* a condition on m's row speaks of t */
};

/* A text that lives longer than the buffer it was written in, which is freed. */
const char *filter_sql_keep(struct builder *b, struct jbuf *text);
/* A name as a quoted lower-case SQL string: names come from attribute tables, which an operator may extend.
 */
void filter_sql_name(struct jbuf *out, const char *name);

/* A simple value inside jsonb: the member `name` of `json`, or (NULL) json itself. A value that is not of the
 * attribute's type (stored before the attribute had it) is nothing. */
struct expr filter_sql_json(struct builder *b, const struct attr *attr, const char *json, const char *name);
/* The condition that f, a COMPARE or PRESENT, puts on one value. */
void filter_sql_leaf(struct builder *b, const struct filter *f, const struct attr *leaf,
                     const struct expr *e);
/* Says f (COMPARE or VALUE_PATH) by containment in r.search, if it consists of equalities; else false and
 * nothing written. */
bool filter_sql_containment(struct builder *b, const struct filter *f);

#endif
