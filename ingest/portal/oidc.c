/* Signing in by an OpenID provider: authorisation code with PKCE (RFC 9700, OpenID Connect Core 1.0
 * section 3.1).
 *
 * GET /portal/oidc/start sends the browser to the provider of the workspace that it names, with a cookie that
 * holds what must come back. GET /portal/oidc/callback has the code exchanged, judges the ID token, and looks
 * the person up in the list of the workspace. Then the request is admitted with the credential of the owner
 * that the list names, as if he had shown his token: so a revoked owner stays out, and the session dies with
 * him.
 *
 * What must stay true: the only addresses that a browser is sent to are the provider's own and /portal; no
 * page of another site can sign anybody in, because the state must be that of the browser's own cookie; a
 * sign-in gives one session. */
#include "ingest/gate/gate.h"
#include "ingest/gate/key_sets.h"
#include "ingest/portal/handlers.h"
#include "ingest/portal/oidc_flow.h"
#include "ingest/portal/oidc_page.h"
#include "ingest/portal/providers.h"
#include "ingest/portal/session.h"
#include "ingest/request/answer.h"
#include "ingest/request/cookie.h"
#include "ingest/request/handle.h"
#include "ingest/request/place.h"
#include "ops/runtime/clock.h"
#include "schemas/api/sign_in.h"
#include "sql/ask/sign_in.h"

#include <ctype.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>

#define CALLBACK "/portal/oidc/callback"
/* Without being asked some providers say these at another place (userinfo) alone (Core section 5.5). */
#define CLAIMS "{\"id_token\":{\"email\":null,\"email_verified\":null}}"
#define FETCHES 3 /* one behind the other, at most: metadata, tokens, keys */

/* The question sees this and its arena alone, not the request: a stand-in may answer that meanwhile. */
struct oidc {
    enum oidc_reason reason; /* the first member (oidc_page.h) */
    struct question find;
    struct arena *arena;
    const char *named; /* the workspace: id or name */
    struct sign_in_row row;
    const json_t *doc;           /* of the row */
    const char *issuer, *client; /* of the doc */
    struct oidc_flow flow;
    bool asked_metadata, asked_code, asked_keys; /* it has waited for that */
    const char *token;                           /* the ID token; NULL: none yet */
    bool judged;
    struct uuid owner;
    unsigned char owner_hash[TOKEN_HASH_SIZE];
    struct err failure; /* ERR_OK: the owner signs in */
};

static struct oidc *oidc_of(const struct request *r) {
    return r->work;
}

static enum err_code fail(struct oidc *o, enum oidc_reason reason, enum err_code code, const char *detail,
                          struct err *err) {
    o->reason = reason;
    return err_set(err, code, "%s", detail);
}

/* ---- the workspace ---- */

static void free_arena(void *arena) {
    arena_free(arena);
}

static void drop_json(void *json) {
    json_decref(json);
}

static enum err_code ask_find(struct question *q, struct db *db, struct err *err) {
    struct oidc *o = (struct oidc *)(void *)((char *)q - offsetof(struct oidc, find));
    return sign_in_row_find(db, o->named, o->arena, &o->row, err);
}

static enum err_code oidc_new(struct request *r, struct err *err) {
    struct arena *arena = arena_new();
    arena_defer(r->arena, free_arena, arena);
    struct oidc *o = arena_alloc(arena, sizeof *o);
    *o = (struct oidc){.find = {.ask = ask_find}, .arena = arena};
    r->work = o;
    r->question = &o->find;
    r->credential.scopes = UINT_MAX;
    r->deadline_us += FETCHES * r->in->settings.jwks_ms * INT64_C(1000);
    if (!cookie_is_safe(r))
        return fail(o, OIDC_REASON_NONE, ERR_FORBIDDEN,
                    "The portal is opened over HTTPS, or on the machine itself. Behind a proxy, the operator "
                    "sets public-url to the address with https://",
                    err);
    if (seal_key() == NULL)
        return fail(o, OIDC_REASON_BUSY, ERR_UNAVAILABLE, "", err);
    if (r->query_fault != NULL) {
        *err = *r->query_fault;
        return err->code;
    }
    return ERR_OK;
}

