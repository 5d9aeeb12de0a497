#include "workers/deliver/webhook.h"

#include "ops/runtime/base64.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/ed25519.h"
#include "schemas/proof/note.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

void webhook_body(struct jbuf *out, const char *type, int64_t at_us, const char *value) {
    char time[RFC3339_SIZE];
    jb_raw(out, "{");
    jb_kstr(out, "type", type);
    jb_kstr(out, "timestamp", rfc3339_us(at_us, time));
    jb_kraw(out, "data", value);
    jb_raw(out, "}");
}

bool webhook_checkpoint(struct jbuf *out, const char *workspace, const char *subject, const char *note,
                        size_t n) {
    static const char audit[] = "audit/";
    struct checkpoint c;
    struct err err = {0};
    struct jbuf root = {0};
    if (strncmp(subject, audit, sizeof audit - 1) != 0 || checkpoint_read(note, n, &c, &err) != ERR_OK)
        return false;
    base64_put(&root, c.root.bytes, sizeof c.root.bytes);
    jb_raw(out, "{");
    jb_kstr(out, "workspace", workspace);
    jb_kstr(out, "tree", subject + sizeof audit - 1);
    jb_kstr(out, "origin", c.origin);
    jb_kint(out, "size", (int64_t)c.size);
    jb_kstr(out, "root", root.p);
    jb_key(out, "note");
    jb_strn(out, note, n);
    jb_raw(out, "}");
    jb_free(&root);
    return true;
}

static void put_hmac(struct jbuf *out, const struct delivery_secret *s, const struct jbuf *text) {
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, s->bytes, sizeof s->bytes);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text->p, text->n);
    crypto_auth_hmacsha256_final(&state, mac);
    jb_raw(out, "v1,");
    base64_put(out, mac, sizeof mac);
}

static void put_ed25519(struct jbuf *out, const struct delivery_secret *s, const struct jbuf *text) {
    unsigned char signature[ED25519_SIGNATURE_SIZE];
    ed25519_sign(s->bytes, text->p, text->n, signature);
    jb_raw(out, "v1a,");
    base64_put(out, signature, sizeof signature);
}

void webhook_sign(struct jbuf *out, const struct webhook_key *keys, size_t nkeys, const char *id,
                  int64_t timestamp_s, const char *body, size_t n) {
    struct jbuf text = {0};
    jb_printf(&text, "%s.%" PRId64 ".", id, timestamp_s);
    jb_mem(&text, body, n);
    for (size_t i = 0; i < nkeys; i++) {
        if (i > 0)
            jb_raw(out, " ");
        if (keys[i].is_pair)
            put_ed25519(out, &keys[i].secret, &text);
        else
            put_hmac(out, &keys[i].secret, &text);
    }
    jb_free(&text);
}
