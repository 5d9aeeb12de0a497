/* Lists: of one type, or of all that the key may read; filtered, sorted, in pages by index (RFC 7644 section
 * 3.4.2) or by cursor (RFC 9865). */
#ifndef USHER_INGEST_SCIM_LIST_H
#define USHER_INGEST_SCIM_LIST_H

#include "ingest/request/request.h"

/* Turns r->query into r->read, and what its answer needs into r->work. r->route.rt NULL: all types whose
 * reading the key's scopes allow. Anything but ERR_OK is the answer. */
enum err_code list_prepare(struct request *r, struct err *err);
/* The cursor of the page behind that of r->read; NULL: it was the last one. After a list_prepare with a
 * cursor. */
char *list_next(const struct request *r);
/* After the batch: the ListResponse of r->read. */
void list_answer(struct request *r);

#endif
