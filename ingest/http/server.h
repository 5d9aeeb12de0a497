/* The HTTP server (libmicrohttpd). Its epoll threads read requests, suspend their connections while other
 * threads work, and send the answers. They never block. */
#ifndef USHER_INGEST_HTTP_SERVER_H
#define USHER_INGEST_HTTP_SERVER_H

#include "ingest/request/request.h"

struct server *server_start(struct ingest *in, struct err *err);
int server_port(const struct server *s);
/* Takes no new connections, then no new requests (ingest.stopping), and waits up to timeout_ms until every
 * request has its answer. False: some have none. */
bool server_drain(struct server *s, int timeout_ms);
/* Only after a successful drain: a suspended connection would abort the process */
void server_stop(struct server *s);

#endif
