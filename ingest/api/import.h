/* POST /users/import: a list of users at once, each with an outcome of its own. Goes the way of a Bulk
 * (bulk.h), whose operations are the creates. */
#ifndef USHER_INGEST_API_IMPORT_H
#define USHER_INGEST_API_IMPORT_H

#include "ingest/request/request.h"
#include "ingest/scim/bulk_request.h"

/* {"users":[…]} -> one POST each, in their order. What is wrong with one user alone is noted in its
 * operation. */
enum err_code api_import_parse(struct request *r, const json_t *body, struct bulk_request *out,
                               struct err *err);
/* {"results":[…]}: of each user the status, and id, version and location, or the problem. operations: in the
 * order of the request. */
void api_import_answer(struct request *r, struct request *const *operations, size_t n);

#endif
