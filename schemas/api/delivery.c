#include "schemas/api/delivery.h"

#include "ops/runtime/base64.h"
#include "ops/runtime/ed25519.h"
#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

enum err_code delivery_check_url(const char *url, bool http, struct err *err) {
    size_t n = strlen(url);
    const char *host = strncmp(url, "https://", 8) == 0          ? url + 8
                       : http && strncmp(url, "http://", 7) == 0 ? url + 7
                                                                 : NULL;
    bool good = host != NULL && n <= DELIVERY_URL_MAX && strchr(url, '#') == NULL;
    size_t host_n = good ? strcspn(host, "/?") : 0;
    good = good && host_n > 0 && host[0] != ':' && memchr(host, '@', host_n) == NULL;
    for (size_t i = 0; good && i < n; i++)
        good = url[i] > 0x20 && url[i] < 0x7f && strchr("\"<>\\^`{|}", url[i]) == NULL;
    return good ? ERR_OK
                : err_set_path(
                      err, ERR_INVALID_VALUE, "url",
                      "url must be an address like https://app.example.com/hook, of at most %d bytes, "
                      "without user, password and fragment",
                      DELIVERY_URL_MAX);
}

static bool is_event_type(const json_t *v) {
    const char *text = json_string_value(v);
    size_t n = json_string_length(v);
    if (text == NULL || n == 0 || n > 120 || strlen(text) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        if (!(text[i] == '*' && last) && strchr("abcdefghijklmnopqrstuvwxyz0123456789._:-", text[i]) == NULL)
            return false;
    }
    return true;
}

enum err_code delivery_check_events(const json_t *events, struct err *err) {
    size_t i;
    json_t *v;
    if (events == NULL || json_is_null(events))
        return ERR_OK;
    if (!json_is_array(events) || json_array_size(events) == 0 ||
        json_array_size(events) > DELIVERY_EVENTS_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "events",
                            "events must be a list of 1 to %d types, or null for all", DELIVERY_EVENTS_MAX);
    json_array_foreach((json_t *)events, i, v) {
        if (!is_event_type(v))
            return err_set_path(err, ERR_INVALID_VALUE, "events",
                                "\"%.60s\" is no type of events such as usher.member.removed or "
                                "usher.member.*",
                                json_is_string(v) ? json_string_value(v) : "?");
    }
    return ERR_OK;
}

/* ---- secrets ---- */

_Static_assert(DELIVERY_SECRET_SIZE == ED25519_SEED_SIZE, "an Ed25519 key is its seed");
_Static_assert(DELIVERY_SERVICE_SECRET == crypto_generichash_KEYBYTES, "the service's secret keys the hash");

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEALED (NONCE + DELIVERY_SECRET_SIZE + TAG)

struct delivery_secret delivery_secret_new(void) {
    struct delivery_secret s;
    if (sodium_init() < 0)
        abort(); /* there are no random numbers */
    randombytes_buf(s.bytes, sizeof s.bytes);
    return s;
}

static void put_prefixed(const char *prefix, const void *bytes, size_t n, char *out, size_t size) {
    struct jbuf b = {0};
    jb_raw(&b, prefix);
    base64_put(&b, bytes, n);
    snprintf(out, size, "%s", b.p);
    jb_free(&b);
}

void delivery_secret_text(const struct delivery_secret *s, char out[DELIVERY_SECRET_TEXT]) {
    put_prefixed("whsec_", s->bytes, sizeof s->bytes, out, DELIVERY_SECRET_TEXT);
}

void delivery_secret_public(const struct delivery_secret *s, char out[DELIVERY_SECRET_TEXT]) {
    unsigned char key[ED25519_PUBLIC_SIZE];
    ed25519_public(s->bytes, key);
    put_prefixed("whpk_", key, sizeof key, out, DELIVERY_SECRET_TEXT);
}

void delivery_secret_prefix(const char *shown, char out[DELIVERY_PREFIX_SIZE]) {
    snprintf(out, DELIVERY_PREFIX_SIZE, "%.*s", DELIVERY_PREFIX_SIZE - 1, shown);
}

