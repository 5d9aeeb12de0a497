/* Owners and administrators: the credentials that the admin API itself is opened with. */
#include "ingest/api/admin_credential.h"

#include "ingest/request/answer.h"
#include "schemas/api/credential.h"
#include "schemas/text/jsonx.h"

#include <string.h>

static void put_owner(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row[COL_OWNER_ID]);
    jb_kstr(b, "name", row[COL_OWNER_NAME]);
    jb_kstr(b, "role", row[COL_OWNER_ROLE]);
    jb_kstr(b, "prefix", row[COL_OWNER_PREFIX]);
    api_put_time(b, "created", db_cell_int(row[COL_OWNER_CREATED]));
    jb_kstr(b, "createdBy", row[COL_OWNER_CREATED_BY]);
    api_put_time(b, "expires", db_cell_int(row[COL_OWNER_EXPIRES]));
    api_put_time(b, "revoked", db_cell_int(row[COL_OWNER_REVOKED]));
    jb_kstr(b, "revokedBy", row[COL_OWNER_REVOKED_BY]);
    api_put_time(b, "lastUsed", db_cell_int(row[COL_OWNER_LAST_USED]));
    jb_raw(b, "}");
}

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
    credential_put_moment(owner, "expires", expires_us);
    return ERR_OK;
}

static const struct admin_credential owners = {
    .what = "owner",
    .title = "Owner",
    .plural = "owners",
    .query = QUERY_OWNERS,
    .id = COL_OWNER_ID,
    .prefix = COL_OWNER_PREFIX,
    .token = TOKEN_OWNER,
    .create = COMMAND_OWNER_CREATE,
    .revoke = COMMAND_OWNER_REVOKE,
    .put = put_owner,
    .read = read_owner,
};

static enum api_step create_begin(struct request *r) {
    return admin_credential_create(r, &owners);
}
static enum api_step create_replied(struct request *r) {
    return admin_credential_created(r, &owners);
}
static enum api_step create_looked(struct request *r) {
    return admin_credential_show_token(r, &owners, 201);
}
const struct api_handler admin_owner_create = {create_begin, create_looked, create_replied};

/* ---- reads ---- */

static enum api_step list_begin(struct request *r) {
    return admin_credential_list(r, &owners);
}
static enum api_step list_looked(struct request *r) {
    return admin_credential_listed(r, &owners);
}
const struct api_handler admin_owner_list = {list_begin, list_looked, NULL};

static enum api_step get_begin(struct request *r) {
    return admin_credential_get(r, &owners);
}
static enum api_step get_looked(struct request *r) {
    return admin_credential_show(r, &owners);
}
const struct api_handler admin_owner_get = {get_begin, get_looked, NULL};

/* ---- revocation ---- */

static enum api_step revoke_begin(struct request *r) {
    return admin_credential_revoke(r, &owners);
}
static enum api_step revoke_looked(struct request *r) {
    return admin_credential_revoked(r, &owners);
}
static enum api_step revoke_replied(struct request *r) {
    answer_no_content(r, 0);
    return API_ANSWERED;
}
const struct api_handler admin_owner_revoke = {revoke_begin, revoke_looked, revoke_replied};