static const json_t *parse(const char *text, struct arena *a) {
    json_t *doc = json_loads(text, 0, NULL);
    if (doc != NULL)
        arena_defer(a, drop_json, doc);
    return doc;
}

/* What the row says; false: nobody signs in so. */
static bool read_row(struct oidc *o) {
    o->doc = o->row.workspace != NULL ? parse(o->row.doc, o->arena) : NULL;
    o->issuer = json_string_value(json_object_get(o->doc, "issuer"));
    o->client = json_string_value(json_object_get(o->doc, "clientId"));
    return o->issuer != NULL && o->client != NULL;
}

static bool oidc_asks(struct request *r) {
    if (oidc_of(r)->judged)
        return false;
    r->job = JOB_ASK;
    gate_push(r->in->gate, r);
    return true;
}

static bool oidc_agrees(const struct request *r, const struct admit_verdict *v) {
    const struct oidc *o = oidc_of(r);
    return v->kind != ADMIT_KEY && v->pass == PASS_NONE && uuid_eq(&v->key, &o->owner) &&
           uuid_eq(&v->workspace, &o->flow.workspace);
}

/* The metadata. True: it is in `out`. False: the request waits for it, or *failed is set. */
static bool have_metadata(struct request *r, struct provider *out, bool *failed, struct err *err) {
    struct oidc *o = oidc_of(r);
    const char *why = NULL;
    bool waited = o->asked_metadata;
    o->asked_metadata = true; /* before it waits: then it may be elsewhere at once */
    enum providers_verdict v =
        providers_ask(r->in->providers, r, o->row.workspace, o->issuer, waited, o->arena, out, &why);
    *failed = v == PROVIDERS_AWAY;
    if (*failed)
        (void)fail(o, OIDC_REASON_PROVIDER, ERR_UNAVAILABLE,
                   arena_printf(o->arena, "The identity provider cannot be reached: %s", why), err);
    return v == PROVIDERS_HERE;
}

/* ---- parameters ---- */

static void put_param(struct jbuf *b, const char *name, const char *value) {
    jb_printf(b, "%s%s=", b->n > 0 ? "&" : "", name);
    for (const char *p = value; *p != '\0'; p++)
        if (isalnum((unsigned char)*p) || strchr("-._~", *p) != NULL)
            jb_mem(b, p, 1);
        else
            jb_printf(b, "%%%02X", (unsigned)(unsigned char)*p);
}

static char *take_text(struct jbuf *b, struct arena *a) {
    char *text = arena_strdup(a, b->p);
    sodium_memzero(b->p, b->n);
    jb_free(b);
    return text;
}

static char *redirect_of(const struct request *r) {
    return arena_printf(r->arena, "%s" CALLBACK, place_origin(r));
}

/* ---- the way there ---- */

static enum err_code start_read(struct request *r, struct err *err) {
    const char *named = query_get(&r->query, "workspace");
    if (oidc_new(r, err) != ERR_OK)
        return err->code;
    if (named == NULL || named[0] == '\0' || strlen(named) > 128)
        return fail(oidc_of(r), OIDC_REASON_OFF, ERR_BAD_REQUEST,
                    "The address must name the workspace: /portal/oidc/start?workspace=NAME", err);
    oidc_of(r)->named = arena_strdup(oidc_of(r)->arena, named);
    return ERR_OK;
}

static char *authorization_of(const struct request *r, const struct provider *p) {
    const struct oidc *o = oidc_of(r);
    char challenge[FLOW_RANDOM];
    struct jbuf b = {0};
    oidc_flow_challenge(&o->flow, challenge);
    put_param(&b, "response_type", "code");
    put_param(&b, "client_id", o->client);
    put_param(&b, "redirect_uri", redirect_of(r));
    put_param(&b, "scope", "openid email");
    put_param(&b, "state", o->flow.state);
    put_param(&b, "nonce", o->flow.nonce);
    put_param(&b, "code_challenge", challenge);
    put_param(&b, "code_challenge_method", "S256");
    if (p->claims)
        put_param(&b, "claims", CLAIMS);
    char *query = take_text(&b, r->arena);
    return arena_printf(r->arena, "%s%c%s", p->authorization,
                        strchr(p->authorization, '?') != NULL ? '&' : '?', query);
}

