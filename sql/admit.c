#include "sql/admit.h"

#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned bit;
} scopes[] = {
    {"scim:users:read", SCOPE_SCIM_USERS_READ}, {"scim:users:write", SCOPE_SCIM_USERS_WRITE},
    {"scim:rooms:read", SCOPE_SCIM_ROOMS_READ}, {"scim:rooms:write", SCOPE_SCIM_ROOMS_WRITE},
    {"api:users:read", SCOPE_API_USERS_READ},   {"api:users:write", SCOPE_API_USERS_WRITE},
    {"api:rooms:read", SCOPE_API_ROOMS_READ},   {"api:rooms:write", SCOPE_API_ROOMS_WRITE},
};

static unsigned scope_parse_n(const char *name, size_t len) {
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strlen(scopes[i].name) == len && !memcmp(scopes[i].name, name, len))
            return scopes[i].bit;
    return 0;
}

unsigned scope_parse(const char *name) {
    return scope_parse_n(name, strlen(name));
}

const char *scope_name(unsigned one_bit) {
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (scopes[i].bit == one_bit)
            return scopes[i].name;
    return "";
}

static unsigned scope_list(const char *text) {
    unsigned bits = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        bits |= scope_parse_n(text, len);
        text += len;
        text += strspn(text, " ");
    }
    return bits;
}

static void read_verdict(const struct db_result *r, size_t row, struct admit_verdict *v) {
    const char *state = db_text(r, row, 7);
    v->state = !strcmp(state, "ok") ? ADMIT_OK : !strcmp(state, "revoked") ? ADMIT_REVOKED : ADMIT_EXPIRED;
    (void)uuid_parse(db_text(r, row, 1), &v->workspace);
    snprintf(v->workspace_name, sizeof v->workspace_name, "%s", db_text(r, row, 2));
    (void)uuid_parse(db_text(r, row, 3), &v->key);
    snprintf(v->key_name, sizeof v->key_name, "%s", db_text(r, row, 4));
    v->scopes = scope_list(db_text(r, row, 5));
    if (!dialect_parse(db_text(r, row, 6), &v->dialect))
        v->dialect = DIALECT_RFC;
    v->granted = (int)db_int(r, row, 8);
    v->rate_limit = (int)db_int(r, row, 9);
    v->retry_after_s = (int)db_int(r, row, 10);
    v->seats_used = db_int(r, row, 11);
    v->seats_limit = db_is_null(r, row, 12) ? -1 : db_int(r, row, 12);
    v->require_email = db_bool(r, row, 13);
}

enum err_code admit_batch(struct db *db, const struct admit_ask *ask, size_t n, struct admit_verdict *out,
                          struct err *err) {
    static const char sql[] =
        "SELECT n, workspace_id, workspace_name, key_id, key_name, scopes, dialect, state, granted, "
        "rate_limit, retry_after, "
        "seats_used, seats_limit, require_email FROM gate_admit($1::bytea[], $2::int[], $3::boolean[])";
    struct jbuf hashes = {0}, units = {0}, whole = {0};
    pg_array_begin(&hashes);
    pg_array_begin(&units);
    pg_array_begin(&whole);
    for (size_t i = 0; i < n; i++) {
        char hex[2 * TOKEN_HASH_SIZE + 3] = "\\x";
        for (size_t k = 0; k < TOKEN_HASH_SIZE; k++)
            snprintf(hex + 2 + 2 * k, 3, "%02x", ask[i].token_hash[k]);
        pg_array_text(&hashes, hex);
        pg_array_int(&units, ask[i].units);
        pg_array_bool(&whole, ask[i].whole);
        memset(&out[i], 0, sizeof out[i]);
        out[i].state = ADMIT_UNKNOWN;
    }
    pg_array_end(&hashes);
    pg_array_end(&units);
    pg_array_end(&whole);
    const char *params[] = {hashes.p, units.p, whole.p};
    struct db_result *r = NULL;
    enum err_code code = db_run(db, sql, 3, params, &r, err);
    for (size_t i = 0; code == ERR_OK && i < db_rows(r); i++) {
        int64_t at = db_int(r, i, 0);
        if (at >= 1 && (size_t)at <= n)
            read_verdict(r, i, &out[at - 1]);
    }
    if (r)
        db_results_free(&r, 1);
    jb_free(&hashes);
    jb_free(&units);
    jb_free(&whole);
    return code;
}
