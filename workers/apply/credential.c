#include "workers/apply/credential.h"

#include "schemas/api/workspace_settings.h"

#include <inttypes.h>
#include <string.h>

const char *credential_text(const json_t *given, const char *name) {
    return json_string_value(json_object_get(given, name));
}

bool credential_check_token(struct decision *d, struct credential *f) {
    const json_t *given = d->command->resource;
    f->hash = credential_text(given, "tokenHash");
    f->prefix = credential_text(given, "prefix");
    if (f->hash == NULL || strlen(f->hash) != 64 || strspn(f->hash, "0123456789abcdef") != 64 ||
        f->prefix == NULL || !*f->prefix || strlen(f->prefix) > 32) {
        (void)err_set(&d->err, ERR_INVALID_VALUE, "A credential needs its token's hash and prefix");
        return false;
    }
    return true;
}

bool credential_check(struct decision *d, const char *what, struct credential *f) {
    const json_t *given = d->command->resource, *expires = json_object_get(given, "expires");
    f->name = credential_text(given, "name");
    if (f->name == NULL) {
        (void)err_set_path(&d->err, ERR_INVALID_VALUE, "name", "The %s needs a name", what);
        return false;
    }
    if (workspace_name_check(what, f->name, &d->err) != ERR_OK)
        return false;
    if (expires != NULL && !json_is_null(expires) &&
        (!json_is_integer(expires) || json_integer_value(expires) <= 0)) {
        (void)err_set_path(&d->err, ERR_INVALID_VALUE, "expires", "expires must be a moment, or null");
        return false;
    }
    f->expires_us = json_integer_value(expires); /* (0 for null) */
    return credential_check_token(d, f);
}

enum err_code credential_check_count(struct decision *d, const char *what, int64_t n, int64_t most,
                                     const char *setting) {
    if (n < 0)
        return decision_db_error(d);
    return n < most ? ERR_OK
                    : err_set(&d->err, ERR_CONFLICT,
                              "The workspace has %" PRId64 " %s that are not revoked, at most %" PRId64
                              " are allowed (%s): revoke one first",
                              n, what, most, setting);
}