/* The service's secret is only used to derive keys, one for each purpose. */
static void derive_delivery(const unsigned char *service, unsigned char key[32]) {
    static const char purpose[] = "usher delivery: secret";
    crypto_generichash(key, 32, (const unsigned char *)purpose, sizeof purpose - 1, service,
                       DELIVERY_SERVICE_SECRET);
}

void delivery_secret_seal(const struct delivery_secret *s, const unsigned char *service, const char *endpoint,
                          char out[DELIVERY_SEALED_TEXT]) {
    unsigned char key[32], sealed[SEALED];
    derive_delivery(service, key);
    randombytes_buf(sealed, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL, s->bytes, sizeof s->bytes,
                                               (const unsigned char *)endpoint, strlen(endpoint), NULL,
                                               sealed, key);
    put_prefixed("", sealed, sizeof sealed, out, DELIVERY_SEALED_TEXT);
    sodium_memzero(key, sizeof key);
}

bool delivery_secret_open(const char *sealed, const unsigned char *service, const char *endpoint,
                          struct delivery_secret *out) {
    unsigned char key[32], bytes[SEALED];
    size_t n;
    if (!base64_decode(sealed, strlen(sealed), bytes, sizeof bytes, &n) || n != sizeof bytes)
        return false;
    derive_delivery(service, key);
    bool good = crypto_aead_xchacha20poly1305_ietf_decrypt(
                    out->bytes, NULL, NULL, bytes + NONCE, sizeof bytes - NONCE,
                    (const unsigned char *)endpoint, strlen(endpoint), bytes, key) == 0;
    sodium_memzero(key, sizeof key);
    return good;
}

void delivery_text_seal(const char *text, const unsigned char *service, const char *endpoint,
                        struct jbuf *out) {
    unsigned char key[32];
    size_t n = strlen(text);
    if (n == 0)
        return;
    if (sodium_init() < 0)
        abort(); /* there are no random numbers */
    unsigned char *sealed = xmalloc(NONCE + n + TAG);
    derive_delivery(service, key);
    randombytes_buf(sealed, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL, (const unsigned char *)text, n,
                                               (const unsigned char *)endpoint, strlen(endpoint), NULL,
                                               sealed, key);
    base64_put(out, sealed, NONCE + n + TAG);
    sodium_memzero(key, sizeof key);
    free(sealed);
}

bool delivery_text_open(const char *sealed, const unsigned char *service, const char *endpoint,
                        struct jbuf *out) {
    unsigned char key[32];
    size_t most = strlen(sealed), n = 0;
    if (most == 0)
        return true;
    unsigned char *bytes = xmalloc(most), *text = xmalloc(most);
    unsigned long long length = 0;
    derive_delivery(service, key);
    bool good = base64_decode(sealed, most, bytes, most, &n) && n > NONCE + TAG &&
                crypto_aead_xchacha20poly1305_ietf_decrypt(text, &length, NULL, bytes + NONCE, n - NONCE,
                                                           (const unsigned char *)endpoint, strlen(endpoint),
                                                           bytes, key) == 0;
    if (good)
        jb_mem(out, (const char *)text, (size_t)length);
    sodium_memzero(key, sizeof key);
    free(bytes);
    free(text);
    return good;
}

void delivery_secret_put(json_t *resource, const char *signature, const unsigned char *service,
                         const char *endpoint, char shown[DELIVERY_SECRET_TEXT]) {
    struct delivery_secret s = delivery_secret_new();
    char sealed[DELIVERY_SEALED_TEXT];
    bool is_pair = strcmp(signature, DELIVERY_SIGNATURE_ED25519) == 0;
    delivery_secret_seal(&s, service, endpoint, sealed);
    if (is_pair)
        delivery_secret_public(&s, shown);
    else
        delivery_secret_text(&s, shown);
    char prefix[DELIVERY_PREFIX_SIZE];
    delivery_secret_prefix(shown, prefix);
    jsonx_put(resource, "secret", json_string(sealed));
    jsonx_put(resource, "prefix", json_string(prefix));
    jsonx_put(resource, "publicKey", is_pair ? json_string(shown) : json_null());
    sodium_memzero(&s, sizeof s);
}
