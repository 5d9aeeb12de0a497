/* TLS of the server's own (RFC 8446, RFC 5246; BCP 195): the certificate with its key, which can be replaced
 * while the server runs. The only file that knows GnuTLS. */
#ifndef USHER_INGEST_HTTP_TLS_H
#define USHER_INGEST_HTTP_TLS_H

#include "ops/runtime/err.h"

/* TLS 1.2 and 1.3 and nothing older, as GnuTLS writes it. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls;

/* PEM files: the certificate first, then those between it and the root; its private key. ERR_CONFIG with the
 * reason, also where the two do not belong together. */
struct tls *tls_open(const char *cert_file, const char *key_file, struct err *err);
/* Reads the files again: connections from now on get the new certificate, those that stand keep theirs. On
 * error the old one stays in use. */
enum err_code tls_reload(struct tls *t, struct err *err);
/* No connection may use it any more. */
void tls_close(struct tls *t);
/* What the HTTP library calls for each handshake (gnutls_certificate_retrieve_function2). It has no argument
 * of ours, so there is one for the process: of the tls that was opened last. */
void *tls_callback(void);

#endif
