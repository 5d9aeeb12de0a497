/* Listening sockets. */
#ifndef USHER_RUNTIME_NET_H
#define USHER_RUNTIME_NET_H

#include "ops/runtime/err.h"

/* Opens a non-blocking TCP socket that listens on "host:port" ("[::1]:8080" for IPv6, ":8080" for every
 * address, port 0 for any free one). The caller owns the descriptor; *port is the real port (may be NULL). -1
 * and err (ERR_CONFIG, with the reason) on failure. */
int net_listen(const char *listen, int backlog, int *port, struct err *err);

/* Is it "host:port", and is there such a host? ERR_CONFIG with the reason if not. Opens nothing. */
enum err_code net_check(const char *listen, struct err *err);

/* The listening socket that the service manager has opened for us (LISTEN_FDS of sd_listen_fds(3)); the
 * caller owns the descriptor. -1: there is none. Asked once. */
int net_inherited(int *port);

#endif
