#include "ingest/request/place.h"

#include <string.h>

/* A target in absolute form says the whole address (RFC 9112 section 3.3). */
static const char *scheme_of(const struct request *r) {
    if (r->head.scheme != NULL)
        return r->head.scheme;
    return r->in->tls != NULL ? "https" : "http";
}

char *place_origin(const struct request *r) {
    const char *url = r->in->settings.public_url;
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (n > 0)
        return arena_strndup(r->arena, url, n);
    return r->head.host != NULL ? arena_printf(r->arena, "%s://%s", scheme_of(r), r->head.host) : NULL;
}

char *place_base(const struct request *r) {
    const char *origin = place_origin(r), *prefix = r->route.prefix;
    return arena_printf(r->arena, "%s%s", origin != NULL ? origin : "", prefix != NULL ? prefix : "");
}
