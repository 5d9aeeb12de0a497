/* What a filter means in SQL. The text holds nothing that a client wrote: every value is a parameter. Must
 * select what schemas/filter_match.c selects. */
#ifndef USHER_SQL_FILTER_WHERE_H
#define USHER_SQL_FILTER_WHERE_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/filter/filter.h"
#include "schemas/types/schema.h"

/* Parameters of one statement in text form; v[0] is $1. Texts made here live in the arena, v until
 * sql_params_free. */
struct sql_params {
    const char **v;
    int n, cap;
    struct arena *arena;
    const char *
        base; /* absolute URL that locations begin with; NULL: meta.location and $ref cannot be filtered on */
};

void sql_params_init(struct sql_params *p, struct arena *arena);
void sql_params_free(struct sql_params *p);
/* Adds a parameter and returns its number, so `$%d`. The text is borrowed and must live as long as p is used;
 * NULL = SQL NULL. */
int sql_params_add(struct sql_params *p, const char *text);
/* Adds it and returns it as an expression of that type, "$3::uuid", which lives in the arena. */
const char *sql_params_ref(struct sql_params *p, const char *text, const char *type);

/* Appends to `where` a condition in parentheses on the row r of the type's table (users, rooms, resources),
 * with further parameters in params. $1 is the workspace's id, to which (and to its type) the caller
 * restricts r. ERR_INVALID_FILTER for what the store cannot say. */
enum err_code filter_sql(const struct resource_type *rt, const struct filter *f, struct jbuf *where,
                         struct sql_params *params, struct err *err);

/* The same for the filter in brackets of a room's `members` or a user's `groups` (filter_parse_element): a
 * condition on the row m of members. */
enum err_code filter_sql_element(const struct resource_type *rt, const struct filter *f, struct jbuf *where,
                                 struct sql_params *params, struct err *err);

/* Can the rows that f selects be found through an index, however many others there are? Where an attribute
 * has one is seen from its table: id, columns that are looked up, keys, members. */
bool filter_sql_finds(const struct filter *f);

#endif
