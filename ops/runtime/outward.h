/* How libcurl is set up for a transfer to an address that a tenant has entered: for fetch.c and post.c alone.
 *
 * What must stay true: no address inside the operator's networks is ever connected to. That is decided for
 * the address that the socket is opened for, after names were resolved, so neither a spelling nor a name
 * server can lead there. Redirects are not followed, no proxy is used, and no other protocol than the named
 * ones is spoken. */
#ifndef USHER_RUNTIME_OUTWARD_H
#define USHER_RUNTIME_OUTWARD_H

#include "ops/runtime/reach.h"

#include <curl/curl.h>
#include <stdbool.h>

struct outward {
    const struct reach *reach; /* it must outlive the transfer */
    bool opened;               /* a socket, for one of the name's addresses */
    bool refused;              /* no address of the name was allowed, and nothing was connected to */
};

struct outward_rules {
    const char *protocols; /* "https", or "http,https" */
    const char *ca_file;   /* PEM, of those who are trusted; "" or NULL: the system's */
    const char *agent;     /* User-Agent */
    long timeout_ms;       /* of the whole transfer, names included */
    long connect_ms;       /* of the connection, at most */
};

/* `o` must outlive the transfer. */
void outward_prepare(CURL *e, const struct outward_rules *r, struct outward *o);

#endif
