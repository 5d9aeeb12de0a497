#include "ingest/request/place.h"

#include "ingest/request/nearest.h"

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

/* Below a base path only what is there is near; elsewhere everything is. A client without a credential is not
 * told the types that an operator has added. */
static struct nearest nearest_to(const struct request *r) {
    bool below = r->route.row->access != ACCESS_ANYBODY;
    return nearest_path(r->in->routes, r->head.path, below ? r->form : NULL, r->admitted, r->arena);
}

/* Of the form, with the workspace that the client has named. */
static const char *base_of(const struct request *r, const struct form *form) {
    const char *origin = place_origin(r);
    const char *prefix = r->route.prefix != NULL && form == r->form ? r->route.prefix : form->prefix;
    return arena_printf(r->arena, "%.300s%.100s", origin != NULL ? origin : "", prefix);
}

const char *place_is_wrong(const struct request *r) {
    const struct nearest near = nearest_to(r);
    const struct form *form = near.form != NULL && near.form->prefix != NULL ? near.form : r->form;
    const char *begin = r->route.code == ERR_INVALID_VERS ? "This version of SCIM is not served"
                                                          : "There is nothing at this path";
    if (form->prefix == NULL)
        return begin;
    return near.path != NULL
               ? arena_printf(r->arena, "%s; did you mean %s? The base URL of %s is %s", begin, near.path,
                              form->name, base_of(r, form))
               : arena_printf(r->arena, "%s. The base URL of %s is %s", begin, form->name, base_of(r, form));
}
