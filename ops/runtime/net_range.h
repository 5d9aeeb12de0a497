/* Ranges of addresses (CIDR, RFC 4632, RFC 4291): "203.0.113.0/24", "2001:db8::/32"; an address alone is a
 * range of one. IPv4 addresses and IPv4-mapped IPv6 addresses are the same. */
#ifndef USHER_RUNTIME_NET_RANGE_H
#define USHER_RUNTIME_NET_RANGE_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

struct net_address {
    unsigned char bytes[16]; /* IPv6; IPv4 as ::ffff:a.b.c.d */
};
struct net_range {
    struct net_address first;
    unsigned bits; /* 0 … 128, counted in the IPv6 form */
};

#define NET_TEXT_SIZE 48

/* text[0..len): an address without port or brackets. */
USHER_MUST_CHECK bool net_address_parse(const char *text, size_t len, struct net_address *out);
/* Writes the shortest form (RFC 5952); IPv4 addresses as IPv4. Returns out. */
char *net_address_text(const struct net_address *a, char out[NET_TEXT_SIZE]);
/* Bits beyond the prefix must be zero: 10.1.2.3/8 is refused, because its author means something else
 * than 10.0.0.0/8. */
USHER_MUST_CHECK bool net_range_parse(const char *text, size_t len, struct net_range *out);
bool net_range_holds(const struct net_range *r, const struct net_address *a);

/* A list of ranges between commas or blanks, as settings have them. */
struct net_ranges {
    struct net_range *v;
    size_t n;
};
/* False if a text is no range; *bad (bad may be NULL) then points to it within `text`, and nothing is
 * allocated. */
USHER_MUST_CHECK bool net_ranges_parse(const char *text, struct net_ranges *out, const char **bad);
void net_ranges_free(struct net_ranges *r);
bool net_ranges_hold(const struct net_ranges *r, const struct net_address *a);

#endif
