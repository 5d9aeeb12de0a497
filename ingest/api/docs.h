/* The OpenAPI document for programs, and a page that shows it to people. Answered to everybody. */
#ifndef USHER_INGEST_API_DOCS_H
#define USHER_INGEST_API_DOCS_H

#include "ingest/request/handler.h"

/* Before any thread starts. */
void docs_open(void);
void docs_close(void);

extern const struct handler docs_json, docs_html;

#endif
