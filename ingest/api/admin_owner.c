/* Owners and administrators: the credentials for the admin API. */
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

static enum step owner_create_begin(struct request *r) {
    return admin_credential_create(r, &owners);
}
static enum step owner_create_on_reply(struct request *r) {
    return admin_credential_create_on_reply(r, &owners);
}
static enum step owner_create_on_rows(struct request *r) {
    return admin_credential_show_token(r, &owners, 201);
}
const struct handler admin_owner_create = {
    .begin = owner_create_begin, .on_rows = owner_create_on_rows, .on_reply = owner_create_on_reply};

/* ---- reads ---- */

static enum step owner_list_begin(struct request *r) {
    return admin_credential_list(r, &owners);
}
static enum step owner_list_on_rows(struct request *r) {
    return admin_credential_list_answer(r, &owners);
}
const struct handler admin_owner_list = {.begin = owner_list_begin, .on_rows = owner_list_on_rows};

static enum step owner_get_begin(struct request *r) {
    return admin_credential_get(r, &owners);
}
static enum step owner_get_on_rows(struct request *r) {
    return admin_credential_show(r, &owners);
}
const struct handler admin_owner_get = {.begin = owner_get_begin, .on_rows = owner_get_on_rows};

/* ---- revocation ---- */

static enum step owner_revoke_begin(struct request *r) {
    return admin_credential_revoke(r, &owners);
}
static enum step owner_revoke_on_rows(struct request *r) {
    return admin_credential_revoke_on_rows(r, &owners);
}
static enum step owner_revoke_on_reply(struct request *r) {
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}
const struct handler admin_owner_revoke = {
    .begin = owner_revoke_begin, .on_rows = owner_revoke_on_rows, .on_reply = owner_revoke_on_reply};
