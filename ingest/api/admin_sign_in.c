/* How people sign in to the portal by an OpenID provider: an owner sees and sets it. */
#include "ingest/api/admin.h"

#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ingest/request/place.h"
#include "schemas/api/sign_in.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/query.h"

#include <string.h>

_Static_assert(SEAL_KEY_SIZE == SIGN_IN_SERVICE_SECRET, "secrets are sealed with the service's");

static enum step query_sign_in(struct request *r) {
    (void)api_query(r, QUERY_SIGN_IN);
    return STEP_QUERY;
}

/* Also where nobody signs in so: redirectUri is what the provider is told first. */
static enum step show_sign_in(struct request *r) {
    const char *const *row = r->db_query->nrows > 0 ? r->db_query->rows[0] : NULL;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kstr(b, "issuer", row != NULL ? row[COL_SIGN_IN_ISSUER] : NULL);
    jb_kstr(b, "clientId", row != NULL ? row[COL_SIGN_IN_CLIENT] : NULL);
    jb_kbool(b, "hasSecret",
             row != NULL && row[COL_SIGN_IN_SECRET] != NULL && strcmp(row[COL_SIGN_IN_SECRET], "true") == 0);
    jb_kraw(b, "people", row != NULL ? row[COL_SIGN_IN_PEOPLE] : "[]");
    jb_kstr(b, "redirectUri", arena_printf(r->arena, "%s/portal/oidc/callback", place_origin(r)));
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler admin_sign_in_get = {.begin = query_sign_in, .on_rows = show_sign_in};

/* Puts what becomes of the secret; absent: it stays. */
static enum err_code read_secret(struct request *r, const json_t *body, json_t *out, struct err *err) {
    const json_t *given = json_object_get(body, "clientSecret");
    const char *text = json_string_value(given);
    if (given == NULL)
        return ERR_OK;
    if (json_is_null(given)) {
        jsonx_put(out, "secret", json_null());
        return ERR_OK;
    }
    if (seal_key() == NULL)
        return err_set(err, ERR_UNAVAILABLE, "%s", "");
    if (sign_in_check_secret(text != NULL ? text : "", err) != ERR_OK)
        return err->code;
    jsonx_put(out, "secret", json_string(sign_in_seal(text, seal_key(), r->verdict.workspace.s, r->arena)));
    return ERR_OK;
}

static enum err_code read_sign_in(struct request *r, const json_t *body, json_t *out, struct err *err) {
    static const char *const members[] = {"issuer", "clientId", "clientSecret", "people", NULL};
    static const char *const taken[] = {"issuer", "clientId", "people"};
    if (admin_members(body, members, err) != ERR_OK || sign_in_check(body, err) != ERR_OK)
        return err->code;
    json_t *normal = sign_in_normal(body);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (json_object_get(normal, taken[i]) != NULL)
            jsonx_put(out, taken[i], jsonx_copy(json_object_get(normal, taken[i])));
    json_decref(normal);
    if (read_secret(r, body, out, err) != ERR_OK)
        return err->code;
    return json_object_size(out) > 0
               ? ERR_OK
               : err_set(err, ERR_INVALID_VALUE,
                         "There is nothing to change: name one of issuer, clientId, clientSecret and people");
}

static enum step sign_in_set_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *out;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    out = json_object();
    r->resource_id = r->verdict.workspace;
    if (read_sign_in(r, body, out, &err) == ERR_OK)
        return admin_publish(r, COMMAND_SIGN_IN_SET, out);
    json_decref(out);
    return handle_refuse(r, &err);
}

const struct handler admin_sign_in_set = {
    .begin = sign_in_set_begin, .on_rows = show_sign_in, .on_reply = query_sign_in};

static enum step sign_in_end_begin(struct request *r) {
    json_t *out = json_object();
    r->resource_id = r->verdict.workspace;
    jsonx_put(out, "issuer", json_null());
    return admin_publish(r, COMMAND_SIGN_IN_SET, out);
}

static enum step sign_in_end_on_reply(struct request *r) {
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}

const struct handler admin_sign_in_end = {.begin = sign_in_end_begin, .on_reply = sign_in_end_on_reply};
