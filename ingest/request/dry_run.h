/* A change that is only tried: the worker decides it against the state as it is, and nothing is applied.
 * Either the request asks for that (Usher-Dry-Run: yes), and is told what it would have come to; or its key
 * is in dry-run mode, and an identity provider is answered by SCIM as if it had been done. */
#ifndef USHER_INGEST_REQUEST_DRY_RUN_H
#define USHER_INGEST_REQUEST_DRY_RUN_H

#include "ingest/request/request.h"

#include <jansson.h>

/* Sets r->dry and r->dry_quiet. ERR_BAD_REQUEST: the header says neither yes nor no. ERR_NOT_IMPLEMENTED:
 * nothing is tried here. A request that only reads is what it is. */
enum err_code dry_run_read(struct request *r, struct err *err);

/* The command was tried: makes the answer. */
enum step dry_run_answer(struct request *r);
/* The same of an operation of a Bulk. told: what the worker has said of it (workers/apply/bulk_trial.h). */
void dry_run_answer_operation(struct request *operation, const json_t *told);
/* The refusal that the worker has told: {"code","detail","path"}. */
void dry_run_refuse(struct request *r, const json_t *error);
/* The answer is 200 with what it would have come to: a JSON object as the worker has written it. */
void dry_run_put(struct request *r, const char *tried);

#endif
