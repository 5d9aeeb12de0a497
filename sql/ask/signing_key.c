#include "sql/ask/signing_key.h"

#include "ops/runtime/log.h"

struct jws_key *signing_key_open(const char *file, struct err *err) {
    struct jws_key *k = file[0] != '\0' ? jws_key_load(file, err) : jws_key_new();
    if (k != NULL && file[0] == '\0')
        log_event(LOG_WARN, "signing-key-fresh", "kid=%s note=\"no setting names a file with an EC key\"",
                  jws_kid(k));
    return k;
}

struct jws_key *signing_key_open_rsa(const char *file, struct err *err) {
    struct jws_key *k = file[0] != '\0' ? jws_key_load_rsa(file, err) : jws_key_new_rsa();
    if (k != NULL && file[0] == '\0')
        log_event(LOG_WARN, "signing-key-fresh", "kid=%s note=\"no setting names a file with an RSA key\"",
                  jws_kid(k));
    return k;
}

enum err_code signing_key_publish(struct db *db, const struct jws_key *k, struct err *err) {
    const char *params[] = {jws_kid(k), jws_jwk(k)};
    return db_run(db, SQL_SIGNING_KEY_REGISTER, params, NULL, err);
}

enum err_code signing_key_set(struct db *db, struct jbuf *out, struct err *err) {
    struct db_result *r;
    if (db_run(db, SQL_SIGNING_KEY_ALL, NULL, &r, err) != ERR_OK)
        return err->code;
    jb_raw(out, "{\"keys\":[");
    for (size_t i = 0; i < db_rows(r); i++) {
        if (i > 0)
            jb_raw(out, ",\n");
        jb_raw(out, db_text(r, i, 0));
    }
    jb_raw(out, "]}\n");
    db_results_free(&r, 1);
    return ERR_OK;
}
