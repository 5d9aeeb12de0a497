/* The pages of the portal as they stand in the program: made at build time of ingest/portal/web
 * (ops/build/portal.sh), into build/gen/portal_files.c. */
#ifndef USHER_INGEST_PORTAL_BUNDLE_H
#define USHER_INGEST_PORTAL_BUNDLE_H

#include <stddef.h>

/* What a page loads. The name holds a hash of the content, so a name never means anything else. */
struct portal_file {
    const char *name; /* as in /portal/assets/{name} */
    const char *type; /* of its content */
    const char *etag; /* with its quotes */
    const unsigned char *gzip;
    size_t gzip_size, size; /* bytes, compressed and not */
};

extern const struct portal_file portal_files[];
extern const size_t portal_files_n;

/* HTML. Without npm at build time both say what was missing, and there is no file. */
extern const char portal_page_html[], portal_docs_html[];

#endif