static enum step redirect(struct request *r, const char *to) {
    answer_begin(r, 303);
    r->answer.location = to;
    r->answer.no_store = true;
    return STEP_ANSWERED;
}

static enum step start_on_rows(struct request *r) {
    struct oidc *o = oidc_of(r);
    struct provider p;
    struct err err = {0};
    bool failed;
    if (!read_row(o)) {
        (void)fail(o, OIDC_REASON_OFF, ERR_NOT_FOUND,
                   "No workspace of this name lets people sign in by an identity provider", &err);
        return handle_refuse(r, &err);
    }
    if (!have_metadata(r, &p, &failed, &err))
        return failed ? handle_refuse(r, &err) : STEP_GONE;
    oidc_flow_new(&o->flow, o->row.workspace, o->issuer, o->client, clock_wall_us() / 1000000);
    (void)redirect(r, authorization_of(r, &p));
    r->answer.cookie = cookie_flow_set(r, oidc_flow_seal(&o->flow, seal_key(), r->arena));
    return STEP_ANSWERED;
}

static const struct identification start_identification = {
    .read = start_read, .asks = oidc_asks, .agrees = oidc_agrees, .unknown = ""};

/* Nobody is admitted on the way there. */
static enum step start_begin(struct request *r) {
    answer_error(r, ERR_INTERNAL, NULL);
    return STEP_ANSWERED;
}

const struct handler portal_oidc_start = {
    .begin = start_begin, .on_rows = start_on_rows, .identification = &start_identification};

/* ---- the way back: what the browser brings ---- */

/* What a provider may say (RFC 6749 section 4.1.2.1), and nothing that somebody else would have us show. */
static const char *error_shown(const struct request *r) {
    const char *text = query_get(&r->query, "error");
    size_t n = text != NULL ? strspn(text, "abcdefghijklmnopqrstuvwxyz_") : 0;
    return n > 0 && n <= 40 && text[n] == '\0' ? text : "an error";
}

static enum err_code read_flow(struct request *r, struct err *err) {
    struct oidc *o = oidc_of(r);
    const char *state = query_get(&r->query, "state"), *kept = cookie_flow(r);
    if (kept == NULL || !oidc_flow_open(kept, seal_key(), clock_wall_us() / 1000000, &o->flow))
        return fail(o, OIDC_REASON_STATE, ERR_UNAUTHORIZED,
                    "This browser has not begun to sign in, or that was too long ago; begin again", err);
    if (state == NULL || strlen(state) != strlen(o->flow.state) ||
        sodium_memcmp(state, o->flow.state, strlen(state)) != 0)
        return fail(o, OIDC_REASON_STATE, ERR_UNAUTHORIZED,
                    "The answer belongs to another sign-in than the one that this browser has begun", err);
    return ERR_OK;
}

/* The request comes here twice: as it came, and when it is judged. */
static enum err_code callback_read(struct request *r, struct err *err) {
    struct oidc *o = oidc_of(r);
    if (o != NULL) {
        *err = o->failure;
        memcpy(r->credential.token_hash, o->owner_hash, TOKEN_HASH_SIZE);
        return err->code;
    }
    if (oidc_new(r, err) != ERR_OK || read_flow(r, err) != ERR_OK)
        return err->code;
    o = oidc_of(r);
    if (query_get(&r->query, "error") != NULL)
        return fail(o, OIDC_REASON_REFUSED, ERR_FORBIDDEN,
                    arena_printf(r->arena, "The identity provider has refused: %s", error_shown(r)), err);
    if (query_get(&r->query, "code") == NULL)
        return fail(o, OIDC_REASON_REFUSED, ERR_BAD_REQUEST, "The identity provider has sent no code", err);
    o->named = o->flow.workspace.s;
    return ERR_OK;
}

