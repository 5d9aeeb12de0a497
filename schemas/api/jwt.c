#include "schemas/api/jwt.h"

#include "ops/runtime/base64url.h"

#include <string.h>

static void jwt_drop_json(void *json) {
    json_decref(json);
}

/* One of the two JSON parts, an object; it lives in the arena. NULL where it is none. */
static const json_t *read_object(const char *text, size_t len, struct arena *a) {
    char *bytes = arena_alloc(a, len + 1);
    size_t n;
    if (!base64url_decode(text, len, bytes, len, &n))
        return NULL;
    json_t *object = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    if (object != NULL)
        arena_defer(a, jwt_drop_json, object);
    return json_is_object(object) ? object : NULL;
}

static enum err_code read_header(const char *what, struct jwt *out, struct err *err) {
    const json_t *kid = json_object_get(out->header, "kid");
    if (!jwk_alg_parse(json_string_value(json_object_get(out->header, "alg")), &out->alg))
        return err_set(err, ERR_UNAUTHORIZED, "%s must be signed with RS256, PS256 or ES256", what);
    /* "crit" names extensions that whoever verifies must know (RFC 7515 section 4.1.11). */
    if (json_object_get(out->header, "crit") != NULL)
        return err_set(err, ERR_UNAUTHORIZED, "%s has an extension that is not known (crit)", what);
    if (kid != NULL && !json_is_string(kid))
        return err_set(err, ERR_UNAUTHORIZED, "%s's kid must be a text", what);
    out->kid = json_string_value(kid);
    return ERR_OK;
}

enum err_code jwt_read(const char *text, const char *what, struct arena *a, struct jwt *out,
                       struct err *err) {
    size_t len = strlen(text);
    const char *first = strchr(text, '.'), *last = first != NULL ? strchr(first + 1, '.') : NULL;
    *out = (struct jwt){.text = text};
    if (len > JWT_BYTES)
        return err_set(err, ERR_UNAUTHORIZED, "%s is too long", what);
    if (last == NULL || strchr(last + 1, '.') != NULL)
        return err_set(err, ERR_UNAUTHORIZED, "%s is no signed JWT", what);
    out->header = read_object(text, (size_t)(first - text), a);
    out->claims = read_object(first + 1, (size_t)(last - first - 1), a);
    size_t nsignature = strlen(last + 1);
    unsigned char *signature = arena_alloc(a, nsignature + 1);
    out->signed_len = (size_t)(last - text);
    out->signature = signature;
    if (out->header == NULL || out->claims == NULL ||
        !base64url_decode(last + 1, nsignature, signature, nsignature, &out->nsignature))
        return err_set(err, ERR_UNAUTHORIZED, "%s is no signed JWT", what);
    return read_header(what, out, err);
}

int64_t jwt_moment(const json_t *claims, const char *name) {
    const json_t *v = json_object_get(claims, name);
    double seconds = json_number_value(v);
    return json_is_number(v) && seconds >= 1 && seconds < 1e11 ? (int64_t)seconds : 0;
}

static bool is_text(const json_t *v, const char *text) {
    return json_is_string(v) && strcmp(json_string_value(v), text) == 0;
}

bool jwt_is_for(const json_t *aud, const char *audience) {
    const json_t *one;
    size_t i;
    if (is_text(aud, audience))
        return true;
    json_array_foreach((json_t *)aud, i, one) {
        if (is_text(one, audience))
            return true;
    }
    return false;
}
