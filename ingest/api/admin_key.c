/* API keys. */
#include "ingest/api/admin_credential.h"

#include "ingest/gate/lists.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/net_range.h"
#include "schemas/api/credential.h"
#include "schemas/api/key_set.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/dialect.h"

#define RATE_MAX 100000000
#define OVERLAP_MAX (30 * 86400) /* seconds */

/* ---- what is shown ---- */

void admin_key_put(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row[COL_KEY_ID]);
    jb_kstr(b, "name", row[COL_KEY_NAME]);
    jb_kstr(b, "prefix", row[COL_KEY_PREFIX]);
    jb_kraw(b, "scopes", row[COL_KEY_SCOPES]);
    jb_kstr(b, "dialect", row[COL_KEY_DIALECT]);
    jb_kraw(b, "networks", row[COL_KEY_NETWORKS]);
    jb_kraw(b, "rate", row[COL_KEY_RATE]);
    api_put_time(b, "created", db_cell_int(row[COL_KEY_CREATED]));
    jb_kstr(b, "createdBy", row[COL_KEY_CREATED_BY]);
    api_put_time(b, "expires", db_cell_int(row[COL_KEY_EXPIRES]));
    api_put_time(b, "oldTokenUntil", db_cell_int(row[COL_KEY_OLD_UNTIL]));
    api_put_time(b, "revoked", db_cell_int(row[COL_KEY_REVOKED]));
    jb_kstr(b, "revokedBy", row[COL_KEY_REVOKED_BY]);
    api_put_time(b, "lastUsed", db_cell_int(row[COL_KEY_LAST_USED]));
    jb_kraw(b, "jwks", row[COL_KEY_JWKS]);
    jb_kstr(b, "jwksUri", row[COL_KEY_JWKS_URI]);
    jb_kbool(b, "dryRun", row[COL_KEY_DRY_SINCE] != NULL);
    api_put_time(b, "dryRunSince", db_cell_int(row[COL_KEY_DRY_SINCE]));
    jb_raw(b, "}");
}

/* ---- creation ---- */

static enum err_code read_scopes(const json_t *body, json_t *key, struct err *err) {
    const json_t *given = json_object_get(body, "scopes");
    json_t *names = json_array(), *one;
    unsigned all = 0;
    size_t i;
    json_array_foreach(given, i, one) {
        unsigned bit = json_is_string(one) ? scope_parse(json_string_value(one)) : 0;
        if (bit == 0) {
            json_decref(names);
            return err_set_path(err, ERR_INVALID_VALUE, "scopes", "\"%.60s\" is not a scope",
                                json_is_string(one) ? json_string_value(one) : "?");
        }
        all |= bit;
    }
    for (unsigned bit = 1; bit <= all; bit <<= 1)
        if (all & bit)
            jsonx_push(names, json_string(scope_name(bit)));
    jsonx_put(key, "scopes", names);
    return all != 0 ? ERR_OK
                    : err_set_path(err, ERR_INVALID_VALUE, "scopes", "scopes must name at least one scope");
}

static enum err_code read_networks(const json_t *body, json_t *key, struct err *err) {
    json_t *given = json_object_get(body, "networks"), *one;
    struct net_range range;
    size_t i;
    jsonx_put(key, "networks", given != NULL ? jsonx_copy(given) : json_null());
    if (given == NULL || json_is_null(given))
        return ERR_OK;
    if (!json_is_array(given) || json_array_size(given) == 0 || json_array_size(given) > KEY_NETWORKS_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "networks",
                            "networks must be a list of 1 to %d networks, or null", KEY_NETWORKS_MAX);
    json_array_foreach(given, i, one) {
        if (!json_is_string(one) || !net_range_parse(json_string_value(one), json_string_length(one), &range))
            return err_set_path(err, ERR_INVALID_VALUE, "networks",
                                "\"%.60s\" is no network like 203.0.113.0/24 or 2001:db8::/32",
                                json_is_string(one) ? json_string_value(one) : "?");
    }
    return ERR_OK;
}

static enum err_code read_dialect(const json_t *body, json_t *key, struct err *err) {
    const json_t *given = json_object_get(body, "dialect");
    enum dialect dialect = DIALECT_RFC;
    if (given != NULL && (!json_is_string(given) || !dialect_parse(json_string_value(given), &dialect)))
        return err_set_path(err, ERR_INVALID_VALUE, "dialect", "dialect must be one of: rfc, entra, okta");
    jsonx_put(key, "dialect", json_string(dialect_name(dialect)));
    return ERR_OK;
}