/* ---- the way back: what the provider says ---- */

/* On the fetch thread, to which the request belongs just now. */
static void take_tokens(struct request *r, const char *text, size_t n, const char *why) {
    struct oidc *o = oidc_of(r);
    o->token = why == NULL ? provider_id_token(text, n, o->arena) : NULL;
    if (o->token == NULL)
        (void)fail(o, OIDC_REASON_REFUSED, ERR_UNAUTHORIZED,
                   arena_printf(o->arena, "The identity provider has not exchanged the code: %s",
                                why != NULL ? why : "there is no ID token in its answer"),
                   &o->failure);
}

/* The client's secret goes into a header, both parts form-encoded (RFC 6749 section 2.3.1), or into the form.
 */
static enum providers_verdict redeem(struct request *r, const struct provider *p, const char **why) {
    struct oidc *o = oidc_of(r);
    struct jbuf b = {0}, user = {0}, password = {0};
    const char *secret =
        o->row.secret != NULL ? sign_in_open(o->row.secret, seal_key(), o->row.workspace, o->arena) : NULL;
    bool basic = secret != NULL && p->basic;
    put_param(&b, "grant_type", "authorization_code");
    put_param(&b, "code", query_get(&r->query, "code"));
    put_param(&b, "redirect_uri", redirect_of(r));
    put_param(&b, "code_verifier", o->flow.verifier);
    if (!basic)
        put_param(&b, "client_id", o->client);
    if (secret != NULL && !basic)
        put_param(&b, "client_secret", secret);
    if (basic) {
        put_param(&user, "", o->client);
        put_param(&password, "", secret);
    }
    struct fetch_form form = {.url = p->token,
                              .body = take_text(&b, o->arena),
                              .user = basic ? take_text(&user, o->arena) + 1 : NULL,
                              .password = basic ? take_text(&password, o->arena) + 1 : NULL};
    o->asked_code = true;
    return providers_redeem(r->in->providers, r, o->row.workspace, &form, take_tokens, why);
}

static enum err_code check_issuer(struct request *r, const struct provider *p, struct err *err) {
    struct oidc *o = oidc_of(r);
    const char *iss = query_get(&r->query, "iss");
    if (!oidc_flow_is_of(&o->flow, o->issuer, o->client))
        return fail(o, OIDC_REASON_STATE, ERR_UNAUTHORIZED,
                    "The identity provider of the workspace was changed meanwhile; begin again", err);
    if (iss != NULL ? strcmp(iss, o->issuer) != 0 : p->says_issuer)
        return fail(o, OIDC_REASON_STATE, ERR_UNAUTHORIZED,
                    "The answer comes from another identity provider than that of the workspace", err);
    return ERR_OK;
}

/* True: the token is the provider's. False: the request waits, or the error is set. */
static bool is_signed(struct request *r, const struct provider *p, const struct jwt *t, struct err *err) {
    struct oidc *o = oidc_of(r);
    const struct key_sets_client c = {.key = o->row.workspace, .workspace = o->row.workspace, .uri = p->jwks};
    bool waited = o->asked_keys;
    o->asked_keys = true;
    enum key_sets_verdict v = key_sets_check(r->in->key_sets, r, &c, t, waited);
    if (v == KEY_SETS_AWAY)
        (void)fail(o, OIDC_REASON_PROVIDER, ERR_UNAVAILABLE,
                   "The identity provider's public keys cannot be fetched now; try again", err);
    else if (v == KEY_SETS_NOT_SIGNED)
        (void)fail(o, OIDC_REASON_REFUSED, ERR_UNAUTHORIZED,
                   "The ID token was signed with none of the identity provider's keys", err);
    return v == KEY_SETS_SIGNED;
}

/* ---- the way back: who it is here ---- */

