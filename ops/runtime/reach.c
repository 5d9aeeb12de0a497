#include "ops/runtime/reach.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Loopback, private, link-local, shared, for documentation and benchmarks, multicast and what is reserved. Of
 * IPv6 only what is given out (2000::/3) is public, without Teredo, 6to4 and the documentation's. */
static const char not_public[] =
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
    "192.0.0.0/24, 192.0.2.0/24, 192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, "
    "198.51.100.0/24, 203.0.113.0/24, 224.0.0.0/3, "
    "2001::/32, 2001:db8::/32, 2002::/16, 3fff::/20";
static const char public6[] = "2000::/3";

void reach_init(struct reach *r, const struct net_ranges *allowed) {
    *r = (struct reach){.allowed = allowed};
    if (!net_ranges_parse(not_public, &r->inside, NULL) || !net_ranges_parse(public6, &r->outside6, NULL))
        abort();
}

void reach_clear(struct reach *r) {
    net_ranges_free(&r->inside);
    net_ranges_free(&r->outside6);
}

bool reach_allows(const struct reach *r, const struct net_address *a) {
    static const unsigned char v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (r->allowed != NULL && net_ranges_hold(r->allowed, a))
        return true;
    if (memcmp(a->bytes, v4, sizeof v4) != 0 && !net_ranges_hold(&r->outside6, a))
        return false;
    return !net_ranges_hold(&r->inside, a);
}

static bool address_of(const struct sockaddr *from, struct net_address *out) {
    *out = (struct net_address){0};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        out->bytes[10] = out->bytes[11] = 0xff;
        memcpy(out->bytes + 12, &v4.sin_addr, 4);
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 v6;
    memcpy(&v6, from, sizeof v6);
    memcpy(out->bytes, &v6.sin6_addr, 16);
    return true;
}

bool reach_allows_socket(const struct reach *r, const struct sockaddr *to) {
    struct net_address address;
    return address_of(to, &address) && reach_allows(r, &address);
}
