#include "schemas/api/id_token.h"

#include "schemas/api/key_set.h"

#include <string.h>
#include <strings.h>

/* ---- the provider ---- */

enum err_code provider_check_issuer(const char *issuer, struct err *err) {
    struct err ignored = {0};
    if (strlen(issuer) <= PROVIDER_ISSUER_MAX && strchr(issuer, '?') == NULL &&
        key_set_check_uri(issuer, &ignored) == ERR_OK)
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "issuer",
                        "issuer must be an address like https://idp.example.com, of at most %d bytes, as the "
                        "provider's metadata has it, without user, query and fragment",
                        PROVIDER_ISSUER_MAX);
}

char *provider_metadata_url(const char *issuer, struct arena *a) {
    size_t n = strlen(issuer);
    return arena_printf(a, "%.*s/.well-known/openid-configuration", (int)(issuer[n - 1] == '/' ? n - 1 : n),
                        issuer);
}

static void drop_document(void *json) {
    json_decref(json);
}

/* An object, which lives in the arena; NULL where the text is none. */
static const json_t *read_document(const char *text, size_t n, struct arena *a) {
    json_t *doc = n <= PROVIDER_BYTES ? json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (doc == NULL)
        return NULL;
    arena_defer(a, drop_document, doc);
    return json_is_object(doc) ? doc : NULL;
}

static const char *endpoint_of(const json_t *doc, const char *name, struct arena *a) {
    const char *url = json_string_value(json_object_get(doc, name));
    struct err ignored = {0};
    return url != NULL && key_set_check_uri(url, &ignored) == ERR_OK ? arena_strdup(a, url) : NULL;
}

/* Does a list name the text? absent: what holds where there is no list. */
static bool lists(const json_t *doc, const char *name, const char *text, bool absent) {
    const json_t *list = json_object_get(doc, name), *one;
    size_t i;
    json_array_foreach((json_t *)list, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
            return true;
    }
    return list == NULL && absent;
}

const char *provider_read(const char *text, size_t n, const char *issuer, struct arena *a,
                          struct provider *out) {
    const json_t *doc = read_document(text, n, a);
    const char *said = json_string_value(json_object_get(doc, "issuer"));
    *out = (struct provider){0};
    if (doc == NULL)
        return "its metadata is no JSON object";
    /* Else another provider could speak in this one's name (Discovery section 4.3). */
    if (said == NULL || strcmp(said, issuer) != 0)
        return "its metadata names another issuer";
    out->authorization = endpoint_of(doc, "authorization_endpoint", a);
    out->token = endpoint_of(doc, "token_endpoint", a);
    out->jwks = endpoint_of(doc, "jwks_uri", a);
    if (out->authorization == NULL || out->token == NULL || out->jwks == NULL)
        return "its metadata lacks an https address of authorization_endpoint, token_endpoint or jwks_uri";
    out->basic = lists(doc, "token_endpoint_auth_methods_supported", "client_secret_basic", true);
    out->claims = json_is_true(json_object_get(doc, "claims_parameter_supported"));
    out->says_issuer = json_is_true(json_object_get(doc, "authorization_response_iss_parameter_supported"));
    return NULL;
}

char *provider_id_token(const char *text, size_t n, struct arena *a) {
    return arena_strdup(a, json_string_value(json_object_get(read_document(text, n, a), "id_token")));
}

/* ---- the ID token ---- */

static enum err_code refuse_token(struct err *err, const char *why) {
    return err_set(err, ERR_UNAUTHORIZED, "The provider's ID token cannot be taken: %s", why);
}

static const char *claim_text(const struct jwt *t, const char *name) {
    return json_string_value(json_object_get(t->claims, name));
}

/* A token for several audiences, or with azp, must have been made for this client (Core section 3.1.3.7). */
static bool is_made_for(const struct jwt *t, const char *client) {
    const json_t *aud = json_object_get(t->claims, "aud"), *azp = json_object_get(t->claims, "azp");
    bool many = json_array_size(aud) > 1;
    if (!jwt_is_for(aud, client))
        return false;
    return azp == NULL ? !many : json_is_string(azp) && strcmp(json_string_value(azp), client) == 0;
}

static const char *fault_of_time(const struct jwt *t, int64_t now_s) {
    int64_t exp = jwt_moment(t->claims, "exp"), iat = jwt_moment(t->claims, "iat"),
            nbf = jwt_moment(t->claims, "nbf");
    if (exp == 0 || iat == 0)
        return "exp or iat is missing";
    if (exp + ID_TOKEN_SKEW_S <= now_s)
        return "it has expired; compare the clocks";
    if (iat > now_s + ID_TOKEN_SKEW_S || nbf > now_s + ID_TOKEN_SKEW_S)
        return "it is not good yet; compare the clocks";
    return iat + ID_TOKEN_AGE_S + ID_TOKEN_SKEW_S < now_s ? "it was made too long ago" : NULL;
}

/* Some providers write the boolean as a text. */
static bool is_verified(const struct jwt *t) {
    const json_t *v = json_object_get(t->claims, "email_verified");
    return json_is_true(v) || (json_is_string(v) && strcasecmp(json_string_value(v), "true") == 0);
}

enum err_code id_token_check(const struct jwt *t, const char *issuer, const char *client, const char *nonce,
                             int64_t now_s, struct identity *out, struct err *err) {
    const char *iss = claim_text(t, "iss"), *sub = claim_text(t, "sub"), *said = claim_text(t, "nonce"),
               *email = claim_text(t, "email"), *why = fault_of_time(t, now_s);
    *out = (struct identity){0};
    if (iss == NULL || strcmp(iss, issuer) != 0)
        return refuse_token(err, "iss is another issuer");
    if (!is_made_for(t, client))
        return refuse_token(err, "aud or azp is another client");
    if (said == NULL || strcmp(said, nonce) != 0)
        return refuse_token(err, "its nonce is not that of this sign-in");
    if (why != NULL)
        return refuse_token(err, why);
    if (sub == NULL || sub[0] == '\0' || strlen(sub) > 255)
        return refuse_token(err, "it has no sub of 1 to 255 bytes");
    out->subject = sub;
    out->unverified = email != NULL && !is_verified(t);
    out->email = out->unverified ? NULL : email;
    return ERR_OK;
}
