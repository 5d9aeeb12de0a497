/* Cursors. Any text is offered as one; and any bytes are made one ("e" first), which must come back as it
 * was, be refused when a character is changed, and hold nowhere else. */
#include "schemas/api/cursor.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char secret[CURSOR_SECRET_SIZE] = "thirty-two bytes of the fuzzers.";
static const char *const here[] = {"workspace", "key", "userName", "title pr"};
static const char *const elsewhere[] = {"workspace", "key", "userName", NULL};
static const struct cursor_seal seal = {secret, here, 4}, other_seal = {secret, elsewhere, 4};

static enum err_code decode(const char *text, const struct cursor_seal *with, int64_t now, struct arena *a,
                            struct cursor *out) {
    struct err err = {0};
    return cursor_decode(text, with, now, a, out, &err);
}

/* What is accepted must be what the encoder makes: nobody else has the secret. */
static void offer(const char *text, struct arena *a) {
    struct cursor c;
    enum err_code code = decode(text, &seal, INT64_MIN, a, &c);
    FUZZ_CHECK(code == ERR_OK || code == ERR_INVALID_CURSOR, "cursor_decode gives %s", err_name(code));
    FUZZ_CHECK(code != ERR_OK || strcmp(cursor_encode(&c, &seal, a), text) == 0,
               "another text than the encoder's is accepted: %s", text);
}

static uint64_t number(const uint8_t *p, size_t n) {
    uint64_t v = 0;
    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* Bytes: flags, count (2), total (8), expiry (8), where to change (2), to what, then the key. */
#define FIXED 22

static void make(const uint8_t *data, size_t size, struct arena *a, struct cursor *c) {
    *c = (struct cursor){.backward = data[0] & 1,
                         .placed = data[0] & 2,
                         .id = {"0190c5a4-0000-7000-8000-00000000000a"},
                         .count = (int)number(data + 1, 2),
                         .total = (int64_t)number(data + 3, 8),
                         .expires_us = (int64_t)number(data + 11, 8)};
    if (c->placed && data[0] & 4)
        c->key = arena_strndup(a, (const char *)data + FIXED, size - FIXED);
    if (c->key != NULL && strlen(c->key) > CURSOR_KEY_MAX)
        c->key = arena_strndup(a, c->key, CURSOR_KEY_MAX);
}

static void check_same(const struct cursor *c, const struct cursor *d) {
    FUZZ_CHECK(c->backward == d->backward && c->placed == d->placed && c->count == d->count &&
                   c->total == d->total && c->expires_us == d->expires_us,
               "a cursor changes");
    FUZZ_CHECK(!c->placed || strcmp(c->id.s, d->id.s) == 0, "a cursor's id changes: %s", d->id.s);
    FUZZ_CHECK((c->key == NULL) == (d->key == NULL) && (c->key == NULL || strcmp(c->key, d->key) == 0),
               "a cursor's key changes");
}

static void round_trip(const uint8_t *data, size_t size, struct arena *a) {
    struct cursor c, d;
    make(data, size, a, &c);
    char *text = cursor_encode(&c, &seal, a);
    size_t len = strlen(text);
    FUZZ_CHECK(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == len,
               "a cursor that a query cannot hold: %s", text);
    if (c.expires_us > INT64_MIN) {
        FUZZ_CHECK(decode(text, &seal, c.expires_us - 1, a, &d) == ERR_OK, "our own cursor is refused: %s",
                   text);
        check_same(&c, &d);
    }
    FUZZ_CHECK(decode(text, &seal, c.expires_us, a, &d) == ERR_EXPIRED_CURSOR, "an old cursor is accepted");
    FUZZ_CHECK(decode(text, &other_seal, INT64_MIN, a, &d) == ERR_INVALID_CURSOR, "a cursor holds elsewhere");
    char *at = &text[number(data + 19, 2) % len], was = *at;
    *at = (char)data[21];
    if (*at != was)
        FUZZ_CHECK(decode(text, &seal, INT64_MIN, a, &d) == ERR_INVALID_CURSOR,
                   "a changed cursor is accepted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    if (size > FIXED + 1 && data[0] == 'e')
        round_trip(data + 1, size - 1, a);
    else
        offer(arena_strndup(a, (const char *)data, size), a);
    arena_free(a);
    return 0;
}
