/* May an address that a tenant has entered be connected to? Only public addresses may, and those that the
 * operator names. Judged is the address that a socket is opened for, after names were resolved: so neither a
 * spelling nor a name server leads inside. */
#ifndef USHER_RUNTIME_REACH_H
#define USHER_RUNTIME_REACH_H

#include "ops/runtime/net_range.h"

#include <stdbool.h>
#include <sys/socket.h>

struct reach {
    const struct net_ranges *allowed; /* besides public addresses; NULL: none. It must outlive this */
    struct net_ranges inside, outside6;
};

void reach_init(struct reach *r, const struct net_ranges *allowed);
void reach_clear(struct reach *r);
bool reach_allows(const struct reach *r, const struct net_address *a);
/* The same of a socket's address; false for one that is neither IPv4 nor IPv6. */
bool reach_allows_socket(const struct reach *r, const struct sockaddr *to);

#endif
