#include "workers/apply/key_client.h"

#include "schemas/api/key_set.h"
#include "schemas/text/jsonx.h"

static enum err_code read_uri(struct decision *d, const json_t *uri, const char **out) {
    if (uri == NULL || json_is_null(uri))
        return ERR_OK;
    if (!json_is_string(uri))
        return err_set_path(&d->err, ERR_INVALID_VALUE, "jwksUri", "jwksUri must be a text, or null");
    *out = arena_strdup(unit_arena(d->unit), json_string_value(uri));
    return key_set_check_uri(*out, &d->err);
}

static enum err_code read_jwks(struct decision *d, const json_t *jwks, const char **out) {
    if (jwks == NULL || json_is_null(jwks))
        return ERR_OK;
    struct key_set *set = key_set_upload(jwks, &d->err);
    if (set == NULL)
        return d->err.code;
    struct jbuf text = {0};
    json_t *kept = key_set_json(set);
    jsonx_text(kept, &text);
    *out = arena_strdup(unit_arena(d->unit), text.p);
    jb_free(&text);
    json_decref(kept);
    key_set_free(set);
    return ERR_OK;
}

enum err_code key_client_read(struct decision *d, const json_t *given, struct key_client *out) {
    const json_t *jwks = json_object_get(given, "jwks"), *uri = json_object_get(given, "jwksUri");
    *out = (struct key_client){.given = jwks != NULL || uri != NULL};
    if (read_jwks(d, jwks, &out->jwks) != ERR_OK || read_uri(d, uri, &out->uri) != ERR_OK)
        return d->err.code;
    return out->jwks == NULL || out->uri == NULL
               ? ERR_OK
               : err_set_path(&d->err, ERR_INVALID_VALUE, "jwksUri",
                              "A client's keys are uploaded (jwks) or fetched (jwksUri), not both");
}
