/* Usher-Dry-Run: yes on a change: the worker decides it against the state as it is, and nothing is applied.
 */
#ifndef USHER_INGEST_REQUEST_DRY_RUN_H
#define USHER_INGEST_REQUEST_DRY_RUN_H

#include "ingest/request/request.h"

/* Sets r->dry. ERR_BAD_REQUEST: the header says neither yes nor no. ERR_NOT_IMPLEMENTED: nothing is tried
 * here. A request that only reads is what it is. */
enum err_code dry_run_read(struct request *r, struct err *err);

/* The command was tried: 200 with what it would have come to. */
enum step dry_run_answer(struct request *r);

#endif
