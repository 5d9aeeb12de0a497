/* A read of SCIM resources (read.h): what is asked, and the answer. */
#ifndef USHER_SQL_ASK_READ_QUERY_H
#define USHER_SQL_ASK_READ_QUERY_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/filter/filter.h"
#include "schemas/resource/resource.h"

/* What a list takes of one resource type. */
struct read_part {
    const struct resource_type *rt;
    const struct filter *filter;  /* NULL = all */
    const struct attr_path *sort; /* what it is sorted by; NULL: the type has no such attribute */
    enum refs_wanted refs;        /* groups (users) or members (rooms) */
};

/* A place in a list: that of a row. Rows are sorted by the key, those without one last, and then by id. */
struct read_place {
    const char *key; /* text of the sort key; NULL = the row has none, or the list is not sorted */
    const char *id;
};

struct read_query {
    /* in */
    const char *workspace; /* id */
    const char *base;      /* absolute URL for $ref */
    struct arena *arena;   /* rows live there */
    /* in: one resource */
    const char
        *id; /* not NULL: get that one (a well-formed lower-case UUID, or two of a membership); else list */
    const struct resource_type *rt;
    enum refs_wanted refs;
    /* in: a list */
    const struct read_part *parts;  /* one list over all of them */
    size_t nparts;                  /* >= 1 */
    bool sorted, descending;        /* by parts' sort, else by id alone: the order of creation */
    int count;                      /* 0 … 200; 0 = only the total */
    int64_t start_index;            /* >= 1; 0: by place */
    bool backward;                  /* by place: the rows before it, else those behind it */
    const struct read_place *place; /* NULL: from the list's beginning (backward: its end) */
    int64_t known_total;            /* by place, >= 0: is not asked for again */
    /* in: read_whole asks before so many bytes of rows are kept; false: the query ends with ERR_TOO_MANY.
     * NULL: all are. */
    bool (*keep)(void *ctx, size_t bytes);
    void *keep_ctx;
    /* out */
    struct resource_row *rows;          /* of a list: in its order, also where it was read backward */
    const struct resource_type **types; /* of a list: the rows' */
    size_t nrows;                       /* get: 0 = not found */
    int64_t total;                      /* list */
    bool more;                          /* list: there are further rows in the direction of reading */
    struct read_place first, last;      /* of a list with rows */
    enum err_code code;                 /* this query's own error (e.g. a filter that the store cannot do:
                                           ERR_INVALID_FILTER), else ERR_OK */
    struct err err;
    bool is_large;       /* read_batch: it has no answer, because it is too long for a short read … */
    bool is_slow;        /* … and it was this one that took too long */
    struct jbuf *pieces; /* by row: refs that were read in pieces (read_let_go); NULL: none were */
};

#endif
