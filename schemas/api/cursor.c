#include "schemas/api/cursor.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define SEAL_SIZE 24 /* = crypto_stream_xchacha20_NONCEBYTES */
#define FLAG_BACKWARD 1
#define FLAG_PLACED 2
#define FLAG_KEYED 4
#define FIXED_SIZE 20 /* version, flags, count (2), total (8), expiry in µs (8) */
#define ID_SIZE 16
#define CONTENT_MAX (FIXED_SIZE + ID_SIZE + CURSOR_KEY_MAX)
#define TEXT_MAX ((SEAL_SIZE + CONTENT_MAX) * 4 / 3 + 4)

_Static_assert(SEAL_SIZE == crypto_stream_xchacha20_NONCEBYTES, "the seal is the nonce");

/* ---- content ---- */

static void put_number(unsigned char *p, size_t size, uint64_t n) {
    for (size_t i = size; i-- > 0; n >>= 8)
        p[i] = (unsigned char)n;
}

static uint64_t take_number(const unsigned char *p, size_t size) {
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++)
        n = n << 8 | p[i];
    return n;
}

static void put_id(unsigned char *p, const struct uuid *id) {
    char digits[33];
    size_t n = 0;
    for (const char *s = id->s; *s != '\0' && n < 32; s++)
        if (*s != '-')
            digits[n++] = *s;
    memset(p, 0, ID_SIZE);
    sodium_hex2bin(p, ID_SIZE, digits, n, NULL, NULL, NULL);
}

static struct uuid take_id(const unsigned char *p) {
    char hex[33];
    struct uuid id = {""};
    char *out = id.s;
    sodium_bin2hex(hex, sizeof hex, p, ID_SIZE);
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *out++ = '-';
        *out++ = hex[i];
    }
    *out = '\0';
    return id;
}

/* Gives the number of bytes. */
static size_t write_content(const struct cursor *c, unsigned char *p) {
    size_t n = FIXED_SIZE, key_len = c->placed && c->key != NULL ? strlen(c->key) : 0;
    p[0] = VERSION;
    p[1] = (unsigned char)((c->backward ? FLAG_BACKWARD : 0) | (c->placed ? FLAG_PLACED : 0) |
                           (c->placed && c->key != NULL ? FLAG_KEYED : 0));
    put_number(p + 2, 2, (uint64_t)c->count);
    put_number(p + 4, 8, (uint64_t)c->total);
    put_number(p + 12, 8, (uint64_t)c->expires_us);
    if (!c->placed)
        return n;
    put_id(p + n, &c->id);
    n += ID_SIZE;
    if (key_len > CURSOR_KEY_MAX)
        abort(); /* no sort key is as long */
    if (key_len > 0)
        memcpy(p + n, c->key, key_len);
    return n + key_len;
}

static bool read_content(const unsigned char *p, size_t n, struct arena *a, struct cursor *out) {
    if (n < FIXED_SIZE || p[0] != VERSION)
        return false;
    *out = (struct cursor){.backward = p[1] & FLAG_BACKWARD,
                           .placed = p[1] & FLAG_PLACED,
                           .count = (int)take_number(p + 2, 2),
                           .total = (int64_t)take_number(p + 4, 8),
                           .expires_us = (int64_t)take_number(p + 12, 8)};
    if (!out->placed)
        return n == FIXED_SIZE;
    if (n < FIXED_SIZE + ID_SIZE)
        return false;
    out->id = take_id(p + FIXED_SIZE);
    size_t begin = FIXED_SIZE + ID_SIZE;
    if (p[1] & FLAG_KEYED)
        out->key = arena_strndup(a, (const char *)p + begin, n - begin);
    return true;
}

/* ---- sealing ---- */

/* The secret is only used to derive keys, one for each purpose. */
static void derive(const struct cursor_seal *seal, const char *purpose, unsigned char key[32]) {
    crypto_generichash(key, 32, (const unsigned char *)purpose, strlen(purpose), seal->secret,
                       CURSOR_SECRET_SIZE);
}

/* Each text with its length, so that no two lists of texts read the same. */
static void hash_texts(crypto_generichash_state *state, const struct cursor_seal *seal) {
    for (size_t i = 0; i < seal->nbound; i++) {
        const char *text = seal->bound[i];
        unsigned char length[8];
        put_number(length, sizeof length, text != NULL ? strlen(text) : UINT64_MAX);
        crypto_generichash_update(state, length, sizeof length);
        if (text != NULL)
            crypto_generichash_update(state, (const unsigned char *)text, strlen(text));
    }
}

static void make_seal(const struct cursor_seal *seal, const unsigned char *content, size_t n,
                      unsigned char out[SEAL_SIZE]) {
    unsigned char key[32];
    crypto_generichash_state state;
    derive(seal, "usher cursor: seal", key);
    crypto_generichash_init(&state, key, sizeof key, SEAL_SIZE);
    hash_texts(&state, seal);
    crypto_generichash_update(&state, content, n);
    crypto_generichash_final(&state, out, SEAL_SIZE);
}

static void crypt(const struct cursor_seal *seal, const unsigned char nonce[SEAL_SIZE],
                  unsigned char *content, size_t n) {
    unsigned char key[32];
    derive(seal, "usher cursor: content", key);
    crypto_stream_xchacha20_xor(content, content, n, nonce, key);
}

char *cursor_encode(const struct cursor *c, const struct cursor_seal *seal, struct arena *a) {
    unsigned char bytes[SEAL_SIZE + CONTENT_MAX];
    size_t n = write_content(c, bytes + SEAL_SIZE);
    make_seal(seal, bytes + SEAL_SIZE, n, bytes);
    crypt(seal, bytes, bytes + SEAL_SIZE, n);
    size_t size = sodium_base64_encoded_len(SEAL_SIZE + n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_alloc(a, size);
    return sodium_bin2base64(text, size, bytes, SEAL_SIZE + n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* libsodium 1.0.18 reads every byte beyond ASCII as '_', so one cursor would have many texts. */
static bool is_ascii(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* True if usher made this cursor, for these texts. */
static bool open_sealed(const char *text, const struct cursor_seal *seal, struct arena *a,
                        struct cursor *out) {
    unsigned char bytes[SEAL_SIZE + CONTENT_MAX], expected[SEAL_SIZE];
    size_t n, len = strnlen(text, TEXT_MAX + 1);
    if (len > TEXT_MAX || !is_ascii(text) ||
        sodium_base642bin(bytes, sizeof bytes, text, len, NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        n < SEAL_SIZE)
        return false;
    n -= SEAL_SIZE;
    crypt(seal, bytes, bytes + SEAL_SIZE, n);
    make_seal(seal, bytes + SEAL_SIZE, n, expected);
    return sodium_memcmp(expected, bytes, SEAL_SIZE) == 0 && read_content(bytes + SEAL_SIZE, n, a, out);
}

enum err_code cursor_decode(const char *text, const struct cursor_seal *seal, int64_t now_us, struct arena *a,
                            struct cursor *out, struct err *err) {
    if (!open_sealed(text, seal, a, out))
        return err_set_path(err, ERR_INVALID_CURSOR, "cursor", "%s", "");
    if (now_us >= out->expires_us)
        return err_set_path(err, ERR_EXPIRED_CURSOR, "cursor", "%s", "");
    return ERR_OK;
}
