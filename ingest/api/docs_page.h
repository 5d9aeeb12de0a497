/* The OpenAPI document as a page for people. A pure function. */
#ifndef USHER_INGEST_API_DOCS_PAGE_H
#define USHER_INGEST_API_DOCS_PAGE_H

#include "ops/runtime/jbuf.h"

#include <jansson.h>

/* What a browser may do with the page: show it, with the style that stands in it, and nothing else. */
#define DOCS_PAGE_POLICY                                                                                     \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors "   \
    "'none'"

/* Appends one HTML page: operations by tag, with parameters, bodies and answers, then the schemas. Whatever
 * stands in the document is text there, never markup. A document that lacks parts gives a page that lacks
 * them. */
void docs_page_put(const json_t *openapi, struct jbuf *out);

#endif
