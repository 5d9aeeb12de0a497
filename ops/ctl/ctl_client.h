/* How an OAuth client authenticates with a private key: flags that `key create` and `key set` share. */
#ifndef USHER_CTL_CLIENT_H
#define USHER_CTL_CLIENT_H

#include "ops/ctl/ctl.h"

/* Puts what --jwks and --jwks-uri say into the command's resource; nothing where they are not given. */
enum err_code ctl_client_read(const struct ctl_args *a, json_t *key, struct err *err);

#endif