static bool take_owner(struct oidc *o, const char *owner) {
    const json_t *owners = parse(o->row.owners, o->arena);
    const char *hex = json_string_value(json_object_get(owners, owner));
    size_t n;
    return hex != NULL && uuid_parse(owner, &o->owner) &&
           sodium_hex2bin(o->owner_hash, sizeof o->owner_hash, hex, strlen(hex), NULL, &n, NULL) == 0 &&
           n == sizeof o->owner_hash;
}

static enum err_code find_owner(struct oidc *o, const struct identity *who, struct err *err) {
    const char *owner = sign_in_find(o->doc, who);
    if (owner != NULL && take_owner(o, owner))
        return ERR_OK;
    if (who->unverified)
        return fail(o, OIDC_REASON_UNVERIFIED, ERR_FORBIDDEN,
                    "The identity provider has not verified your e-mail address, so it does not count here",
                    err);
    return fail(
        o, OIDC_REASON_UNKNOWN, ERR_FORBIDDEN,
        "The identity provider knows you, but you are not on the list of this workspace; an owner puts "
        "you there",
        err);
}

/* False: the request waits for something, and is no more the caller's. */
static bool judge(struct request *r) {
    struct oidc *o = oidc_of(r);
    struct provider p;
    struct jwt t;
    struct identity who;
    struct err *err = &o->failure;
    const char *why = NULL;
    bool failed;
    if (!read_row(o)) {
        (void)fail(o, OIDC_REASON_OFF, ERR_FORBIDDEN, "The workspace lets nobody sign in so any more", err);
        return true;
    }
    if (!have_metadata(r, &p, &failed, err))
        return failed;
    if (check_issuer(r, &p, err) != ERR_OK)
        return true;
    if (!o->asked_code) {
        if (redeem(r, &p, &why) == PROVIDERS_WAITS)
            return false;
        (void)fail(o, OIDC_REASON_BUSY, ERR_UNAVAILABLE, why, err);
    }
    if (err->code != ERR_OK)
        return true;
    if (jwt_read(o->token, "The ID token", o->arena, &t, err) != ERR_OK) {
        o->reason = OIDC_REASON_REFUSED;
        return true;
    }
    if (!is_signed(r, &p, &t, err))
        return err->code != ERR_OK;
    if (id_token_check(&t, o->issuer, o->client, o->flow.nonce, clock_wall_us() / 1000000, &who, err) !=
        ERR_OK)
        o->reason = OIDC_REASON_REFUSED;
    else
        (void)find_owner(o, &who, err);
    return true;
}

/* ---- the way back: the session ---- */

static enum step callback_begin(struct request *r) {
    const struct oidc *o = oidc_of(r);
    struct session_guest guest = {
        .kind = PASS_SESSION, .owner = r->verdict.key.s, .way = "oidc", .id = &o->flow.session};
    return session_open(r, &guest);
}

static enum step let_in(struct request *r) {
    struct err err = {0};
    const char *token = session_token(r, &err);
    if (token == NULL) {
        (void)fail(oidc_of(r), OIDC_REASON_STATE, ERR_UNAUTHORIZED,
                   "This sign-in was used before; begin again", &err);
        return handle_refuse(r, &err);
    }
    (void)redirect(r, "/portal");
    r->answer.cookie = cookie_set(r, token);
    r->answer.cookie2 = cookie_flow_set(r, "");
    return STEP_ANSWERED;
}

static enum step callback_on_rows(struct request *r) {
    struct oidc *o = oidc_of(r);
    if (o->judged)
        return let_in(r);
    if (!judge(r))
        return STEP_GONE;
    o->judged = true;
    r->job = JOB_ADMIT;
    gate_push(r->in->gate, r);
    return STEP_GONE;
}

static const struct identification callback_identification = {
    .read = callback_read,
    .asks = oidc_asks,
    .agrees = oidc_agrees,
    .unknown = "The owner that the list of the workspace names is not there any more",
};

const struct handler portal_oidc_callback = {
    .begin = callback_begin, .on_rows = callback_on_rows, .identification = &callback_identification};
