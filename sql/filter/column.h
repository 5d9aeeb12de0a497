/* Where attributes are in the store. Three places:
 *  - columns of r, for what is looked up and what is not part of a document;
 *  - rows of members, with the other side as t: groups of a user, members of a room;
 *  - r.search, the folded document (resource_search_text), for everything else. */
#ifndef USHER_SQL_FILTER_COLUMN_H
#define USHER_SQL_FILTER_COLUMN_H

#include "sql/filter/expr.h"

/* The rows of members that belong to r, seen from r. */
struct column_refs {
    const char *other;   /* t's table */
    const char *join;    /* t's row of m */
    const char *of;      /* m's rows of r */
    const char *own;     /* r's id in m */
    const char *id;      /* t's id in m */
    const char *display; /* folded */
    const char *type;    /* folded constant */
    const char *endpoint;
};

/* Not for RESOURCE_CUSTOM: no type of an operator's has attributes apart. */
const struct column_refs *column_refs(const struct resource_type *rt);
/* The jsonb of a whole attribute (or extension) in r.search. */
const char *column_search(struct builder *b, const struct attr_path *path);
/* The elements of a multi-valued attribute, from where on an SQL query reads them: as e.v, or as rows m of
 * members, joined with t if b->uses_other. */
const char *column_elements(struct builder *b, const struct attr_path *of);
/* The expression of a single-valued attribute or sub-attribute that is not in r.search; false: it is there,
 * or nowhere. */
bool column_of(struct builder *b, const struct attr_path *path, struct expr *e);
/* A sub-attribute of a row m of members, perhaps by way of t. */
bool column_ref(struct builder *b, const struct attr *sub, struct expr *e);
bool column_is_meta(const struct attr_path *path);

#endif
