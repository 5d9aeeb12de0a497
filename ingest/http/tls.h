/* TLS (RFC 8446, RFC 5246; BCP 195): the certificate with its key, which can be replaced while the server
 * runs. Only this module uses GnuTLS. */
#ifndef USHER_INGEST_HTTP_TLS_H
#define USHER_INGEST_HTTP_TLS_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Only TLS 1.2 and 1.3, as a priority string of GnuTLS. Of TLS 1.2 only what keeps old sessions closed when
 * the key of the certificate becomes known (no exchange of keys by RSA), and only authenticated encryption
 * (no CBC). */
#define TLS_PRIORITIES                                                                                       \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:"           \
    "+AES-128-GCM:-MAC-ALL:+AEAD"

struct tls;

/* Reads PEM files: the certificate, then those between it and the root; and the private key. ERR_CONFIG with
 * the reason, also if the two do not belong together. */
struct tls *tls_open(const char *cert_file, const char *key_file, struct err *err);
/* Reads the files again. New connections get the new certificate, existing ones keep theirs. On error the old
 * certificate stays in use. */
enum err_code tls_reload(struct tls *t, struct err *err);
/* When the first certificate of the chain in use expires, in seconds since 1970; 0: it does not say. */
int64_t tls_expires_s(struct tls *t);
/* No connection may use the certificate any more. */
void tls_close(struct tls *t);
/* The function that the HTTP library calls for each handshake (gnutls_certificate_retrieve_function2). It has
 * no argument for the caller, so it uses the tls that was opened last. */
void *tls_callback(void);
/* A connection on which TLS is due, from its first byte. */
struct tls_door {
    int fd;
    bool begun; /* the first byte has come */
    /* It begins as HTTP does, without TLS: answers, and shuts the socket down. begin: what has come. */
    void (*plain)(struct tls_door *door, const char *begin, size_t n);
    void *cls, *connection; /* for `plain` */
};
/* Before the handshake. The door must stay as long as the session reads. */
void tls_watch(void *session, struct tls_door *door);
/* Sends bytes on the session (gnutls_session_t) of a connection, as many as can be sent at once, and that
 * they were the last. */
void tls_send_last(void *session, const char *bytes, size_t n);

#endif
