#include "sql/ask/admit.h"

#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"

#include <sodium.h>
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

unsigned scope_parse_n(const char *name, size_t len) {
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strlen(scopes[i].name) == len && memcmp(scopes[i].name, name, len) == 0)
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

/* The columns of statements/admit.sql, in their order, behind the ask's number. */
#define COLUMNS(X)                                                                                           \
    X(workspace_id)                                                                                          \
    X(workspace_name)                                                                                        \
    X(key_id)                                                                                                \
    X(key_name)                                                                                              \
    X(scopes)                                                                                                \
    X(dialect)                                                                                               \
    X(state)                                                                                                 \
    X(granted)                                                                                               \
    X(rate_limit)                                                                                            \
    X(retry_after)                                                                                           \
    X(seats_used)                                                                                            \
    X(seats_limit)                                                                                           \
    X(require_email)                                                                                         \
    X(kind)                                                                                                  \
    X(role)                                                                                                  \
    X(networks)                                                                                              \
    X(expires)                                                                                               \
    X(remaining)                                                                                             \
    X(reset)                                                                                                 \
    X(require_sso)                                                                                           \
    X(sso_ready)                                                                                             \
    X(strictness)                                                                                            \
    X(lease)                                                                                                 \
    X(lease_bucket)                                                                                          \
    X(wait_ms)                                                                                               \
    X(passwords)                                                                                             \
    X(managed_lock)                                                                                          \
    X(pass)                                                                                                  \
    X(pass_id)                                                                                               \
    X(pass_key)                                                                                              \
    X(pass_guide)                                                                                            \
    X(dry_run)
enum {
    AT_n,
#define COLUMN_ENUM(name) AT_##name,
    COLUMNS(COLUMN_ENUM)
#undef COLUMN_ENUM
};

static enum admit_state state_of(const char *text) {
    static const struct {
        const char *text;
        enum admit_state state;
    } known[] = {
        {"ok", ADMIT_OK}, {"revoked", ADMIT_REVOKED}, {"expired", ADMIT_EXPIRED}, {"rotated", ADMIT_ROTATED}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].text) == 0)
            return known[i].state;
    return ADMIT_UNKNOWN;
}

static enum admit_kind kind_of(const char *kind, const char *role) {
    if (strcmp(kind, "owner") != 0)
        return ADMIT_KEY;
    return strcmp(role, "owner") == 0 ? ADMIT_OWNER : ADMIT_ADMINISTRATOR;
}

static enum admit_pass pass_of(const char *text) {
    static const char *const names[] = {"", "session", "setup", "link", "setup-link"};
    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0)
            return (enum admit_pass)i;
    return PASS_NONE;
}

static void read_policy(const struct db_result *r, size_t row, struct admit_verdict *v) {
    v->seats_used = db_int(r, row, AT_seats_used);
    v->seats_limit = db_is_null(r, row, AT_seats_limit) ? -1 : db_int(r, row, AT_seats_limit);
    v->require_email = db_bool(r, row, AT_require_email);
    v->require_sso = db_bool(r, row, AT_require_sso);
    v->sso_ready = db_bool(r, row, AT_sso_ready);
    v->strictness = strictness_of(db_text(r, row, AT_strictness));
    v->passwords = db_bool(r, row, AT_passwords);
    v->managed_lock = db_bool(r, row, AT_managed_lock);
}

static void read_verdict(const struct db_result *r, size_t row, struct admit_verdict *v) {
    v->state = state_of(db_text(r, row, AT_state));
    v->kind = kind_of(db_text(r, row, AT_kind), db_text(r, row, AT_role));
    (void)uuid_parse(db_text(r, row, AT_workspace_id), &v->workspace);
    snprintf(v->workspace_name, sizeof v->workspace_name, "%s", db_text(r, row, AT_workspace_name));
    (void)uuid_parse(db_text(r, row, AT_key_id), &v->key);
    snprintf(v->key_name, sizeof v->key_name, "%s", db_text(r, row, AT_key_name));
    v->pass = pass_of(db_text(r, row, AT_pass));
    (void)uuid_parse(db_text(r, row, AT_pass_id), &v->pass_id);
    (void)uuid_parse(db_text(r, row, AT_pass_key), &v->pass_key);
    snprintf(v->pass_guide, sizeof v->pass_guide, "%s", db_text(r, row, AT_pass_guide));
    v->dry_run = db_bool(r, row, AT_dry_run);
    v->scopes = scope_list(db_text(r, row, AT_scopes));
    if (!dialect_parse(db_text(r, row, AT_dialect), &v->dialect))
        v->dialect = DIALECT_RFC;
    v->restricted = !db_is_null(r, row, AT_networks);
    if (v->restricted) /* what cannot be read leaves none: refused, not let in */
        (void)net_ranges_parse(db_text(r, row, AT_networks), &v->networks, NULL);
    v->expires_us = db_is_null(r, row, AT_expires) ? 0 : db_int(r, row, AT_expires);
    v->granted = (int)db_int(r, row, AT_granted);
    v->rate_limit = (int)db_int(r, row, AT_rate_limit);
    v->remaining = (int)db_int(r, row, AT_remaining);
    v->reset_s = (int)db_int(r, row, AT_reset);
    v->retry_after_s = (int)db_int(r, row, AT_retry_after);
    v->wait_ms = (int)db_int(r, row, AT_wait_ms);
    v->lease.size = v->lease.left = (int)db_int(r, row, AT_lease);
    v->lease.bucket = db_int(r, row, AT_lease_bucket);
    read_policy(r, row, v);
}

