/* API keys. */
#include "ingest/admin.h"

#include "ingest/answer.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/net_range.h"
#include "schemas/dialect.h"
#include "schemas/jsonx.h"
#include "sql/look.h"

#define RATE_MAX 100000000
#define NETWORKS_MAX 64
#define OVERLAP_MAX (30 * 86400) /* seconds */

/* ---- what is shown ---- */

static void put_key(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row[KEY_ID]);
    jb_kstr(b, "name", row[KEY_NAME]);
    jb_kstr(b, "prefix", row[KEY_PREFIX]);
    jb_kraw(b, "scopes", row[KEY_SCOPES]);
    jb_kstr(b, "dialect", row[KEY_DIALECT]);
    jb_kraw(b, "networks", row[KEY_NETWORKS]);
    jb_kraw(b, "rate", row[KEY_RATE]);
    api_put_time(b, "created", look_int(row[KEY_CREATED]));
    jb_kstr(b, "createdBy", row[KEY_CREATED_BY]);
    api_put_time(b, "expires", look_int(row[KEY_EXPIRES]));
    api_put_time(b, "oldTokenUntil", look_int(row[KEY_OLD_UNTIL]));
    api_put_time(b, "revoked", look_int(row[KEY_REVOKED]));
    jb_kstr(b, "revokedBy", row[KEY_REVOKED_BY]);
    api_put_time(b, "lastUsed", look_int(row[KEY_LAST_USED]));
    jb_raw(b, "}");
}

static enum api_step look_at_key(struct request *r) {
    struct look *l = api_look(r, LOOK_KEYS);
    l->p[0] = r->resource_id.s;
    l->p[2] = "1";
    return API_LOOK;
}

/* The answer to what made a token. */
static enum api_step show_with_token(struct request *r, int status) {
    const char *const *row = r->look->rows[0];
    if (r->look->nrows == 0 || !admin_token_is(r, row[KEY_PREFIX]))
        return admin_token_gone(r, "key");
    struct jbuf *b = api_answer(r, status);
    r->answer.no_store = true;
    if (status == 201)
        r->answer.location = arena_printf(r->arena, "%s/admin/keys/%s", r->base, row[KEY_ID]);
    jb_raw(b, "{");
    jb_kstr(b, "token", r->secret);
    jb_key(b, "key");
    put_key(b, row);
    jb_raw(b, "}");
    return API_ANSWERED;
}

/* ---- reads ---- */

static enum api_step list_begin(struct request *r) {
    return admin_list(r, "keys", LOOK_KEYS, 1);
}

static enum api_step list_looked(struct request *r) {
    bool more;
    size_t n = admin_page(r, &more);
    struct jbuf *b = api_answer(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++)
        put_key(b, r->look->rows[i]);
    jb_raw(b, "]");
    api_put_next(r, "keys", more, n > 0 ? r->look->rows[n - 1][KEY_ID] : NULL);
    jb_raw(b, "}");
    return API_ANSWERED;
}
const struct api_handler admin_key_list = {list_begin, list_looked, NULL};

static enum api_step get_begin(struct request *r) {
    return admin_id(r, "Key") ? look_at_key(r) : API_ANSWERED;
}

static enum api_step get_looked(struct request *r) {
    if (r->look->nrows == 0)
        return api_not_found(r, "Key", r->resource_id.s);
    put_key(api_answer(r, 200), r->look->rows[0]);
    return API_ANSWERED;
}
const struct api_handler admin_key_get = {get_begin, get_looked, NULL};

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
    if (!json_is_array(given) || json_array_size(given) == 0 || json_array_size(given) > NETWORKS_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "networks",
                            "networks must be a list of 1 to %d networks, or null", NETWORKS_MAX);
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

static enum err_code read_key(const json_t *body, json_t *key, struct err *err) {
    static const char *const members[] = {"name", "scopes", "expires", "networks", "dialect", "rate", NULL};
    const char *name;
    int64_t expires_us;
    if (admin_members(body, members, err) != ERR_OK || admin_name(body, "key", &name, err) != ERR_OK ||
        admin_expires(body, &expires_us, err) != ERR_OK || read_scopes(body, key, err) != ERR_OK ||
        read_networks(body, key, err) != ERR_OK || read_dialect(body, key, err) != ERR_OK)
        return err->code;
    jsonx_put(key, "name", json_string(name));
    jsonx_put(key, "expires", expires_us != 0 ? json_integer(expires_us) : json_null());
    return read_rate(body, key, err);
}

static enum api_step create_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *key;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return api_refuse(r, &err);
    key = json_object();
    if (read_key(body, key, &err) != ERR_OK) {
        json_decref(key);
        return api_refuse(r, &err);
    }
    r->resource_id = uuid_v7();
    admin_token(r, TOKEN_KEY, key);
    return admin_publish(r, COMMAND_KEY_CREATE, key);
}

static enum api_step create_looked(struct request *r) {
    return show_with_token(r, 201);
}
/* (Repeated under one txn it finds the key that the first request made.) */
static enum api_step create_replied(struct request *r) {
    r->resource_id = r->reply.id;
    return look_at_key(r);
}
const struct api_handler admin_key_create = {create_begin, create_looked, create_replied};

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

static enum api_step rotate_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *change;
    int64_t seconds;
    if (!admin_id(r, "Key"))
        return API_ANSWERED;
    if (api_body(r, true, &body, &err) != ERR_OK || read_overlap(body, &seconds, &err) != ERR_OK)
        return api_refuse(r, &err);
    change = json_object();
    jsonx_put(change, "overlapUntil",
              seconds > 0 ? json_integer(clock_wall_us() + seconds * 1000000) : json_null());
    admin_token(r, TOKEN_KEY, change);
    return admin_publish(r, COMMAND_KEY_ROTATE, change);
}

static enum api_step rotate_looked(struct request *r) {
    return show_with_token(r, 200);
}
const struct api_handler admin_key_rotate = {rotate_begin, rotate_looked, look_at_key};

/* ---- revocation ---- */

static enum api_step revoke_begin(struct request *r) {
    if (!admin_id(r, "Key"))
        return API_ANSWERED;
    struct look *l = api_look(r, LOOK_REVOKE_KEY);
    l->p[0] = r->resource_id.s;
    l->p[1] = r->verdict.key_name;
    return API_LOOK;
}

/* Dead from now on; the command tells the order and the audit. */
static enum api_step revoke_looked(struct request *r) {
    if (!look_bool(r->look->rows[0][REVOKE_KNOWN]))
        return api_not_found(r, "Key", r->resource_id.s);
    r->revoked = true;
    return admin_publish(r, COMMAND_KEY_REVOKE, NULL);
}

static enum api_step revoke_replied(struct request *r) {
    answer_no_content(r, 0);
    return API_ANSWERED;
}
const struct api_handler admin_key_revoke = {revoke_begin, revoke_looked, revoke_replied};
