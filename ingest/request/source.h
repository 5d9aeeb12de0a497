/* The address of the client. Behind trusted proxies the peer of the connection is a proxy; then the source is
 * the address before the outermost trusted proxy. Only trusted proxies are believed, so nobody can forge the
 * address in the audit. RFC 7239 (Forwarded), and X-Forwarded-For as it is commonly used. Pure functions. */
#ifndef USHER_INGEST_REQUEST_SOURCE_H
#define USHER_INGEST_REQUEST_SOURCE_H

#include "ingest/settings.h"
#include "ops/runtime/net_range.h"

/* peer: the address of the connection. header: the one that the proxies write, and the only one that is read,
 * because a proxy passes the other one on as the client sent it. text: all its lines, joined with commas in
 * their order; NULL = none.
 *
 * If the peer is trusted, the addresses in the header are walked backwards from the last one, and the first
 * that is not trusted is the source. If all are trusted, it is the first of the list. An entry that is no
 * address (unknown, _hidden, nonsense) ends the walk: nobody knows who wrote what stands before it, so the
 * source is the last address that was certain. */
struct net_address source_address(const struct net_ranges *trusted, const struct net_address *peer,
                                  enum proxy_header header, const char *text);

#endif
