#include "ops/runtime/net_range.h"

#include "ops/runtime/mem.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SEPARATORS ", \t"
static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct net_address *a) {
    return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

bool net_address_parse(const char *text, size_t len, struct net_address *out) {
    char copy[NET_TEXT_SIZE];
    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strchr(copy, ':') != NULL)
        return inet_pton(AF_INET6, copy, out->bytes) == 1;
    memcpy(out->bytes, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, out->bytes + sizeof mapped) == 1;
}

char *net_address_text(const struct net_address *a, char out[NET_TEXT_SIZE]) {
    bool v4 = is_mapped(a);
    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->bytes + sizeof mapped : a->bytes, out, NET_TEXT_SIZE) ==
        NULL)
        abort(); /* NET_TEXT_SIZE holds any address */
    return out;
}

/* Are all bits from `from` on zero? */
static bool rest_is_zero(const struct net_address *a, unsigned from) {
    for (unsigned i = from; i < 128; i++)
        if (a->bytes[i / 8] & (0x80 >> i % 8))
            return false;
    return true;
}

bool net_range_parse(const char *text, size_t len, struct net_range *out) {
    const char *slash = memchr(text, '/', len);
    size_t n = slash != NULL ? (size_t)(slash - text) : len;
    if (!net_address_parse(text, n, &out->first))
        return false;
    bool v4 = memchr(text, ':', n) == NULL;
    unsigned bits = 0;
    out->bits = 128;
    if (slash == NULL)
        return true;
    size_t digits = len - n - 1;
    if (digits == 0 || digits > 3)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (slash[1 + i] < '0' || slash[1 + i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(slash[1 + i] - '0');
    }
    if (bits > (v4 ? 32u : 128u))
        return false;
    out->bits = v4 ? bits + 96 : bits;
    return rest_is_zero(&out->first, out->bits);
}

bool net_range_holds(const struct net_range *r, const struct net_address *a) {
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(r->first.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || (r->first.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

bool net_ranges_parse(const char *text, struct net_ranges *out, const char **bad) {
    *out = (struct net_ranges){0};
    for (text += strspn(text, SEPARATORS); *text != '\0'; text += strspn(text, SEPARATORS)) {
        size_t len = strcspn(text, SEPARATORS);
        out->v = xrealloc(out->v, (out->n + 1) * sizeof *out->v);
        if (!net_range_parse(text, len, &out->v[out->n])) {
            if (bad != NULL)
                *bad = text;
            net_ranges_free(out);
            return false;
        }
        out->n++;
        text += len;
    }
    return true;
}

void net_ranges_free(struct net_ranges *r) {
    free(r->v);
    *r = (struct net_ranges){0};
}

bool net_ranges_hold(const struct net_ranges *r, const struct net_address *a) {
    for (size_t i = 0; i < r->n; i++)
        if (net_range_holds(&r->v[i], a))
            return true;
    return false;
}
