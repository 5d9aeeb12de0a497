#include "schemas/api/key_set.h"

#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct jwk *jwk;
    const char *kid;  /* borrowed from json; NULL: none */
    bool bound;       /* to … */
    enum jwk_alg alg; /* … this algorithm alone */
    json_t *json;     /* the members that are needed */
};

struct key_set {
    size_t n;
    struct entry v[KEY_SET_KEYS];
};

void key_set_free(struct key_set *s) {
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++) {
        jwk_free(s->v[i].jwk);
        json_decref(s->v[i].json);
    }
    free(s);
}

/* ---- one key ---- */

static const char *member(const json_t *jwk, const char *name) {
    return json_string_value(json_object_get(jwk, name));
}

/* Members of private and of secret keys (RFC 7518 section 6). */
static bool is_private(const json_t *jwk) {
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_object_get(jwk, names[i]) != NULL)
            return true;
    return false;
}

/* `use` and `key_ops` must allow to check signatures, where they are given (RFC 7517 section 4.2 and 4.3). */
static bool may_verify(const json_t *jwk) {
    const json_t *use = json_object_get(jwk, "use"), *ops = json_object_get(jwk, "key_ops"), *one;
    size_t i;
    if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
        return false;
    if (ops == NULL)
        return true;
    json_array_foreach((json_t *)ops, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), "verify") == 0)
            return true;
    }
    return false;
}

