#include "ingest/api/ssf.h"
#include "ingest/request/answer.h"
#include "ingest/request/place.h"
#include "schemas/api/ssf.h"

#include <string.h>

/* The path behind the well-known part, as the client wrote it: that of the workspace, or nothing. NULL where
 * it is more than a path. */
static const char *issuer_path(const struct request *r) {
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/";
    const char *path = r->head.path + strlen(SSF_CONFIGURATION);
    return path[strspn(path, safe)] == '\0' ? path : NULL;
}

static void put_url(struct request *r, const char *name, const char *issuer, const char *path) {
    jb_kstr(&r->answer.body, name, arena_printf(r->arena, "%s" SSF_PREFIX "%s", issuer, path));
}

static enum step metadata_begin(struct request *r) {
    const char *origin = place_origin(r), *path = issuer_path(r);
    struct jbuf *b = &r->answer.body;
    if (origin == NULL || path == NULL) {
        answer_error(r, ERR_NOT_FOUND, "There is nothing at this path");
        return STEP_ANSWERED;
    }
    const char *issuer = arena_printf(r->arena, "%s%s", origin, path);
    jb_raw(b, "{");
    jb_kstr(b, "spec_version", "1_0");
    jb_kstr(b, "issuer", issuer);
    jb_kstr(b, "jwks_uri", arena_printf(r->arena, "%s/.well-known/jwks.json", origin));
    jb_kraw(b, "delivery_methods_supported", "[\"" SSF_PUSH "\",\"" SSF_POLL "\"]");
    put_url(r, "configuration_endpoint", issuer, "/streams");
    put_url(r, "status_endpoint", issuer, "/status");
    put_url(r, "add_subject_endpoint", issuer, "/subjects/add");
    put_url(r, "remove_subject_endpoint", issuer, "/subjects/remove");
    put_url(r, "verification_endpoint", issuer, "/verify");
    jb_kraw(b, "authorization_schemes",
            "[{\"spec_urn\":\"urn:ietf:rfc:6749\"},{\"spec_urn\":\"urn:ietf:rfc:6750\"}]");
    jb_kstr(b, "default_subjects", "ALL");
    jb_raw(b, "}");
    answer_plain(r, 200, PLAIN_JSON);
    return STEP_ANSWERED;
}

const struct handler ssf_metadata = {.begin = metadata_begin};
