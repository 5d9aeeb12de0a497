#include "schemas/api/sign_in.h"

#include "ops/runtime/base64.h"
#include "ops/runtime/id.h"
#include "schemas/text/jsonx.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static bool is_printable(const char *text, size_t max) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x21 || text[i] == 0x7f)
            return false;
    return n > 0 && n <= max;
}

static bool sign_in_is_address(const char *text) {
    const char *at = strchr(text, '@');
    return is_printable(text, 254) && at != NULL && at != text && at[1] != '\0' &&
           strchr(at + 1, '@') == NULL;
}

/* Addresses are compared without regard to the case of ASCII letters, as providers keep them. */
static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool same_address(const char *a, const char *b) {
    while (*a != '\0' && lower(*a) == lower(*b))
        a++, b++;
    return *a == '\0' && *b == '\0';
}

static bool is_same_person(const json_t *a, const json_t *b) {
    const char *mail = json_string_value(json_object_get(a, "email")),
               *other = json_string_value(json_object_get(b, "email")),
               *subject = json_string_value(json_object_get(a, "subject")),
               *other_subject = json_string_value(json_object_get(b, "subject"));
    return mail != NULL ? other != NULL && same_address(mail, other)
                        : other_subject != NULL && strcmp(subject, other_subject) == 0;
}

static enum err_code check_person(const json_t *people, size_t at, struct err *err) {
    const json_t *one = json_array_get(people, at);
    const char *mail = json_string_value(json_object_get(one, "email")),
               *subject = json_string_value(json_object_get(one, "subject")),
               *owner = json_string_value(json_object_get(one, "owner"));
    struct uuid id;
    if (json_object_size(one) != 2 || owner == NULL || !uuid_parse(owner, &id) ||
        (mail == NULL) == (subject == NULL))
        return err_set_path(err, ERR_INVALID_VALUE, "people",
                            "Each of people is {\"email\" or \"subject\": text, \"owner\": id of an owner}");
    if (mail != NULL && !sign_in_is_address(mail))
        return err_set_path(err, ERR_INVALID_VALUE, "people", "\"%.60s\" is no e-mail address", mail);
    if (subject != NULL && !is_printable(subject, 255))
        return err_set_path(err, ERR_INVALID_VALUE, "people", "A subject has 1 to 255 bytes, without blanks");
    for (size_t i = 0; i < at; i++)
        if (is_same_person(one, json_array_get(people, i)))
            return err_set_path(err, ERR_INVALID_VALUE, "people", "\"%.60s\" is on the list twice",
                                mail != NULL ? mail : subject);
    return ERR_OK;
}

enum err_code sign_in_check(const json_t *given, struct err *err) {
    const json_t *issuer = json_object_get(given, "issuer"), *client = json_object_get(given, "clientId"),
                 *people = json_object_get(given, "people");
    if (issuer != NULL &&
        provider_check_issuer(json_is_string(issuer) ? json_string_value(issuer) : "", err) != ERR_OK)
        return err->code;
    if (client != NULL &&
        (!json_is_string(client) || !is_printable(json_string_value(client), SIGN_IN_CLIENT_MAX)))
        return err_set_path(err, ERR_INVALID_VALUE, "clientId",
                            "clientId is a text of 1 to %d bytes, without blanks", SIGN_IN_CLIENT_MAX);
    if (people != NULL && (!json_is_array(people) || json_array_size(people) > SIGN_IN_PEOPLE))
        return err_set_path(err, ERR_INVALID_VALUE, "people", "people is a list of at most %d",
                            SIGN_IN_PEOPLE);
    for (size_t i = 0; i < json_array_size(people); i++)
        if (check_person(people, i, err) != ERR_OK)
            return err->code;
    return ERR_OK;
}

json_t *sign_in_normal(const json_t *given) {
    json_t *out = jsonx_copy(given), *one;
    size_t i;
    json_array_foreach(json_object_get(out, "people"), i, one) {
        const char *mail = json_string_value(json_object_get(one, "email"));
        char *copy = mail != NULL ? strdup(mail) : NULL;
        for (char *p = copy; p != NULL && *p != '\0'; p++)
            *p = lower(*p);
        if (copy != NULL)
            jsonx_put(one, "email", jsonx_string(copy, strlen(copy)));
        free(copy);
    }
    return out;
}

const char *sign_in_find(const json_t *doc, const struct identity *who) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(doc, "people"), i, one) {
        const char *mail = json_string_value(json_object_get(one, "email")),
                   *subject = json_string_value(json_object_get(one, "subject"));
        if ((subject != NULL && strcmp(subject, who->subject) == 0) ||
            (mail != NULL && who->email != NULL && same_address(mail, who->email)))
            return json_string_value(json_object_get(one, "owner"));
    }
    return NULL;
}

/* ---- the client's secret ---- */

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SIGN_IN_SERVICE_SECRET == crypto_generichash_KEYBYTES, "the service's secret keys the hash");
_Static_assert(SIGN_IN_SEALED_MAX > (NONCE + TAG + SIGN_IN_SECRET_MAX + 2) / 3 * 4, "a secret fits, sealed");

enum err_code sign_in_check_secret(const char *secret, struct err *err) {
    if (is_printable(secret, SIGN_IN_SECRET_MAX))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "clientSecret",
                        "clientSecret is a text of 1 to %d bytes, without blanks", SIGN_IN_SECRET_MAX);
}

/* The service's secret is only used to derive keys, one for each purpose. */
static void derive_sign_in(const unsigned char *service, unsigned char key[32]) {
    static const char purpose[] = "usher sign-in: client secret";
    crypto_generichash(key, 32, (const unsigned char *)purpose, sizeof purpose - 1, service,
                       SIGN_IN_SERVICE_SECRET);
}

char *sign_in_seal(const char *secret, const unsigned char *service, const char *workspace, struct arena *a) {
    size_t n = strlen(secret);
    unsigned char key[32], *bytes = arena_alloc(a, NONCE + n + TAG);
    struct jbuf text = {0};
    derive_sign_in(service, key);
    randombytes_buf(bytes, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE, NULL, (const unsigned char *)secret, n,
                                               (const unsigned char *)workspace, strlen(workspace), NULL,
                                               bytes, key);
    sodium_memzero(key, sizeof key);
    base64_put(&text, bytes, NONCE + n + TAG);
    char *out = arena_strdup(a, text.p);
    jb_free(&text);
    return out;
}

char *sign_in_open(const char *sealed, const unsigned char *service, const char *workspace, struct arena *a) {
    size_t max = strlen(sealed), n;
    unsigned char key[32], *bytes = arena_alloc(a, max + 1);
    if (!base64_decode(sealed, max, bytes, max, &n) || n < NONCE + TAG)
        return NULL;
    char *out = arena_alloc(a, n + 1);
    derive_sign_in(service, key);
    bool good = crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out, NULL, NULL, bytes + NONCE,
                                                           n - NONCE, (const unsigned char *)workspace,
                                                           strlen(workspace), bytes, key) == 0;
    sodium_memzero(key, sizeof key);
    return good ? out : NULL;
}
