#include "schemas/api/client_assertion.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static enum err_code refuse(struct err *err, const char *why) {
    return err_set(err, ERR_UNAUTHORIZED, "%s", why);
}

/* A token that was made for something else says so. */
static bool is_type(const json_t *typ) {
    const char *text = json_string_value(typ);
    return typ == NULL || (text != NULL && (strcasecmp(text, "JWT") == 0 ||
                                            strcasecmp(text, "client-authentication+jwt") == 0));
}

static enum err_code read_moments(const json_t *claims, struct client_assertion *out, struct err *err) {
    out->exp_s = jwt_moment(claims, "exp");
    out->iat_s = jwt_moment(claims, "iat");
    out->nbf_s = jwt_moment(claims, "nbf");
    if (out->exp_s == 0)
        return refuse(err, "The assertion needs the claim exp, in seconds since 1970");
    if ((out->iat_s == 0 && json_object_get(claims, "iat") != NULL) ||
        (out->nbf_s == 0 && json_object_get(claims, "nbf") != NULL))
        return refuse(err, "The assertion's iat and nbf must be seconds since 1970");
    return ERR_OK;
}

static enum err_code read_claims(const json_t *claims, struct client_assertion *out, struct err *err) {
    const char *iss = json_string_value(json_object_get(claims, "iss")),
               *sub = json_string_value(json_object_get(claims, "sub"));
    const json_t *jti = json_object_get(claims, "jti");
    if (iss == NULL || sub == NULL || strcmp(iss, sub) != 0 || !uuid_parse(iss, &out->client))
        return refuse(err, "The assertion's iss and sub must both be the client_id: the key's id");
    if (!json_is_string(jti) || json_string_length(jti) == 0 ||
        json_string_length(jti) > CLIENT_ASSERTION_JTI)
        return refuse(err, "The assertion needs a jti of 1 to 256 bytes, another one each time");
    out->jti = json_string_value(jti);
    out->aud = json_object_get(claims, "aud");
    return read_moments(claims, out, err);
}

enum err_code client_assertion_read(const char *text, struct arena *a, struct client_assertion *out,
                                    struct err *err) {
    *out = (struct client_assertion){0};
    if (jwt_read(text, "The assertion", a, &out->jwt, err) != ERR_OK)
        return err->code;
    if (!is_type(json_object_get(out->jwt.header, "typ")))
        return refuse(err, "The assertion's typ must be JWT or client-authentication+jwt");
    return read_claims(out->jwt.claims, out, err);
}

/* ---- the claims ---- */

static bool is_for_us(const json_t *aud, const char *const *audiences) {
    for (; *audiences != NULL; audiences++)
        if (jwt_is_for(aud, *audiences))
            return true;
    return false;
}

enum err_code client_assertion_check(const struct client_assertion *c, const char *const *audiences,
                                     int64_t now_s, int64_t max_s, struct err *err) {
    if (!is_for_us(c->aud, audiences))
        return err_set(err, ERR_UNAUTHORIZED,
                       "The assertion's aud must be this server's issuer (%s) or its token endpoint",
                       audiences[0]);
    if (c->exp_s + CLIENT_ASSERTION_SKEW_S <= now_s)
        return refuse(err, "The assertion has expired");
    if (c->nbf_s > now_s + CLIENT_ASSERTION_SKEW_S || c->iat_s > now_s + CLIENT_ASSERTION_SKEW_S)
        return refuse(err, "The assertion is not good yet; compare the clocks");
    if (c->exp_s > now_s + max_s + CLIENT_ASSERTION_SKEW_S || (c->iat_s != 0 && c->exp_s - c->iat_s > max_s))
        return err_set(err, ERR_UNAUTHORIZED,
                       "The assertion is good for too long; at most %" PRId64 " s are allowed", max_s);
    return ERR_OK;
}
