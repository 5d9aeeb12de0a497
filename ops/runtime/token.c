#include "ops/runtime/token.h"

#include <sodium.h>
#include <string.h>
#include <zlib.h>

#define PREFIX_LEN 4
#define RANDOM_BYTES 32
#define RANDOM_DIGITS 43 /* 62^43 > 2^256 */
#define CRC_DIGITS 6     /* 62^6 > 2^32 */
#define BODY_LEN (PREFIX_LEN + RANDOM_DIGITS)
_Static_assert(TOKEN_LENGTH == BODY_LEN + CRC_DIGITS, "the length that token.h says");

static const char *const prefixes[] = {
    [TOKEN_KEY] = "ush_", [TOKEN_OWNER] = "uso_", [TOKEN_SESSION] = "uss_", [TOKEN_LINK] = "usl_"};
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Long division by 62, the last digit first. number is big-endian, and is zero afterwards. */
static void base62(unsigned char *number, size_t bytes, char *out, size_t width) {
    for (size_t i = width; i-- > 0;) {
        unsigned rest = 0;
        for (size_t j = 0; j < bytes; j++) {
            unsigned v = rest << 8 | number[j];
            number[j] = (unsigned char)(v / 62);
            rest = v % 62;
        }
        out[i] = digits[rest];
    }
}

static void put_crc(const char *body, char out[CRC_DIGITS]) {
    uLong crc = crc32(0, (const Bytef *)body, BODY_LEN);
    unsigned char bytes[4] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                              (unsigned char)(crc >> 8), (unsigned char)crc};
    base62(bytes, sizeof bytes, out, CRC_DIGITS);
}

void token_new(enum token_kind kind, char text[TOKEN_TEXT_SIZE]) {
    unsigned char random[RANDOM_BYTES];
    randombytes_buf(random, sizeof random);
    memset(text, 0, TOKEN_TEXT_SIZE);
    memcpy(text, prefixes[kind], PREFIX_LEN);
    base62(random, sizeof random, text + PREFIX_LEN, RANDOM_DIGITS);
    put_crc(text, text + BODY_LEN);
    sodium_memzero(random, sizeof random);
}

static bool is_digit(char c) {
    return c != '\0' && strchr(digits, c) != NULL;
}

static bool find_kind(const char *text, enum token_kind *kind) {
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (memcmp(text, prefixes[i], PREFIX_LEN) == 0) {
            if (kind != NULL)
                *kind = (enum token_kind)i;
            return true;
        }
    }
    return false;
}

static bool has_digits_only(const char *text, size_t len) {
    for (size_t i = PREFIX_LEN; i < len; i++)
        if (!is_digit(text[i]))
            return false;
    return true;
}

static bool crc_fits(const char *text) {
    char crc[CRC_DIGITS];
    put_crc(text, crc);
    return memcmp(crc, text + BODY_LEN, CRC_DIGITS) == 0;
}

bool token_well_formed(const char *text, size_t len, enum token_kind *kind) {
    return len == TOKEN_LENGTH && find_kind(text, kind) && has_digits_only(text, len) && crc_fits(text);
}

enum token_fault token_fault(const char *text, size_t len) {
    if (len < PREFIX_LEN || !find_kind(text, NULL))
        return TOKEN_PREFIX;
    if (len == 2 * TOKEN_LENGTH && memcmp(text, text + TOKEN_LENGTH, TOKEN_LENGTH) == 0)
        return TOKEN_TWICE;
    if (!has_digits_only(text, len))
        return TOKEN_LETTERS;
    if (len != TOKEN_LENGTH)
        return len < TOKEN_LENGTH ? TOKEN_CUT : TOKEN_LONG;
    return crc_fits(text) ? TOKEN_GOOD : TOKEN_MISTYPED;
}

void token_hash(const char *text, size_t len, unsigned char hash[TOKEN_HASH_SIZE]) {
    crypto_hash_sha256(hash, (const unsigned char *)text, len);
}

void token_show_prefix(const char *text, char out[TOKEN_PREFIX_SIZE]) {
    size_t n = strnlen(text, TOKEN_PREFIX_SIZE - 1);
    memcpy(out, text, n);
    out[n] = 0;
}

/* How many characters at the front look like a token: the prefix of a kind and digits; 0 = none do. */
static size_t token_like(const char *text) {
    size_t n = PREFIX_LEN;
    if (strlen(text) < PREFIX_LEN || !find_kind(text, NULL))
        return 0;
    while (is_digit(text[n]))
        n++;
    return n;
}

bool token_show_foreign(const char *text, char out[TOKEN_PREFIX_SIZE]) {
    if (token_like(text) < TOKEN_PREFIX_SIZE)
        return false;
    token_show_prefix(text, out);
    return true;
}

/* Access tokens too (access_token.h), which go on in base64url. */
static size_t secret_like(const char *text) {
    size_t n = PREFIX_LEN;
    if (strncmp(text, "us", 2) != 0 || text[2] == '\0' || strchr("hostl", text[2]) == NULL || text[3] != '_')
        return 0;
    while (is_digit(text[n]) || text[n] == '-' || text[n] == '_')
        n++;
    return n;
}

void token_mask(char *text) {
    for (char *p = text; *p != '\0'; p++) {
        bool begins = p == text || !is_digit(p[-1]);
        size_t n = begins ? secret_like(p) : 0, shown = TOKEN_PREFIX_SIZE - 1;
        if (n > shown)
            memmove(p + shown, p + n, strlen(p + n) + 1);
    }
}
