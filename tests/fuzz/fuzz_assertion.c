/* Assertions by which OAuth clients authenticate, and the key sets that check them: what anybody may send
 * before it is known who it is. "j" and then a header and claims with a line end between: made a JWT. "k": a
 * key set. Else: the text of an assertion. Nobody has signed any of it. */
#include "schemas/api/client_assertion.h"
#include "schemas/api/key_set.h"
#include "tests/fuzz/fuzz.h"

#include <sodium.h>
#include <string.h>

static const char *const audiences[] = {"https://u", "https://u/oauth2/token", NULL};
#define NOW 1800000000
#define MAX_S 600
/* A key of each kind; their private ones are nowhere. */
#define KEYS                                                                                                              \
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"one\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"

static void check_sentence(const struct err *err) {
    FUZZ_CHECK(err->code == ERR_UNAUTHORIZED && err->detail[0] != '\0', "%s", err_name(err->code));
    /* What RFC 6749 section 5.2 lets an error_description hold. */
    for (const char *p = err->detail; *p != '\0'; p++)
        FUZZ_CHECK(*p >= ' ' && *p <= '~' && *p != '"' && *p != '\\', "a refusal quotes: %s", err->detail);
}

/* What is read is what stands there: the signature is that of the text before it. */
static void check_read(const struct client_assertion *c, const char *text) {
    size_t n = strlen(text) - c->jwt.signed_len - 1;
    FUZZ_CHECK(c->jwt.alg >= 0 && c->jwt.alg < JWK_ALGS && uuid_is_set(&c->client),
               "no algorithm, or no client");
    FUZZ_CHECK(c->jti[0] != '\0' && strlen(c->jti) <= CLIENT_ASSERTION_JTI, "a jti of %zu bytes",
               strlen(c->jti));
    FUZZ_CHECK(c->exp_s > 0 && c->iat_s >= 0 && c->nbf_s >= 0, "moments");
    FUZZ_CHECK(text[c->jwt.signed_len] == '.' && strchr(text + c->jwt.signed_len + 1, '.') == NULL,
               "the signed part");
    FUZZ_CHECK(c->jwt.nsignature == n * 3 / 4, "a signature of %zu bytes in %zu", c->jwt.nsignature, n);
}

static void offer(const char *text, struct arena *a) {
    struct client_assertion c;
    struct err err = {0};
    if (client_assertion_read(text, a, &c, &err) != ERR_OK) {
        check_sentence(&err);
        return;
    }
    check_read(&c, text);
    if (client_assertion_check(&c, audiences, NOW, MAX_S, &err) == ERR_OK)
        FUZZ_CHECK(c.exp_s > NOW - CLIENT_ASSERTION_SKEW_S - 1 &&
                       c.exp_s <= NOW + MAX_S + CLIENT_ASSERTION_SKEW_S,
                   "good until %lld", (long long)c.exp_s);
    else
        check_sentence(&err);
    struct key_set *keys = key_set_parse(KEYS, strlen(KEYS));
    FUZZ_CHECK(keys != NULL, "the keys");
    FUZZ_CHECK(key_set_check(keys, c.jwt.kid, c.jwt.alg, c.jwt.text, c.jwt.signed_len, c.jwt.signature,
                             c.jwt.nsignature) != KEY_SET_SIGNED,
               "a forged assertion");
    key_set_free(keys);
}

static const char *part(const uint8_t *data, size_t size, struct arena *a) {
    size_t most = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return sodium_bin2base64(arena_alloc(a, most), most, data, size,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void make(const uint8_t *data, size_t size, struct arena *a) {
    const uint8_t *end = memchr(data, '\n', size);
    size_t header = end != NULL ? (size_t)(end - data) : size, rest = end != NULL ? size - header - 1 : 0;
    offer(arena_printf(a, "%s.%s.AQID", part(data, header, a), part(data + size - rest, rest, a)), a);
}

/* What a set keeps is read again as the same. */
static void offer_keys(const char *text, size_t size) {
    struct key_set *keys = key_set_parse(text, size);
    if (keys == NULL)
        return;
    json_t *kept = key_set_json(keys);
    FUZZ_CHECK(json_array_size(json_object_get(kept, "keys")) <= KEY_SET_KEYS, "too many keys are kept");
    struct key_set *again = key_set_read(kept);
    FUZZ_CHECK(again != NULL, "kept keys are no keys");
    json_t *same = key_set_json(again);
    FUZZ_CHECK(json_equal(kept, same), "kept keys change");
    for (int alg = 0; alg < JWK_ALGS; alg++)
        FUZZ_CHECK(key_set_check(keys, NULL, (enum jwk_alg)alg, "x", 1, (const unsigned char *)"\1\2\3", 3) !=
                       KEY_SET_SIGNED,
                   "a forged signature");
    json_decref(kept);
    json_decref(same);
    key_set_free(keys);
    key_set_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    if (size > 0 && data[0] == 'j')
        make(data + 1, size - 1, a);
    else if (size > 0 && data[0] == 'k')
        offer_keys((const char *)data + 1, size - 1);
    else
        offer(arena_strndup(a, (const char *)data, size), a);
    arena_free(a);
    return 0;
}
