/* Sends answers. */
#ifndef USHER_INGEST_HTTP_SEND_H
#define USHER_INGEST_HTTP_SEND_H

#include "ingest/request/request.h"

#include <microhttpd.h>

/* Queues r->answer with its headers, and counts it. MHD_NO: the connection is closed without an answer
 * (r->drop). The body stays in the memory of the request, which lives until the library has sent it. On an
 * HTTP thread. */
enum MHD_Result send_answer(const struct request *r, struct MHD_Connection *connection);
/* Writes r->answer to the socket past the library, as much as fits into the socket at once, and shuts the
 * socket down (library.h). Without an answer if r->drop. On an HTTP thread. */
void send_last(const struct request *r, struct MHD_Connection *connection);
/* The same on a socket for TLS, without TLS. */
void send_last_plain(const struct request *r, int fd);

#endif
