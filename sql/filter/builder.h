/* What the files of filter_sql share. */
#ifndef USHER_SQL_FILTER_BUILDER_H
#define USHER_SQL_FILTER_BUILDER_H

#include "ops/runtime/id.h"
#include "sql/filter/where.h"

/* What an SQL expression yields, which decides how it is compared. */
enum form {
    FORM_TEXT,
    FORM_UUID,
    FORM_BOOL,
    FORM_TIME,
    FORM_MICROS,
    FORM_NUMERIC,
    FORM_FLOAT,
    FORM_LOCATION, /* prefix, and the id that sql yields */
};

struct expr {
    enum form form;
    const char *sql; /* NULL: cannot be said */
    const char *prefix;
};

/* The rows of members that belong to r, seen from r. */
struct refs {
    const char *other;   /* t's table */
    const char *join;    /* t's row of m */
    const char *of;      /* m's rows of r */
    const char *own;     /* r's id in m */
    const char *id;      /* t's id in m */
    const char *display; /* folded */
    const char *type;    /* folded constant */
    const char *endpoint;
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

/* Not for RESOURCE_CUSTOM: no type of an operator's has attributes apart. */
const struct refs *filter_sql_refs(const struct resource_type *rt);
/* The jsonb of a whole attribute (or extension) in r.search. */
const char *filter_sql_node(struct builder *b, const struct attr_path *path);
/* The expression of a single-valued attribute or sub-attribute that is not in r.search; false: it is there,
 * or nowhere. */
bool filter_sql_column(struct builder *b, const struct attr_path *path, struct expr *e);
/* A sub-attribute of a row m of members, perhaps by way of t. */
bool filter_sql_ref(struct builder *b, const struct attr *sub, struct expr *e);
const char *filter_sql_location(struct builder *b, const struct expr *e); /* of FORM_LOCATION, as text */
bool filter_sql_is_meta(const struct attr_path *path);

/* A simple value inside jsonb: the member `name` of `json`, or (NULL) json itself. A value that is not of the
 * attribute's type (stored before the attribute had it) is nothing. */
struct expr filter_sql_json(struct builder *b, const struct attr *attr, const char *json, const char *name);
/* The condition that f, a COMPARE or PRESENT, puts on one value. */
void filter_sql_leaf(struct builder *b, const struct filter *f, const struct attr *leaf,
                     const struct expr *e);
/* Says f (COMPARE or VALUE_PATH) by containment in r.search, if it consists of equalities; else false and
 * nothing written. */
bool filter_sql_containment(struct builder *b, const struct filter *f);
/* Where an index can find the rows that f (COMPARE or VALUE_PATH) may select: begins "(r.id = ANY (…) AND ",
 * which the caller goes on with the exact condition and closes. Else false and nothing written. $1 is the
 * workspace. */
bool filter_sql_lookup(struct builder *b, const struct filter *f);

#endif
