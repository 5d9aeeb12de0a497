/* Parameters of a statement that is put together at run time: whatever a client wrote is one. */
#ifndef USHER_SQL_FILTER_SQL_PARAMS_H
#define USHER_SQL_FILTER_SQL_PARAMS_H

#include "ops/runtime/arena.h"

/* In text form; v[0] is $1. Texts made here live in the arena, v until sql_params_free. */
struct sql_params {
    const char **v;
    int n, cap;
    struct arena *arena;
    const char *base; /* absolute URL that locations begin with; NULL: meta.location and $ref mean nothing */
};

void sql_params_init(struct sql_params *p, struct arena *arena);
void sql_params_free(struct sql_params *p);
/* Adds a parameter and returns its number. The text is borrowed and must live as long as p is used; NULL =
 * SQL NULL. */
int sql_params_add(struct sql_params *p, const char *text);
/* Adds it and returns it as an expression of that type, "$3::uuid", which lives in the arena. */
const char *sql_params_ref(struct sql_params *p, const char *text, const char *type);

#endif