void admit_verdict_clear(struct admit_verdict *v) {
    net_ranges_free(&v->networks);
    *v = (struct admit_verdict){.state = ADMIT_UNKNOWN};
}

/* The columns of the asks, as arrays. Most batches neither want nor end a lease; then those columns stay
 * away. */
enum { ASK_HASH, ASK_UNITS, ASK_WHOLE, ASK_WANT, ASK_ENDED, ASK_BACK, ASK_BUCKET, ASK_COLUMNS };

static void put_ask(struct jbuf column[ASK_COLUMNS], const struct admit_ask *a) {
    char hex[2 * TOKEN_HASH_SIZE + 3] = "\\x";
    sodium_bin2hex(hex + 2, sizeof hex - 2, a->token_hash, TOKEN_HASH_SIZE);
    pg_array_text(&column[ASK_HASH], hex);
    pg_array_int(&column[ASK_UNITS], a->units);
    pg_array_bool(&column[ASK_WHOLE], a->whole);
    pg_array_int(&column[ASK_WANT], a->want);
    pg_array_int(&column[ASK_ENDED], a->ended.size);
    pg_array_int(&column[ASK_BACK], a->ended.left);
    pg_array_int(&column[ASK_BUCKET], a->ended.bucket);
}

static struct db_result *ask(struct db *db, const struct admit_ask *asks, size_t n, struct err *err) {
    struct jbuf column[ASK_COLUMNS] = {{0}};
    const char *params[ASK_COLUMNS];
    struct db_result *r = NULL;
    bool leases = false, counts = false;
    for (size_t c = 0; c < ASK_COLUMNS; c++)
        pg_array_begin(&column[c]);
    for (size_t i = 0; i < n; i++) {
        put_ask(column, &asks[i]);
        leases = leases || asks[i].want > 0 || asks[i].ended.size > 0;
        counts = counts || leases || asks[i].units > 0;
    }
    for (size_t c = 0; c < ASK_COLUMNS; c++) {
        pg_array_end(&column[c]);
        params[c] = c < ASK_WANT || leases ? column[c].p : NULL;
    }
    (void)db_run(db, counts ? SQL_ADMIT_BATCH : SQL_ADMIT_SEE, params, &r, err);
    for (size_t c = 0; c < ASK_COLUMNS; c++)
        jb_free(&column[c]);
    return r;
}

enum err_code admit_batch(struct db *db, const struct admit_ask *asks, size_t n, struct admit_verdict *out,
                          struct err *err) {
    memset(out, 0, n * sizeof *out); /* all are ADMIT_UNKNOWN */
    struct db_result *r = ask(db, asks, n, err);
    if (r == NULL)
        return err->code;
    for (size_t i = 0; i < db_rows(r); i++) {
        int64_t at = db_int(r, i, AT_n);
        if (at >= 1 && (size_t)at <= n)
            read_verdict(r, i, &out[at - 1]);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code admit_give_back(struct db *db, const struct admit_back *list, size_t n, struct err *err) {
    enum { WORKSPACE, KEY, ENDED, BACK, BUCKET, COLUMNS_OF_BACK };
    struct jbuf column[COLUMNS_OF_BACK] = {{0}};
    const char *params[COLUMNS_OF_BACK];
    for (size_t c = 0; c < COLUMNS_OF_BACK; c++)
        pg_array_begin(&column[c]);
    for (size_t i = 0; i < n; i++) {
        pg_array_word(&column[WORKSPACE], list[i].workspace.s);
        pg_array_word(&column[KEY], list[i].key.s);
        pg_array_int(&column[ENDED], list[i].lease.size);
        pg_array_int(&column[BACK], list[i].lease.left);
        pg_array_int(&column[BUCKET], list[i].lease.bucket);
    }
    for (size_t c = 0; c < COLUMNS_OF_BACK; c++) {
        pg_array_end(&column[c]);
        params[c] = column[c].p;
    }
    enum err_code code = db_run(db, SQL_ADMIT_GIVE_BACK, params, NULL, err);
    for (size_t c = 0; c < COLUMNS_OF_BACK; c++)
        jb_free(&column[c]);
    return code;
}
