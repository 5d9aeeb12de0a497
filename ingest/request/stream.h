/* A body that is made piece by piece while it is sent, for answers of any length. It belongs to the HTTP
 * thread, which sends the piece and then calls want; from then on it belongs to whoever makes the next piece,
 * who calls give. So it has one owner at any time, and no lock. It lives in the arena of its request, which
 * stays until all is sent or the connection is closed; that happens to the HTTP thread alone. */
#ifndef USHER_INGEST_REQUEST_STREAM_H
#define USHER_INGEST_REQUEST_STREAM_H

#include "ops/runtime/jbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct ingest;

struct stream {
    /* Of whoever makes the pieces. want must not block: the HTTP thread calls it. The piece is empty then. */
    void (*want)(struct stream *s);
    struct jbuf piece; /* its maker frees it, with the request */
    bool last;         /* the piece is the last one */
    bool broken;       /* there is no more, and it is not whole: the connection is closed without an end */

    /* Of http/. give: the piece is made. Nothing else of the stream may be touched afterwards. gone: has the
     * client closed its side? May be asked between want and give. */
    void (*give)(struct stream *s);
    bool (*gone)(const struct stream *s);
    struct ingest *in;
    void *connection;
    size_t sent; /* of the piece */
};

#endif
