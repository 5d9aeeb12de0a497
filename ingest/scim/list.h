/* Lists of one type, or of all types that the key may read: filtered, sorted, in pages by index (RFC 7644
 * section 3.4.2) or by cursor (RFC 9865). */
#ifndef USHER_INGEST_SCIM_LIST_H
#define USHER_INGEST_SCIM_LIST_H

#include "ingest/request/request.h"

/* Makes r->read out of r->query, and r->work for the answer. r->route.rt NULL: all types that the key may
 * read. Anything but ERR_OK is the answer. */
enum err_code list_prepare(struct request *r, struct err *err);
/* The cursor of the page after that of r->read; NULL: this is the last page. The query must have had a
 * cursor. */
char *list_next(const struct request *r);
/* r->read has its rows: answers with a ListResponse. */
void list_answer(struct request *r);

#endif
