/* Signing in: an owner's or administrator's token, or a link that works once, for a session. */
#include "ingest/api/api.h"
#include "ingest/portal/handlers.h"
#include "ingest/portal/session.h"
#include "ingest/request/answer.h"
#include "ingest/request/bearer.h"
#include "ingest/request/content.h"
#include "ingest/request/cookie.h"
#include "ingest/request/handle.h"
#include "sql/ask/query.h"

#include <limits.h>
#include <string.h>

/* {"token": …} or {"link": …} */
static const struct content_limits body_limits = {.bytes = 4096, .depth = 2};

struct sign_in {
    bool by_link;
};

static enum err_code take_secret(struct request *r, const char *text, bool by_link, struct err *err) {
    enum token_kind kind;
    struct sign_in *s = arena_alloc(r->arena, sizeof *s);
    s->by_link = by_link;
    r->work = s;
    if (!token_well_formed(text, strlen(text), &kind) || (kind != TOKEN_OWNER && kind != TOKEN_LINK))
        return err_set(err, ERR_UNAUTHORIZED, "%s",
                       by_link ? "The link is incomplete; open it again as it was sent"
                               : "The token is incomplete, or is none of an owner or administrator (uso_…)");
    if (kind != (by_link ? TOKEN_LINK : TOKEN_OWNER))
        return err_set(err, ERR_UNAUTHORIZED, "A token is sent as \"token\", a link's secret as \"link\"");
    token_hash(text, strlen(text), r->credential.token_hash);
    r->credential.scopes = UINT_MAX;
    return ERR_OK;
}

/* A page of another site must not sign anybody in. Scripts send neither header. */
static enum err_code check_caller(struct request *r, struct err *err) {
    if (!cookie_is_safe(r))
        return err_set(
            err, ERR_FORBIDDEN,
            "The portal is opened over HTTPS, or on the machine itself. Behind a proxy, the operator sets "
            "public-url to the address with https://");
    if (r->head.fetch_site != NULL || r->head.origin != NULL)
        return cookie_check_site(r, err);
    return ERR_OK;
}

static enum err_code read_secret(struct request *r, struct err *err) {
    json_t *body;
    if (check_caller(r, err) != ERR_OK || content_check_coding(r, err) != ERR_OK)
        return err->code;
    if (r->too_large)
        return content_too_large(r, r->body_length, err);
    if (api_body(r, false, &body, err) != ERR_OK)
        return err->code;
    const json_t *token = json_object_get(body, "token"), *link = json_object_get(body, "link");
    if (json_object_size(body) != 1 || !json_is_string(token != NULL ? token : link))
        return err_set(err, ERR_INVALID_VALUE, "The body is {\"token\": …} or {\"link\": …}");
    return take_secret(r, json_string_value(token != NULL ? token : link), token == NULL, err);
}

static bool secret_agrees(const struct request *r, const struct admit_verdict *v) {
    bool link = v->pass == PASS_LINK || v->pass == PASS_SETUP_LINK;
    const struct sign_in *s = r->work;
    return v->kind != ADMIT_KEY && (s->by_link ? link : v->pass == PASS_NONE);
}

static const struct identification secret_identification = {
    .read = read_secret,
    .agrees = secret_agrees,
    .unknown =
        "The token or link is not known: it may be of another installation, or have been used long ago",
};

static enum step open_for(struct request *r, const char *const *key) {
    const struct admit_verdict *v = &r->verdict;
    bool link = v->pass != PASS_NONE;
    struct session_guest guest = {.kind = v->pass == PASS_SETUP_LINK ? PASS_SETUP : PASS_SESSION,
                                  .owner = v->key.s,
                                  .key = key != NULL ? v->pass_key.s : NULL,
                                  .way = link ? "link" : "token",
                                  .link = link ? v->pass_id.s : NULL};
    return session_open(r, &guest);
}

/* Of a set-up the key is shown; it is read before the link is used. */
static enum step sign_in_begin(struct request *r) {
    if (r->verdict.pass != PASS_SETUP_LINK)
        return open_for(r, NULL);
    struct db_query *q = api_query(r, QUERY_KEYS);
    q->p[0] = r->verdict.pass_key.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

static enum step sign_in_on_rows(struct request *r) {
    const char *const *key = r->db_query != NULL && r->db_query->nrows > 0 ? r->db_query->rows[0] : NULL;
    if (r->question != NULL)
        return session_opened(r, key);
    return key != NULL ? open_for(r, key) : api_not_found(r, "Key", r->verdict.pass_key.s);
}

const struct handler portal_sign_in = {.begin = sign_in_begin,
                                       .on_rows = sign_in_on_rows,
                                       .identification = &secret_identification,
                                       .content = &body_limits};

/* ---- which ways there are ---- */

static enum step ways_begin(struct request *r) {
    struct jbuf *b = answer_begin(r, 200);
    r->answer.no_store = true;
    if (cookie_is_safe(r))
        jb_raw(b, "{\"oidc\":{\"start\":\"/portal/oidc/start?workspace=\"}}");
    else
        jb_raw(b, "{\"oidc\":null}");
    return STEP_ANSWERED;
}

const struct handler portal_ways = {.begin = ways_begin};
