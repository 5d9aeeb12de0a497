#include "ingest/api/oauth_metadata.h"

#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ingest/request/place.h"
#include "ingest/scim/form.h"
#include "ops/runtime/jwk.h"
#include "sql/ask/admit.h"

#include <string.h>

#define SERVER "/.well-known/oauth-authorization-server"
#define RESOURCE "/.well-known/oauth-protected-resource"

static void put_list(struct jbuf *b, const char *name, const char *const *texts) {
    jb_key(b, name);
    jb_raw(b, "[");
    for (; *texts != NULL; texts++) {
        jb_sep(b);
        jb_str(b, *texts);
    }
    jb_raw(b, "]");
}

/* Those of SCIM, those of the Management API, or both. */
static void put_scopes(struct jbuf *b, bool scim, bool api) {
    const char *names[10];
    size_t n = 0;
    if (scim)
        names[n++] = SCOPE_SCIM;
    for (unsigned bit = 1; bit <= SCOPE_API_ROOMS_WRITE; bit <<= 1)
        if ((bit & SCOPES_OF_SCIM) != 0 ? scim : api)
            names[n++] = scope_name(bit);
    names[n] = NULL;
    put_list(b, "scopes_supported", names);
}

/* The path behind the well-known part, as the client wrote it; NULL where it is more than a path. */
static const char *path_behind(const struct request *r, const char *well_known) {
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/";
    const char *path = r->head.path + strlen(well_known);
    return path[strspn(path, safe)] == '\0' ? path : NULL;
}

static struct jbuf *begin_document(struct request *r) {
    jb_raw(&r->answer.body, "{");
    return &r->answer.body;
}

static enum step end_document(struct request *r) {
    jb_raw(&r->answer.body, "}");
    answer_plain(r, 200, PLAIN_JSON);
    return STEP_ANSWERED;
}

static enum step nothing_here(struct request *r) {
    answer_error(r, ERR_NOT_FOUND, "There is nothing at this path");
    return STEP_ANSWERED;
}

static enum step server_begin(struct request *r) {
    static const char *const grants[] = {"client_credentials", NULL}, *const none[] = {NULL},
                             *const methods[] = {"private_key_jwt", "client_secret_basic",
                                                 "client_secret_post", NULL};
    const char *algs[JWK_ALGS + 1] = {NULL}, *path = path_behind(r, SERVER), *origin = place_origin(r);
    for (size_t i = 0; i < JWK_ALGS; i++)
        algs[i] = jwk_alg_name((enum jwk_alg)i);
    if (path == NULL || origin == NULL)
        return nothing_here(r);
    struct jbuf *b = begin_document(r);
    jb_kstr(b, "issuer", arena_printf(r->arena, "%s%s", origin, path));
    jb_kstr(b, "token_endpoint", arena_printf(r->arena, "%s/oauth2/token", origin));
    put_list(b, "grant_types_supported", grants);
    put_list(b, "response_types_supported", none); /* there is no authorization endpoint */
    put_list(b, "token_endpoint_auth_methods_supported", methods);
    put_list(b, "token_endpoint_auth_signing_alg_values_supported", algs);
    put_scopes(b, true, true);
    return end_document(r);
}

static enum step resource_begin(struct request *r) {
    const char *path = path_behind(r, RESOURCE), *origin = place_origin(r);
    if (path == NULL || origin == NULL)
        return nothing_here(r);
    const char *scim = strstr(path, SCIM_PREFIX), *bearer[] = {"header", NULL};
    /* of a workspace's path the issuer is that workspace's */
    int owner = scim != NULL ? (int)(scim - path) : 0;
    const char *issuers[] = {arena_printf(r->arena, "%s%.*s", origin, owner, path), NULL};
    struct jbuf *b = begin_document(r);
    jb_kstr(b, "resource", arena_printf(r->arena, "%s%s", origin, path));
    put_list(b, "authorization_servers", issuers);
    put_list(b, "bearer_methods_supported", bearer);
    put_scopes(b, scim != NULL || path[0] == '\0', scim == NULL);
    jb_kstr(b, "resource_name", "usher");
    return end_document(r);
}

const struct handler oauth_server_metadata = {.begin = server_begin};
const struct handler oauth_resource_metadata = {.begin = resource_begin};
