#include "sql/ask/client.h"

#include <sodium.h>
#include <string.h>

enum { FIND_WORKSPACE, FIND_NAME, FIND_HASH, FIND_JWKS, FIND_URI };

static const char *text_of(const struct db_result *r, int col, struct arena *a) {
    return db_is_null(r, 0, col) ? NULL : arena_strdup(a, db_text(r, 0, col));
}

enum err_code client_find(struct db *db, const char *key, struct arena *a, struct client_key *out,
                          struct err *err) {
    const char *params[] = {key};
    struct db_result *r = NULL;
    size_t n;
    *out = (struct client_key){0};
    if (db_run(db, SQL_CLIENT_FIND, params, &r, err) != ERR_OK)
        return err->code;
    if (db_rows(r) > 0) {
        const char *hex = db_text(r, 0, FIND_HASH);
        out->known =
            sodium_hex2bin(out->token_hash, sizeof out->token_hash, hex, strlen(hex), NULL, &n, NULL) == 0 &&
            n == sizeof out->token_hash;
        out->workspace = text_of(r, FIND_WORKSPACE, a);
        out->workspace_name = text_of(r, FIND_NAME, a);
        out->jwks = text_of(r, FIND_JWKS, a);
        out->jwks_uri = text_of(r, FIND_URI, a);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code client_claim(struct db *db, const char *workspace, const char *key, const char *jti,
                           const char *txn, bool *first, struct err *err) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_hash_sha256(hash, (const unsigned char *)jti, strlen(jti));
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    const char *params[] = {workspace, key, hex, txn};
    struct db_result *r = NULL;
    *first = false;
    if (db_run(db, SQL_CLIENT_CLAIM, params, &r, err) != ERR_OK)
        return err->code;
    *first = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code client_prune(struct db *db, struct err *err) {
    return db_run(db, SQL_CLIENT_PRUNE, NULL, NULL, err);
}
