/* Answers whose body is a stream (request/stream.h). */
#ifndef USHER_INGEST_HTTP_STREAMED_H
#define USHER_INGEST_HTTP_STREAMED_H

#include "ingest/request/request.h"

#include <microhttpd.h>

/* The response to r->answer.stream. While a piece is made the connection is suspended, and counts as in
 * flight. On an HTTP thread. NULL: no memory. */
struct MHD_Response *streamed_response(const struct request *r, struct MHD_Connection *connection);

#endif
