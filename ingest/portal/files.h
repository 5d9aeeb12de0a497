/* The portal's page, the files that it loads, and the page that shows openapi.json. Answered to everybody:
 * they hold nothing of any workspace. */
#ifndef USHER_INGEST_PORTAL_FILES_H
#define USHER_INGEST_PORTAL_FILES_H

#include "ingest/request/handler.h"

extern const struct handler portal_page_get, portal_file_get, portal_docs_get;

#endif
