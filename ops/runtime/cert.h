/* Certificates in PEM files, as an operator looks at them: how long they are good. */
#ifndef USHER_RUNTIME_CERT_H
#define USHER_RUNTIME_CERT_H

#include "ops/runtime/err.h"

#include <stdint.h>

/* When the first certificate of the file runs out: the own one, where a chain follows it. *at_us is wall time
 * in us. ERR_CONFIG, and why, where the file cannot be read or holds no certificate. */
enum err_code cert_expiry(const char *path, int64_t *at_us, struct err *err);

#endif
