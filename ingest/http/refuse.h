/* Answers a request that the HTTP library refuses by itself (library.h): in the form of usher, and with a
 * record if there was a request line. */
#ifndef USHER_INGEST_HTTP_REFUSE_H
#define USHER_INGEST_HTTP_REFUSE_H

#include "ingest/http/clients.h"
#include "ingest/request/request.h"

#include <microhttpd.h>

/* r: the request as far as it was read; NULL if there was no request line. The record is sent, but not waited
 * for: the connection ends as soon as this returns. */
void refuse_for_library(struct ingest *in, struct request *r, struct MHD_Connection *connection,
                        const struct client *client, unsigned status);
/* Answers a client that speaks HTTP without TLS to a port for TLS, in plain HTTP. begin: the first bytes that
 * came. */
void refuse_plain(struct ingest *in, const struct client *client, const char *begin, size_t n);

#endif
