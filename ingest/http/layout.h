/* The head of a request, as it lay on the wire. The HTTP library cuts the bytes into pieces where they lie
 * and gives pointers to the pieces. What it does beside that shows in the gaps between them: libmicrohttpd
 * 0.9.75 appends a folded line to the name of the header before it, ends a value at a NUL, and takes a bare
 * LF for the end of a line. So a head counts as understood only if the pieces follow each other without a
 * gap, but for what belongs there: a blank, a colon with blanks, the end of a line. Pure function. */
#ifndef USHER_INGEST_HTTP_LAYOUT_H
#define USHER_INGEST_HTTP_LAYOUT_H

#include "ingest/http/guard.h"

#include <stdbool.h>

/* The texts are those of the library, not copies. */
struct layout {
    const char *method, *target, *version;
    size_t target_len;                  /* the library changes the target later, so this is from before */
    const struct guard_header *headers; /* in the order in which they came */
    size_t nheaders;
    size_t bytes; /* from the first byte of the method to the last one of the empty line */
};

bool layout_is_whole(const struct layout *l);

#endif
