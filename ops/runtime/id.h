/* Identifiers: UUIDs as lower-case text (36 characters), and the partition that a workspace lives in. */
#ifndef USHER_RUNTIME_ID_H
#define USHER_RUNTIME_ID_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uuid {
    char s[37]; /* lower case, NUL-terminated; "" = none */
};

/* The same in 16 bytes, for long lists. memcmp sorts them as their texts, and as PostgreSQL does. */
struct uuid_bytes {
    unsigned char b[16];
};

#define UUID_NIL "00000000-0000-0000-0000-000000000000"

/* A new version 7 UUID (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then a counter within the
 * millisecond (12 bits, so that ids of one process are strictly increasing) and 62 random bits. Thread-safe.
 */
struct uuid uuid_v7(void);
/* The n-th UUID that is derived from `of`. It is always the same one, has the same millisecond, and belongs
 * to no other UUID (74 bits of it are a hash). */
struct uuid uuid_derive(const struct uuid *of, uint32_t n);
/* The time in a version 7 UUID: microseconds since 1970, whole milliseconds. */
int64_t uuid_time_us(const struct uuid *u);
/* That of a place in a partitioned log, the same each time: the milliseconds of the record, then partition
 * and offset. */
struct uuid uuid_of_place(int64_t ms, int32_t partition, int64_t offset);
/* True and *out set (lower-cased) if s is exactly one UUID in 8-4-4-4-12 form, any letter case. */
USHER_MUST_CHECK bool uuid_parse(const char *s, struct uuid *out);
USHER_MUST_CHECK bool uuid_pack(const char *s, struct uuid_bytes *out); /* as uuid_parse */
struct uuid uuid_unpack(const struct uuid_bytes *id);
bool uuid_is_set(const struct uuid *u);
bool uuid_eq(const struct uuid *a, const struct uuid *b);

/* murmur2(workspace id text) mod n, as Kafka's default partitioner computes it ((h & 0x7fffffff) % n):
 * ops/DESIGN.md, "Topics". */
int32_t workspace_partition(const char *workspace_id, int32_t n);
uint32_t murmur2(const void *key, size_t len); /* Kafka's variant, seed 0x9747b28c */

#endif
