#include "sql/ask/secret.h"

#include <sodium.h>
#include <string.h>

enum err_code secret_read(struct db *db, const char *name, unsigned char out[SECRET_SIZE], struct err *err) {
    const char *params[] = {name};
    struct db_result *r;
    size_t n = 0;
    if (db_run(db, SQL_SECRET_READ, params, &r, err) != ERR_OK)
        return err->code;
    const char *hex = db_text(r, 0, 0);
    bool good =
        sodium_hex2bin(out, SECRET_SIZE, hex, 2 * SECRET_SIZE < strlen(hex) ? 2 * SECRET_SIZE : strlen(hex),
                       NULL, &n, NULL) == 0 &&
        n == SECRET_SIZE;
    db_results_free(&r, 1);
    return good ? ERR_OK : err_set(err, ERR_CONFIG, "The database has no secret \"%s\"", name);
}
