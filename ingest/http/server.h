/* The HTTP server (libmicrohttpd): epoll threads that read requests, suspend their connections while others
 * work, and send the answers. Nothing in them blocks. */
#ifndef USHER_INGEST_HTTP_SERVER_H
#define USHER_INGEST_HTTP_SERVER_H

#include "ingest/request/request.h"

struct server *server_start(struct ingest *in, struct err *err);
int server_port(const struct server *s);
/* No new connections; waits up to timeout_ms until every request has its answer. False: some have not. */
bool server_drain(struct server *s, int timeout_ms);
void server_stop(
    struct server *s); /* after a successful drain only: a suspended connection would abort the process */

#endif
