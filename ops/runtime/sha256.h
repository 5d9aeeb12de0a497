/* SHA-256, with the instructions that the processor has for it (OpenSSL). For what is hashed all the time. */
#ifndef USHER_RUNTIME_SHA256_H
#define USHER_RUNTIME_SHA256_H

#include <stddef.h>

#define SHA256_SIZE 32

struct sha256_part {
    const void *p;
    size_t n;
};

/* The hash of the parts, one behind the other. */
void sha256_of(const struct sha256_part *parts, size_t nparts, unsigned char out[SHA256_SIZE]);

#endif