static void keep_members(const json_t *jwk, json_t *out) {
    static const char *const names[] = {"kty", "kid", "alg", "n", "e", "crv", "x", "y"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (member(jwk, names[i]) != NULL)
            jsonx_put(out, names[i], json_string(member(jwk, names[i])));
}

/* NULL, or the sentence that says what is wrong with it. */
static const char *read_entry(const json_t *jwk, struct entry *out) {
    const char *kty = member(jwk, "kty"), *crv = member(jwk, "crv");
    const json_t *kid = json_object_get(jwk, "kid"), *alg = json_object_get(jwk, "alg");
    *out = (struct entry){0};
    if (kty == NULL)
        return "it has no kty";
    if (is_private(jwk))
        return "it is a private or a secret key; upload public keys alone";
    if (kid != NULL &&
        (!json_is_string(kid) || json_string_length(kid) == 0 || json_string_length(kid) > KEY_SET_KID))
        return "its kid must be a text of 1 to 256 bytes";
    if (!may_verify(jwk))
        return "it is not for signatures (use, key_ops)";
    if (alg != NULL && !jwk_alg_parse(json_string_value(alg), &out->alg))
        return "its alg must be RS256, PS256 or ES256";
    if (strcmp(kty, "RSA") == 0)
        out->jwk = jwk_rsa(member(jwk, "n"), member(jwk, "e"));
    else if (strcmp(kty, "EC") == 0 && crv != NULL && strcmp(crv, "P-256") == 0)
        out->jwk = jwk_ec(member(jwk, "x"), member(jwk, "y"));
    if (out->jwk == NULL)
        return "it must be an RSA key of 2048 to 4096 bits (n, e) or an EC key of the curve P-256 (x, y)";
    out->bound = alg != NULL;
    if (out->bound && !jwk_suits(out->jwk, out->alg)) {
        jwk_free(out->jwk);
        return "its alg does not suit its kty";
    }
    out->json = json_object();
    keep_members(jwk, out->json);
    out->kid = member(out->json, "kid");
    return NULL;
}

/* ---- the set ---- */

static bool has_kid(const struct key_set *s, const char *kid) {
    for (size_t i = 0; kid != NULL && i < s->n; i++)
        if (s->v[i].kid != NULL && strcmp(s->v[i].kid, kid) == 0)
            return true;
    return false;
}

struct key_set *key_set_upload(const json_t *jwks, struct err *err) {
    const json_t *keys = json_object_get(jwks, "keys"), *one;
    struct key_set *s = xcalloc(1, sizeof *s);
    const char *why = NULL;
    size_t i;
    if (json_array_size(keys) == 0 || json_array_size(keys) > KEY_SET_KEYS) {
        (void)err_set_path(err, ERR_INVALID_VALUE, "jwks",
                           "jwks must be a JSON Web Key Set, {\"keys\": [...]}, with 1 to %d keys",
                           KEY_SET_KEYS);
        key_set_free(s);
        return NULL;
    }
    json_array_foreach((json_t *)keys, i, one) {
        struct entry e;
        why = read_entry(one, &e);
        if (why == NULL && has_kid(s, e.kid)) {
            why = "another key has its kid";
            jwk_free(e.jwk);
            json_decref(e.json);
        }
        if (why != NULL)
            break;
        s->v[s->n++] = e;
    }
    if (why == NULL)
        return s;
    (void)err_set_path(err, ERR_INVALID_VALUE, "jwks", "Key %zu of jwks: %s", i + 1, why);
    key_set_free(s);
    return NULL;
}

struct key_set *key_set_read(const json_t *jwks) {
    const json_t *keys = json_object_get(jwks, "keys"), *one;
    struct key_set *s = xcalloc(1, sizeof *s);
    size_t i;
    json_array_foreach((json_t *)keys, i, one) {
        if (i == KEY_SET_LOOKED_AT || s->n == KEY_SET_KEYS)
            break;
        if (read_entry(one, &s->v[s->n]) == NULL)
            s->n++;
    }
    if (s->n > 0)
        return s;
    key_set_free(s);
    return NULL;
}

struct key_set *key_set_parse(const char *text, size_t n) {
    json_t *jwks = n <= KEY_SET_BYTES ? json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    struct key_set *s = jwks != NULL ? key_set_read(jwks) : NULL;
    json_decref(jwks);
    return s;
}

json_t *key_set_json(const struct key_set *s) {
    json_t *keys = json_array(), *jwks = json_object();
    for (size_t i = 0; i < s->n; i++)
        jsonx_push(keys, json_incref(s->v[i].json));
    jsonx_put(jwks, "keys", keys);
    return jwks;
}

static bool may_have_signed(const struct entry *e, const char *kid, enum jwk_alg alg) {
    if (kid != NULL && (e->kid == NULL || strcmp(e->kid, kid) != 0))
        return false;
    return e->bound ? e->alg == alg : jwk_suits(e->jwk, alg);
}

enum key_set_verdict key_set_check(const struct key_set *s, const char *kid, enum jwk_alg alg,
                                   const char *text, size_t len, const unsigned char *signature, size_t n) {
    size_t tried = 0;
    for (size_t i = 0; i < s->n && tried < KEY_SET_TRIED; i++) {
        if (!may_have_signed(&s->v[i], kid, alg))
            continue;
        tried++;
        if (jwk_signed(s->v[i].jwk, alg, text, len, signature, n))
            return KEY_SET_SIGNED;
    }
    return tried > 0 ? KEY_SET_NOT_SIGNED : KEY_SET_NO_KEY;
}

/* ---- where it is fetched ---- */

enum err_code key_set_check_uri(const char *uri, struct err *err) {
    static const char scheme[] = "https://";
    size_t n = strlen(uri), host = strcspn(uri + (n < sizeof scheme ? n : sizeof scheme - 1), "/?#");
    bool good = n <= KEY_SET_URI && strncmp(uri, scheme, sizeof scheme - 1) == 0 && host > 0 &&
                uri[sizeof scheme - 1] != ':' && memchr(uri + sizeof scheme - 1, '@', host) == NULL &&
                strchr(uri, '#') == NULL;
    for (size_t i = 0; good && i < n; i++)
        good = uri[i] > 0x20 && uri[i] < 0x7f && strchr("\"<>\\^`{|}", uri[i]) == NULL;
    return good ? ERR_OK
                : err_set_path(
                      err, ERR_INVALID_VALUE, "jwksUri",
                      "jwksUri must be an address like https://idp.example.com/jwks.json, of at most %d "
                      "bytes, without user, password and fragment",
                      KEY_SET_URI);
}
