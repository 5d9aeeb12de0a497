/* The public keys of an OAuth client that signs assertions (private_key_jwt): a JSON Web Key Set (RFC 7517),
 * uploaded or fetched from the client's jwks_uri. Only keys that can check RS256, PS256 or ES256 count, of
 * them only the members that are needed, and never a private one. A set is constant once made. */
#ifndef USHER_SCHEMAS_API_KEY_SET_H
#define USHER_SCHEMAS_API_KEY_SET_H

#include "ops/runtime/jwk.h"

#include <jansson.h>

#define KEY_SET_KEYS 16      /* that are kept of a set */
#define KEY_SET_LOOKED_AT 64 /* of a set that was fetched, whatever they are */
#define KEY_SET_BYTES 65536  /* of a document that is fetched */
#define KEY_SET_TRIED 4      /* keys that may have signed what names none */
#define KEY_SET_KID 256      /* bytes of a kid */
#define KEY_SET_URI 1024     /* bytes of a jwks_uri */

struct key_set;

/* A set that somebody uploads: 1 to KEY_SET_KEYS keys, all of which can be used, with different kids, and no
 * private key among them. NULL: the error says which key is wrong, path "jwks". */
struct key_set *key_set_upload(const json_t *jwks, struct err *err);
/* A set that is stored or was fetched: what cannot be used is left out. NULL where nothing is left. */
struct key_set *key_set_read(const json_t *jwks);
struct key_set *key_set_parse(const char *text, size_t n);
void key_set_free(struct key_set *s); /* NULL is fine */

/* The set with the members that are needed, as it is stored; a new reference. */
json_t *key_set_json(const struct key_set *s);

enum key_set_verdict {
    KEY_SET_SIGNED,
    KEY_SET_NOT_SIGNED,
    KEY_SET_NO_KEY, /* no key of that kid, or none for the algorithm: a newer set may have it */
};
/* Did one of the keys sign text[0..len)? kid NULL: any of the first KEY_SET_TRIED that suit. */
enum key_set_verdict key_set_check(const struct key_set *s, const char *kid, enum jwk_alg alg,
                                   const char *text, size_t len, const unsigned char *signature, size_t n);

/* A jwks_uri: https, with a host, without user, password and fragment, at most KEY_SET_URI bytes. Where it
 * leads is judged when it is fetched (ops/runtime/fetch.h). */
enum err_code key_set_check_uri(const char *uri, struct err *err);

#endif
