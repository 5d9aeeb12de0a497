/* Inside of the reads: what read.c (many short ones) and read_whole.c (one of any length) share. */
#ifndef USHER_SQL_ASK_READ_IMPL_H
#define USHER_SQL_ASK_READ_IMPL_H

#include "sql/ask/read.h"

enum read_step_kind { READ_STEP_OTHER, READ_STEP_GET, READ_STEP_NAMED, READ_STEP_PAGE, READ_STEP_TOTAL };

struct read_step { /* one statement of the pipeline */
    enum read_step_kind kind;
    size_t query; /* of a page or total: its query; of a get or name: the first of its group */
};

/* Statements that go out together. */
struct read_plan {
    struct db *db;
    struct read_query *const *queries;
    size_t nqueries;
    struct read_step *steps;
    size_t n, cap;
};

/* Queues one of the statements around the reads, with its parameters. */
void read_plan_other(struct read_plan *p, enum statement s, const char *const *params);
/* Queues a get with all others of its group; those are marked in planned. */
void read_plan_gets(struct read_plan *p, size_t first, bool *planned);
/* A look-up of one user by userName: the folded name. One statement finds all of a batch, each along the
 * unique index. NULL: it is another read. */
const char *read_name_of(const struct read_query *q);
/* The same for look-ups by userName. */
void read_plan_names(struct read_plan *p, size_t first, bool *planned);
/* Queues the page of a list (total false), or the number of all. Where that cannot be said in SQL, the query
 * has the error. */
void read_plan_list(struct read_plan *p, size_t query, bool total);
/* Sends what is queued and takes the rows. The plan is empty afterwards. *slow (may be NULL): the query whose
 * statement took too long, or nqueries. */
enum err_code read_plan_run(struct read_plan *p, size_t *slow, struct err *err);

/* Nothing is known of it yet. */
void read_query_reset(struct read_query *q);
/* Are groups or members wanted of the row, and more than one statement shows? */
bool read_row_lacks_refs(const struct read_query *q, size_t row);
/* What is wanted of them. */
enum refs_wanted read_refs_of(const struct read_query *q, size_t row);
/* The base URL as the inside of a JSON string; malloc'ed. */
char *read_escaped_base(const char *base);

#endif
