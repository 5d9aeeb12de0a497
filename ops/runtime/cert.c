#include "ops/runtime/cert.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum err_code cert_expiry(const char *path, int64_t *at_us, struct err *err) {
    struct tm tm;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    if (cert == NULL)
        return err_set(err, ERR_CONFIG, "%s holds no certificate", path);
    bool good = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1;
    X509_free(cert);
    if (!good)
        return err_set(err, ERR_CONFIG, "%s: the end of the certificate cannot be read", path);
    *at_us = (int64_t)timegm(&tm) * 1000000;
    return ERR_OK;
}
