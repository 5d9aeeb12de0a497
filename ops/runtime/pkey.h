/* What the files that know OpenSSL's keys share: jws.c (EC) and jwk.c (RSA). */
#ifndef USHER_RUNTIME_PKEY_H
#define USHER_RUNTIME_PKEY_H

#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>

/* Called where only memory can be short. Then the process ends, as after every allocation that fails. */
void pkey_must(bool ok);
/* A public key of a kind ("RSA", "EC") out of what was pushed; frees build. NULL where that makes no key,
 * such as a point that is not on the curve. */
EVP_PKEY *pkey_public(const char *kind, OSSL_PARAM_BLD *build);

#endif
