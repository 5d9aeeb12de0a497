/* From an answer to an HTTP response. */
#ifndef USHER_INGEST_HTTP_SEND_H
#define USHER_INGEST_HTTP_SEND_H

#include "ingest/request/request.h"

#include <microhttpd.h>

/* Queues r->answer with its headers, and counts it; MHD_NO ends the connection without an answer (r->drop).
 * The body's memory stays the request's, which lives until the library is through with it. On an HTTP thread.
 */
enum MHD_Result send_answer(const struct request *r, struct MHD_Connection *connection);

#endif
