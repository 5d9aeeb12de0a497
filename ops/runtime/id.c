#include "ops/runtime/id.h"

#include "ops/runtime/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_ms;
static unsigned counter; /* rand_a: 12 bits */

/* The next pair of millisecond and counter. It always rises, also if the clock goes back: the last
 * millisecond is then used on, and when its counter is full, the next millisecond is taken early (RFC 9562
 * section 6.2, method 1). The counter begins at a low random number, so that ids tell little about the load.
 */
static void next_tick(uint64_t *ms, unsigned *count) {
    uint64_t now = (uint64_t)(clock_wall_us() / 1000);
    uint32_t start = randombytes_random() & 0xff;
    pthread_mutex_lock(&lock);
    if (now > last_ms) {
        last_ms = now;
        counter = start;
    } else if (++counter > 0xfff) {
        last_ms++;
        counter = 0;
    }
    *ms = last_ms;
    *count = counter;
    pthread_mutex_unlock(&lock);
}

static struct uuid to_text(const unsigned char b[16]) {
    static const char hex[] = "0123456789abcdef";
    struct uuid u = {""};
    char *p = u.s;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[b[i] >> 4];
        *p++ = hex[b[i] & 15];
    }
    *p = 0;
    return u;
}

struct uuid uuid_v7(void) {
    unsigned char b[16];
    uint64_t ms;
    unsigned count;
    randombytes_buf(b + 8, 8);
    next_tick(&ms, &count);
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | count >> 8);
    b[7] = (unsigned char)count;
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    return to_text(b);
}

int64_t uuid_time_us(const struct uuid *u) {
    char hex[13];
    memcpy(hex, u->s, 8);
    memcpy(hex + 8, u->s + 9, 4);
    hex[12] = '\0';
    return (int64_t)strtoull(hex, NULL, 16) * 1000;
}

struct uuid uuid_derive(const struct uuid *of, uint32_t n) {
    char text[64];
    unsigned char b[16];
    int len = snprintf(text, sizeof text, "%s/%" PRIu32, of->s, n);
    crypto_generichash(b, sizeof b, (const unsigned char *)text, (unsigned long long)len, NULL, 0);
    b[6] = (unsigned char)(0x70 | (b[6] & 0xf));
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    struct uuid u = to_text(b);
    memcpy(u.s, of->s, 13); /* the milliseconds and their dash */
    return u;
}

struct uuid uuid_of_place(int64_t ms, int32_t partition, int64_t offset) {
    unsigned char b[16];
    for (int i = 0; i < 6; i++)
        b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)(0x70 | (partition >> 8 & 0xf));
    b[7] = (unsigned char)partition;
    for (int i = 0; i < 8; i++)
        b[8 + i] = (unsigned char)(offset >> (56 - 8 * i));
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    return to_text(b);
}

bool uuid_parse(const char *s, struct uuid *out) {
    struct uuid u;
    if (s == NULL)
        return false;
    for (int i = 0; i < 36; i++) {
        char c = s[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-')
                return false;
        } else if (c >= 'A' && c <= 'F') {
            c = (char)(c + ('a' - 'A'));
        } else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false; /* also the end of a short text */
        }
        u.s[i] = c;
    }
    if (s[36])
        return false;
    u.s[36] = 0;
    *out = u;
    return true;
}

static unsigned digit_of(char c) {
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

bool uuid_pack(const char *s, struct uuid_bytes *out) {
    struct uuid u;
    if (!uuid_parse(s, &u))
        return false;
    const char *p = u.s;
    for (int i = 0; i < 16; i++, p += 2) {
        p += *p == '-';
        out->b[i] = (unsigned char)(digit_of(p[0]) << 4 | digit_of(p[1]));
    }
    return true;
}

struct uuid uuid_unpack(const struct uuid_bytes *id) {
    return to_text(id->b);
}

bool uuid_is_set(const struct uuid *u) {
    return u->s[0] != 0;
}

bool uuid_eq(const struct uuid *a, const struct uuid *b) {
    return strcmp(a->s, b->s) == 0;
}

uint32_t murmur2(const void *key, size_t len) {
    const uint32_t m = 0x5bd1e995;
    const unsigned char *p = key;
    uint32_t h = 0x9747b28cU ^ (uint32_t)len;
    for (; len >= 4; p += 4, len -= 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (len >= 3)
        h ^= (uint32_t)p[2] << 16;
    if (len >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (len >= 1) {
        h ^= (uint32_t)p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

int32_t workspace_partition(const char *workspace_id, int32_t n) {
    return (int32_t)((murmur2(workspace_id, strlen(workspace_id)) & 0x7fffffffU) % (uint32_t)n);
}