static enum err_code read_rate(const json_t *body, json_t *key, struct err *err) {
    const json_t *given = json_object_get(body, "rate");
    bool none = given == NULL || json_is_null(given);
    if (!none &&
        (!json_is_integer(given) || json_integer_value(given) < 1 || json_integer_value(given) > RATE_MAX))
        return err_set_path(err, ERR_INVALID_VALUE, "rate",
                            "rate must be a whole number from 1 to %d, or null", RATE_MAX);
    jsonx_put(key, "rate", none ? json_null() : json_integer(json_integer_value(given)));
    return ERR_OK;
}

/* How an OAuth client authenticates, besides with the token. */
static enum err_code read_client(const json_t *body, json_t *key, struct err *err) {
    const json_t *jwks = json_object_get(body, "jwks"), *uri = json_object_get(body, "jwksUri");
    struct key_set *set = NULL;
    if (uri != NULL && !json_is_null(uri) && !json_is_string(uri))
        return err_set_path(err, ERR_INVALID_VALUE, "jwksUri", "jwksUri must be a text, or null");
    if (json_is_string(uri) && key_set_check_uri(json_string_value(uri), err) != ERR_OK)
        return err->code;
    if (json_is_string(uri) && jwks != NULL && !json_is_null(jwks))
        return err_set_path(err, ERR_INVALID_VALUE, "jwksUri",
                            "A client's keys are uploaded (jwks) or fetched (jwksUri), not both");
    if (jwks != NULL && !json_is_null(jwks) && (set = key_set_upload(jwks, err)) == NULL)
        return err->code;
    if (jwks != NULL)
        jsonx_put(key, "jwks", set != NULL ? key_set_json(set) : json_null());
    if (uri != NULL)
        jsonx_put(key, "jwksUri", jsonx_copy(uri));
    key_set_free(set);
    return ERR_OK;
}

/* Absent: as it is; a new key changes things. */
static enum err_code read_dry_run(const json_t *body, json_t *key, struct err *err) {
    const json_t *given = json_object_get(body, "dryRun");
    if (given != NULL && !json_is_boolean(given))
        return err_set_path(err, ERR_INVALID_VALUE, "dryRun", "dryRun must be true or false");
    if (given != NULL)
        jsonx_put(key, "dryRun", json_boolean(json_is_true(given)));
    return ERR_OK;
}

static enum err_code read_key(const json_t *body, json_t *key, struct err *err) {
    static const char *const members[] = {"name", "scopes", "expires", "networks", "dialect",
                                          "rate", "jwks",   "jwksUri", "dryRun",   NULL};
    const char *name;
    int64_t expires_us;
    if (admin_members(body, members, err) != ERR_OK || admin_name(body, "key", &name, err) != ERR_OK ||
        admin_expires(body, &expires_us, err) != ERR_OK || read_scopes(body, key, err) != ERR_OK ||
        read_networks(body, key, err) != ERR_OK || read_dialect(body, key, err) != ERR_OK ||
        read_client(body, key, err) != ERR_OK || read_dry_run(body, key, err) != ERR_OK)
        return err->code;
    jsonx_put(key, "name", json_string(name));
    credential_put_moment(key, "expires", expires_us);
    return read_rate(body, key, err);
}

static const struct admin_credential keys = {
    .what = "key",
    .title = "Key",
    .plural = "keys",
    .query = QUERY_KEYS,
    .id = COL_KEY_ID,
    .prefix = COL_KEY_PREFIX,
    .token = TOKEN_KEY,
    .create = COMMAND_KEY_CREATE,
    .revoke = COMMAND_KEY_REVOKE,
    .put = admin_key_put,
    .read = read_key,
};

static enum step key_create_begin(struct request *r) {
    return admin_credential_create(r, &keys);
}
static enum step key_create_on_reply(struct request *r) {
    return admin_credential_create_on_reply(r, &keys);
}
static enum step key_create_on_rows(struct request *r) {
    return admin_credential_show_token(r, &keys, 201);
}
const struct handler admin_key_create = {
    .begin = key_create_begin, .on_rows = key_create_on_rows, .on_reply = key_create_on_reply};

/* ---- changes ---- */

