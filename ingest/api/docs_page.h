/* The page that shows openapi.json to people: one text, made at build time of the files in ingest/api/docs
 * (ops/build/embed_page.sh). The browser draws it. */
#ifndef USHER_INGEST_API_DOCS_PAGE_H
#define USHER_INGEST_API_DOCS_PAGE_H

extern const char docs_page_html[];

/* What a browser may do with the page: use the style and the script that stand in it, read openapi.json, and
 * nothing else. */
extern const char docs_page_policy[];

#endif
