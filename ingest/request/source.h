/* Whose request is it? Behind proxies of ours the connection's peer is a proxy; the address in front of the
 * outermost trusted one is the source. Nobody else's word is taken, so that the address in the audit cannot
 * be forged. RFC 7239 (Forwarded), and X-Forwarded-For as everybody uses it. Pure. */
#ifndef USHER_INGEST_REQUEST_SOURCE_H
#define USHER_INGEST_REQUEST_SOURCE_H

#include "ops/runtime/net_range.h"

struct source_headers {
    const char *forwarded;     /* all its lines, joined with commas in their order; NULL = none */
    const char *forwarded_for; /* X-Forwarded-For, the same */
};

/* peer: of the connection. Where it is trusted, the addresses that the headers name are walked from the last
 * one back, and the first that is not trusted is the source; all trusted: the first of all. Forwarded goes
 * before X-Forwarded-For where both stand. An entry that is no address (unknown, _hidden, nonsense) ends the
 * walk: what stands before it was written by somebody we don't know, so the source is the last address that
 * was sure. */
struct net_address source_address(const struct net_ranges *trusted, const struct net_address *peer,
                                  const struct source_headers *headers);

#endif
