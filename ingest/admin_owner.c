/* Owners and administrators: the credentials that the admin API itself is opened with. */
#include "ingest/admin.h"

#include "ingest/answer.h"
#include "schemas/jsonx.h"
#include "sql/look.h"

#include <string.h>

static void put_owner(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row[OWNER_ID]);
    jb_kstr(b, "name", row[OWNER_NAME]);
    jb_kstr(b, "role", row[OWNER_ROLE]);
    jb_kstr(b, "prefix", row[OWNER_PREFIX]);
    api_put_time(b, "created", look_int(row[OWNER_CREATED]));
    jb_kstr(b, "createdBy", row[OWNER_CREATED_BY]);
    api_put_time(b, "expires", look_int(row[OWNER_EXPIRES]));
    api_put_time(b, "revoked", look_int(row[OWNER_REVOKED]));
    jb_kstr(b, "revokedBy", row[OWNER_REVOKED_BY]);
    api_put_time(b, "lastUsed", look_int(row[OWNER_LAST_USED]));
    jb_raw(b, "}");
}

static enum api_step look_at_owner(struct request *r) {
    struct look *l = api_look(r, LOOK_OWNERS);
    l->p[0] = r->resource_id.s;
    l->p[2] = "1";
    return API_LOOK;
}

/* ---- reads ---- */

static enum api_step list_begin(struct request *r) {
    return admin_list(r, "owners", LOOK_OWNERS, 1);
}

static enum api_step list_looked(struct request *r) {
    bool more;
    size_t n = admin_page(r, &more);
    struct jbuf *b = api_answer(r, 200);
    jb_raw(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++)
        put_owner(b, r->look->rows[i]);
    jb_raw(b, "]");
    api_put_next(r, "owners", more, n > 0 ? r->look->rows[n - 1][OWNER_ID] : NULL);
    jb_raw(b, "}");
    return API_ANSWERED;
}
const struct api_handler admin_owner_list = {list_begin, list_looked, NULL};

static enum api_step get_begin(struct request *r) {
    return admin_id(r, "Owner") ? look_at_owner(r) : API_ANSWERED;
}

static enum api_step get_looked(struct request *r) {
    if (r->look->nrows == 0)
        return api_not_found(r, "Owner", r->resource_id.s);
    put_owner(api_answer(r, 200), r->look->rows[0]);
    return API_ANSWERED;
}
const struct api_handler admin_owner_get = {get_begin, get_looked, NULL};

/* ---- creation ---- */

static enum err_code read_owner(const json_t *body, json_t *owner, struct err *err) {
    static const char *const members[] = {"name", "role", "expires", NULL};
    const char *name, *role = json_string_value(json_object_get(body, "role"));
    int64_t expires_us;
    if (admin_members(body, members, err) != ERR_OK || admin_name(body, "owner", &name, err) != ERR_OK ||
        admin_expires(body, &expires_us, err) != ERR_OK)
        return err->code;
    if (role == NULL || (strcmp(role, "owner") != 0 && strcmp(role, "administrator") != 0))
        return err_set_path(err, ERR_INVALID_VALUE, "role", "role must be owner or administrator");
    jsonx_put(owner, "name", json_string(name));
    jsonx_put(owner, "role", json_string(role));
    jsonx_put(owner, "expires", expires_us != 0 ? json_integer(expires_us) : json_null());
    return ERR_OK;
}

static enum api_step create_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *owner;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return api_refuse(r, &err);
    owner = json_object();
    if (read_owner(body, owner, &err) != ERR_OK) {
        json_decref(owner);
        return api_refuse(r, &err);
    }
    r->resource_id = uuid_v7();
    admin_token(r, TOKEN_OWNER, owner);
    return admin_publish(r, COMMAND_OWNER_CREATE, owner);
}

static enum api_step create_replied(struct request *r) {
    r->resource_id = r->reply.id;
    return look_at_owner(r);
}

static enum api_step create_looked(struct request *r) {
    const char *const *row = r->look->rows[0];
    if (r->look->nrows == 0 || !admin_token_is(r, row[OWNER_PREFIX]))
        return admin_token_gone(r, "owner");
    struct jbuf *b = api_answer(r, 201);
    r->answer.no_store = true;
    r->answer.location = arena_printf(r->arena, "%s/admin/owners/%s", r->base, row[OWNER_ID]);
    jb_raw(b, "{");
    jb_kstr(b, "token", r->secret);
    jb_key(b, "owner");
    put_owner(b, row);
    jb_raw(b, "}");
    return API_ANSWERED;
}
const struct api_handler admin_owner_create = {create_begin, create_looked, create_replied};

/* ---- revocation ---- */

static enum api_step revoke_begin(struct request *r) {
    if (!admin_id(r, "Owner"))
        return API_ANSWERED;
    struct look *l = api_look(r, LOOK_REVOKE_OWNER);
    l->p[0] = r->resource_id.s;
    l->p[1] = r->verdict.key_name;
    return API_LOOK;
}

static enum api_step revoke_looked(struct request *r) {
    const char *const *row = r->look->rows[0];
    struct err err = {0};
    if (!look_bool(row[REVOKE_KNOWN]))
        return api_not_found(r, "Owner", r->resource_id.s);
    if (strcmp(row[REVOKE_RESULT], "last") == 0) {
        err_set(&err, ERR_CONFLICT, "This is the last owner; make another one first");
        return api_refuse(r, &err);
    }
    r->revoked = true;
    return admin_publish(r, COMMAND_OWNER_REVOKE, NULL);
}

static enum api_step revoke_replied(struct request *r) {
    answer_no_content(r, 0);
    return API_ANSWERED;
}
const struct api_handler admin_owner_revoke = {revoke_begin, revoke_looked, revoke_replied};
