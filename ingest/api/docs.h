/* The OpenAPI document. Answered to everybody. (portal/files.h has the page that shows it to people.) */
#ifndef USHER_INGEST_API_DOCS_H
#define USHER_INGEST_API_DOCS_H

#include "ingest/request/handler.h"

/* Before any thread starts. */
void docs_open(void);
void docs_close(void);

extern const struct handler docs_json;

#endif
