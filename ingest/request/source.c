#include "ingest/request/source.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *p;
    size_t n;
};

static struct span trim_blanks(struct span s) {
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Cuts the last piece off. Quotes are ignored: no address contains a separator, and an unbalanced quote of
 * the client must not hide what a trusted proxy has written after it. */
static struct span take_last(struct span *rest, char separator) {
    const char *at = memrchr(rest->p, separator, rest->n);
    size_t begin = at != NULL ? (size_t)(at - rest->p) + 1 : 0;
    struct span piece = {rest->p + begin, rest->n - begin};
    rest->n = at != NULL ? begin - 1 : 0;
    return trim_blanks(piece);
}

/* An address as these headers have it: perhaps quoted, perhaps with a port. IPv6 with a port stands in
 * brackets. */
static bool node_address(struct span s, struct net_address *out) {
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
        s.p++;
        s.n -= 2;
    }
    if (s.n > 0 && s.p[0] == '[') {
        const char *close = memchr(s.p, ']', s.n);
        if (close == NULL)
            return false;
        size_t inner = (size_t)(close - s.p) - 1;
        if (inner + 2 < s.n && close[1] != ':')
            return false;
        return net_address_parse(s.p + 1, inner, out);
    }
    const char *colon = memchr(s.p, ':', s.n);
    bool v4_port = colon != NULL && memchr(colon + 1, ':', s.n - (size_t)(colon - s.p) - 1) == NULL;
    return net_address_parse(s.p, v4_port ? (size_t)(colon - s.p) : s.n, out);
}

/* The value of `for` in one element of Forwarded. */
static struct span for_of(struct span element) {
    while (element.n > 0) {
        struct span pair = take_last(&element, ';');
        if (pair.n > 4 && strncasecmp(pair.p, "for=", 4) == 0)
            return (struct span){pair.p + 4, pair.n - 4};
    }
    return (struct span){0};
}

struct net_address source_address(const struct net_ranges *trusted, const struct net_address *peer,
                                  enum proxy_header header, const char *text) {
    struct net_address at = *peer, next;
    struct span rest = {text, text != NULL ? strlen(text) : 0};
    while (rest.n > 0 && net_ranges_hold(trusted, &at)) {
        struct span piece = take_last(&rest, ',');
        if (header == PROXY_FORWARDED)
            piece = for_of(piece);
        if (piece.n == 0 || !node_address(piece, &next))
            break;
        at = next;
    }
    return at;
}
