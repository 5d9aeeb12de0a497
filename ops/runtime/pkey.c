#include "ops/runtime/pkey.h"

#include <openssl/err.h>
#include <stdlib.h>

void pkey_must(bool ok) {
    if (!ok)
        abort();
}

EVP_PKEY *pkey_public(const char *kind, OSSL_PARAM_BLD *build) {
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    pkey_must(ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return pkey;
}