static enum step key_set_begin(struct request *r) {
    static const char *const members[] = {"jwks", "jwksUri", "dryRun", NULL};
    struct err err = {0};
    json_t *body, *change;
    if (!admin_id(r, "Key"))
        return STEP_ANSWERED;
    if (api_body(r, false, &body, &err) != ERR_OK || admin_members(body, members, &err) != ERR_OK)
        return handle_refuse(r, &err);
    change = json_object();
    if (read_client(body, change, &err) == ERR_OK && read_dry_run(body, change, &err) == ERR_OK &&
        json_object_size(change) > 0)
        return admin_publish(r, COMMAND_KEY_SET, change);
    if (err.code == ERR_OK)
        (void)err_set(&err, ERR_INVALID_VALUE, "There is nothing to change: name jwks, jwksUri or dryRun");
    json_decref(change);
    return handle_refuse(r, &err);
}
static enum step key_set_on_reply(struct request *r) {
    return admin_credential_query(r, &keys);
}
static enum step key_set_on_rows(struct request *r) {
    return admin_credential_show(r, &keys);
}
const struct handler admin_key_set = {
    .begin = key_set_begin, .on_rows = key_set_on_rows, .on_reply = key_set_on_reply};

/* ---- reads ---- */

static enum step key_list_begin(struct request *r) {
    return admin_credential_list(r, &keys);
}
static enum step key_list_on_rows(struct request *r) {
    return admin_credential_list_answer(r, &keys);
}
const struct handler admin_key_list = {.begin = key_list_begin, .on_rows = key_list_on_rows};

static enum step key_get_begin(struct request *r) {
    return admin_credential_get(r, &keys);
}
static enum step key_get_on_rows(struct request *r) {
    return admin_credential_show(r, &keys);
}
const struct handler admin_key_get = {.begin = key_get_begin, .on_rows = key_get_on_rows};

/* ---- rotation ---- */

static enum err_code read_overlap(const json_t *body, int64_t *seconds, struct err *err) {
    static const char *const members[] = {"overlapSeconds", NULL};
    const json_t *given = json_object_get(body, "overlapSeconds");
    *seconds = json_integer_value(given);
    if (admin_members(body, members, err) != ERR_OK)
        return err->code;
    if (given == NULL || (json_is_integer(given) && *seconds >= 0 && *seconds <= OVERLAP_MAX))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "overlapSeconds",
                        "overlapSeconds must be a whole number from 0 to %d", OVERLAP_MAX);
}

enum step admin_key_rotate_one(struct request *r) {
    struct err err = {0};
    json_t *body, *change;
    int64_t seconds;
    if (api_body(r, true, &body, &err) != ERR_OK || read_overlap(body, &seconds, &err) != ERR_OK)
        return handle_refuse(r, &err);
    change = json_object();
    credential_put_moment(change, "overlapUntil", seconds > 0 ? clock_wall_us() + seconds * 1000000 : 0);
    admin_credential_token(r, &keys, change);
    return admin_publish(r, COMMAND_KEY_ROTATE, change);
}

static enum step key_rotate_begin(struct request *r) {
    return admin_id(r, "Key") ? admin_key_rotate_one(r) : STEP_ANSWERED;
}

static enum step key_rotate_on_rows(struct request *r) {
    return admin_credential_show_token(r, &keys, 200);
}
/* Nobody has the new token yet, so whatever runs was asked for with an old one. */
static enum step key_rotate_on_reply(struct request *r) {
    if (!json_is_integer(json_object_get(r->command->resource, "overlapUntil")))
        lists_revoke(r->in->lists, &r->resource_id, "The key has been rotated; this is its old token");
    return admin_credential_query(r, &keys);
}
const struct handler admin_key_rotate = {
    .begin = key_rotate_begin, .on_rows = key_rotate_on_rows, .on_reply = key_rotate_on_reply};

/* ---- revocation ---- */

static enum step key_revoke_begin(struct request *r) {
    return admin_credential_revoke(r, &keys);
}
static enum step key_revoke_on_rows(struct request *r) {
    return admin_credential_revoke_on_rows(r, &keys);
}
static enum step key_revoke_on_reply(struct request *r) {
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}
const struct handler admin_key_revoke = {
    .begin = key_revoke_begin, .on_rows = key_revoke_on_rows, .on_reply = key_revoke_on_reply};
