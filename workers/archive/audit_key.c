#include "workers/archive/audit_key.h"

#include "ops/runtime/base64.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/log.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BEGINS "-----BEGIN PRIVATE KEY-----"
#define ENDS "-----END PRIVATE KEY-----"

/* RFC 8410, section 7: what stands before the 32 bytes of the key in PKCS 8. */
static const unsigned char before[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static bool read_pem(const char *pem, unsigned char seed[ED25519_SEED_SIZE]) {
    unsigned char der[sizeof before + ED25519_SEED_SIZE];
    struct jbuf body = {0};
    size_t n = 0;
    const char *from = strstr(pem, BEGINS), *to = from != NULL ? strstr(from, ENDS) : NULL;
    if (to == NULL)
        return false;
    for (const char *at = from + strlen(BEGINS); at < to; at++)
        if (*at > ' ')
            jb_mem(&body, at, 1);
    bool good = body.n > 0 && base64_decode(body.p, body.n, der, sizeof der, &n) && n == sizeof der &&
                memcmp(der, before, sizeof before) == 0;
    if (good)
        memcpy(seed, der + sizeof before, ED25519_SEED_SIZE);
    if (body.p != NULL)
        sodium_memzero(body.p, body.n);
    sodium_memzero(der, sizeof der);
    jb_free(&body);
    return good;
}

enum err_code audit_key_open(const char *file, struct audit_key *out, struct err *err) {
    char pem[4096];
    if (*file == '\0') {
        randombytes_buf(out->seed, sizeof out->seed);
        log_event(LOG_WARN, "audit-key-fresh",
                  "note=\"the setting audit-key names no file: this key is gone with this process\"");
    } else {
        FILE *f = fopen(file, "re");
        size_t n = f != NULL ? fread(pem, 1, sizeof pem - 1, f) : 0;
        pem[n] = '\0';
        if (f != NULL)
            (void)fclose(f);
        bool good = read_pem(pem, out->seed);
        sodium_memzero(pem, sizeof pem);
        if (!good)
            return err_set(err, ERR_CONFIG, "%s holds no private key of Ed25519 (PEM)", file);
    }
    ed25519_public(out->seed, out->public_key);
    return ERR_OK;
}
