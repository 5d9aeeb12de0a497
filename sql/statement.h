/* The statements of sql/statements, embedded at build time: one name each, SQL_SUBJECT_NAME. Parts of
 * statements that are put together at run time have holes, {name}, which are filled here. */
#ifndef USHER_SQL_STATEMENT_H
#define USHER_SQL_STATEMENT_H

#include "build/gen/statements.h"
#include "ops/runtime/jbuf.h"

#include <stddef.h>

struct statement_text {
    const char *name; /* "query.members" */
    int nparams;
    const char *types; /* of its parameters, as its comment tells them: "uuid,text[]" */
    const char *text;
};
extern const struct statement_text statement_texts[SQL_STATEMENTS];

struct sql_hole {
    const char *name, *text;
};
/* Appends the part with its holes filled. Every hole must be given: a missing one ends the process. */
void sql_fill(struct jbuf *out, const char *part, const struct sql_hole *holes, size_t n);
#define SQL_FILL(out, part, ...)                                                                             \
    sql_fill(out, part, (const struct sql_hole[]){__VA_ARGS__},                                              \
             sizeof((const struct sql_hole[]){__VA_ARGS__}) / sizeof(struct sql_hole))

#endif
