/* What an endpoint for events over HTTP may be: its URL, the events that it wants, and its secrets. A secret
 * is made here, shown once, and kept sealed, in commands as in the database: whoever reads the log or a
 * backup without the service's own secret cannot sign. */
#ifndef USHER_SCHEMAS_API_DELIVERY_H
#define USHER_SCHEMAS_API_DELIVERY_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <jansson.h>
#include <stdbool.h>

#define DELIVERY_URL_MAX 2048
#define DELIVERY_EVENTS_MAX 32
#define DELIVERY_OVERLAP_S 86400       /* of a rotation, where nothing else is said */
#define DELIVERY_OVERLAP_MAX_S 2592000 /* 30 days */

/* http: is it allowed besides https? */
enum err_code delivery_check_url(const char *url, bool http, struct err *err);
/* NULL and JSON null: all. Else a list of 1 to 32 types; one may end with '*'. */
enum err_code delivery_check_events(const json_t *events, struct err *err);

/* ---- secrets ---- */

#define DELIVERY_SECRET_SIZE 32    /* bytes: an HMAC key, or the seed of an Ed25519 key */
#define DELIVERY_SECRET_TEXT 52    /* "whsec_" or "whpk_" with base64, and a NUL */
#define DELIVERY_SEALED_TEXT 100   /* base64 of nonce, secret and tag, and a NUL */
#define DELIVERY_PREFIX_SIZE 11    /* how a secret begins: "whsec_" and four characters, and a NUL */
#define DELIVERY_SERVICE_SECRET 32 /* bytes of the service's secret */
#define DELIVERY_SIGNATURE_HMAC "hmac"
#define DELIVERY_SIGNATURE_ED25519 "ed25519"

struct delivery_secret {
    unsigned char bytes[DELIVERY_SECRET_SIZE];
};
struct delivery_secret delivery_secret_new(void);
/* "whsec_…" of an HMAC key. */
void delivery_secret_text(const struct delivery_secret *s, char out[DELIVERY_SECRET_TEXT]);
/* How a secret or a public key is told from others: its beginning. */
void delivery_secret_prefix(const char *shown, char out[DELIVERY_PREFIX_SIZE]);
/* "whpk_…", the public half of an Ed25519 key. */
void delivery_secret_public(const struct delivery_secret *s, char out[DELIVERY_SECRET_TEXT]);
/* Sealed for one endpoint: elsewhere it does not open. */
void delivery_secret_seal(const struct delivery_secret *s, const unsigned char *service, const char *endpoint,
                          char out[DELIVERY_SEALED_TEXT]);
/* The same of a text, such as an Authorization header; "" stays "". Appends to out. */
void delivery_text_seal(const char *text, const unsigned char *service, const char *endpoint,
                        struct jbuf *out);
USHER_MUST_CHECK bool delivery_text_open(const char *sealed, const unsigned char *service,
                                         const char *endpoint, struct jbuf *out);
USHER_MUST_CHECK bool delivery_secret_open(const char *sealed, const unsigned char *service,
                                           const char *endpoint, struct delivery_secret *out);
/* Makes a secret for an endpoint and puts "secret" (sealed), "publicKey" and "prefix" into a command's
 * resource. shown: what the owner sees, this once: "whsec_…"; of an Ed25519 key "whpk_…", which is no secret.
 */
void delivery_secret_put(json_t *resource, const char *signature, const unsigned char *service,
                         const char *endpoint, char shown[DELIVERY_SECRET_TEXT]);

#endif
