#include "schemas/api/client_assertion.h"

#include "ops/runtime/base64url.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static enum err_code refuse(struct err *err, const char *why) {
    return err_set(err, ERR_UNAUTHORIZED, "%s", why);
}

static void drop_json(void *json) {
    json_decref(json);
}

/* ---- the three parts ---- */

/* One of the two JSON parts, an object; it lives in the arena. NULL where it is none. */
static const json_t *read_object(const char *text, size_t len, struct arena *a) {
    char *bytes = arena_alloc(a, len + 1);
    size_t n;
    if (!base64url_decode(text, len, bytes, len, &n))
        return NULL;
    json_t *object = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    if (object != NULL)
        arena_defer(a, drop_json, object);
    return json_is_object(object) ? object : NULL;
}

/* A token that was made for something else says so. */
static bool is_type(const json_t *typ) {
    const char *text = json_string_value(typ);
    return typ == NULL || (text != NULL && (strcasecmp(text, "JWT") == 0 ||
                                            strcasecmp(text, "client-authentication+jwt") == 0));
}

static enum err_code read_header(const json_t *header, struct client_assertion *out, struct err *err) {
    const json_t *kid = json_object_get(header, "kid");
    if (!jwk_alg_parse(json_string_value(json_object_get(header, "alg")), &out->alg))
        return refuse(err, "The assertion must be signed with RS256, PS256 or ES256");
    /* "crit" names extensions that whoever verifies must know (RFC 7515 section 4.1.11). */
    if (json_object_get(header, "crit") != NULL)
        return refuse(err, "The assertion has an extension that is not known (crit)");
    if (!is_type(json_object_get(header, "typ")))
        return refuse(err, "The assertion's typ must be JWT or client-authentication+jwt");
    if (kid != NULL && !json_is_string(kid))
        return refuse(err, "The assertion's kid must be a text");
    out->kid = json_string_value(kid);
    return ERR_OK;
}

/* Seconds since 1970, perhaps with a fraction. 0 where there are none, or none that can be. */
static int64_t moment_of(const json_t *claims, const char *name) {
    const json_t *v = json_object_get(claims, name);
    double seconds = json_number_value(v);
    return json_is_number(v) && seconds >= 1 && seconds < 1e11 ? (int64_t)seconds : 0;
}

static enum err_code read_moments(const json_t *claims, struct client_assertion *out, struct err *err) {
    out->exp_s = moment_of(claims, "exp");
    out->iat_s = moment_of(claims, "iat");
    out->nbf_s = moment_of(claims, "nbf");
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
    size_t len = strlen(text);
    const char *first = strchr(text, '.'), *last = first != NULL ? strchr(first + 1, '.') : NULL;
    *out = (struct client_assertion){.text = text};
    if (len > CLIENT_ASSERTION_BYTES)
        return refuse(err, "The assertion is too long");
    if (last == NULL || strchr(last + 1, '.') != NULL)
        return refuse(err, "The assertion is no signed JWT");
    const json_t *header = read_object(text, (size_t)(first - text), a),
                 *claims = read_object(first + 1, (size_t)(last - first - 1), a);
    if (header == NULL || claims == NULL)
        return refuse(err, "The assertion is no signed JWT");
    size_t nsignature = strlen(last + 1);
    unsigned char *signature = arena_alloc(a, nsignature + 1);
    out->signed_len = (size_t)(last - text);
    out->signature = signature;
    if (read_header(header, out, err) != ERR_OK || read_claims(claims, out, err) != ERR_OK)
        return err->code;
    if (!base64url_decode(last + 1, nsignature, signature, nsignature, &out->nsignature))
        return refuse(err, "The assertion is no signed JWT");
    return ERR_OK;
}

/* ---- the claims ---- */

static bool is_one_of(const char *text, const char *const *audiences) {
    for (; text != NULL && *audiences != NULL; audiences++)
        if (strcmp(text, *audiences) == 0)
            return true;
    return false;
}

static bool is_for_us(const json_t *aud, const char *const *audiences) {
    const json_t *one;
    size_t i;
    if (json_is_string(aud))
        return is_one_of(json_string_value(aud), audiences);
    json_array_foreach((json_t *)aud, i, one) {
        if (is_one_of(json_string_value(one), audiences))
            return true;
    }
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
