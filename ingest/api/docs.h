/* The OpenAPI document for programs and, made of it, a page for people. Made once, answered to everybody. */
#ifndef USHER_INGEST_API_DOCS_H
#define USHER_INGEST_API_DOCS_H

#include "ingest/request/handler.h"

/* Before any thread starts. */
void docs_open(void);
void docs_close(void);

extern const struct handler docs_json, docs_html;

#endif
