#include "ingest/api/oauth.h"

#include "ingest/api/assertion.h"
#include "ingest/gate/gate.h"
#include "ingest/gate/seal.h"
#include "ingest/request/answer.h"
#include "ingest/request/bearer.h"
#include "ingest/request/content.h"
#include "ingest/request/handle.h"
#include "ops/runtime/access_token.h"
#include "ops/runtime/clock.h"
#include "schemas/api/client_assertion.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#define FORM "application/x-www-form-urlencoded"

struct oauth {
    struct query form;
    const char *client_id, *secret;
    struct assertion *assertion; /* in place of a secret; NULL: none */
    const char *error;           /* name of the error, if not the usual one for the code */
    unsigned scopes;             /* of the token … */
    bool scim;                   /* … and those of SCIM are called "scim" */
};

/* NULL before the identification. */
static struct oauth *oauth_of(const struct request *r) {
    return r->work;
}

static enum err_code oauth_fail(struct request *r, struct err *err, const char *error, enum err_code code,
                                const char *detail) {
    oauth_of(r)->error = error;
    return err_set(err, code, "%s", detail);
}

/* ---- the form ---- */

static bool is_form(const char *type) {
    size_t n = strlen(FORM);
    if (type == NULL || strncasecmp(type, FORM, n) != 0)
        return false;
    char next = type[n + strspn(type + n, " \t")];
    return next == '\0' || next == ';';
}

/* A parameter without a value counts as absent. */
static const char *form_value(const struct request *r, const char *name) {
    const char *value = query_get(&oauth_of(r)->form, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum err_code read_form(struct request *r, struct err *err) {
    const char *text = r->body.n > 0 ? r->body.p : "";
    if (content_check_coding(r, err) != ERR_OK)
        return oauth_fail(r, err, NULL, err->code, err->detail);
    if (!is_form(r->head.content_type))
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "The body must be " FORM);
    if (strlen(text) != r->body.n)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "The form is not correctly encoded");
    if (query_parse(text, r->arena, &oauth_of(r)->form, err) != ERR_OK)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, err->detail);
    /* any that comes twice is an error: RFC 6749 section 3.2 */
    if (query_repeated(&oauth_of(r)->form) != NULL)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "A parameter is given twice");
    return ERR_OK;
}

/* ---- the client ---- */

/* Client id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1). */
static bool read_basic(struct request *r) {
    size_t given = strlen(r->head.basic), n = 0;
    char *text = arena_alloc(r->arena, given + 1);
    const char *end = NULL;
    if (sodium_base642bin((unsigned char *)text, given, r->head.basic, given, NULL, &n, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        *end != '\0')
        return false;
    char *colon = memchr(text, ':', n);
    if (colon == NULL)
        return false;
    oauth_of(r)->client_id = query_decode(text, (size_t)(colon - text), true, r->arena);
    oauth_of(r)->secret = query_decode(colon + 1, n - (size_t)(colon - text) - 1, true, r->arena);
    return oauth_of(r)->client_id != NULL && oauth_of(r)->secret != NULL;
}

static enum err_code read_client(struct request *r, struct err *err) {
    struct oauth *o = oauth_of(r);
    const char *id = form_value(r, "client_id"), *secret = form_value(r, "client_secret");
    if (r->head.basic != NULL && secret != NULL)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "The client authenticates in two ways at once");
    if (r->head.basic != NULL && !read_basic(r))
        return oauth_fail(r, err, NULL, ERR_UNAUTHORIZED, "The Authorization header is malformed");
    if (r->head.basic != NULL && id != NULL && strcmp(id, o->client_id) != 0)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "Header and form name different clients");
    if (r->head.basic == NULL) {
        o->client_id = id;
        o->secret = secret;
    }
    return ERR_OK;
}

/* An assertion says who the client is, so client_id may be left out (RFC 7521 section 4.2). */
static enum err_code read_assertion(struct request *r, struct err *err) {
    struct oauth *o = oauth_of(r);
    const char *type = form_value(r, "client_assertion_type"), *text = form_value(r, "client_assertion");
    if (o->secret != NULL || r->head.basic != NULL)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "The client authenticates in two ways at once");
    if (text == NULL || type == NULL || strcmp(type, CLIENT_ASSERTION_TYPE) != 0)
        return oauth_fail(
            r, err, NULL, ERR_BAD_REQUEST,
            "client_assertion and client_assertion_type belong together, and the type must be " CLIENT_ASSERTION_TYPE);
    o->assertion = assertion_new(r, text, err);
    if (o->assertion == NULL)
        return err->code;
    if (o->client_id != NULL && strcasecmp(o->client_id, assertion_client(o->assertion)) != 0)
        return oauth_fail(r, err, NULL, ERR_UNAUTHORIZED, "client_id and assertion name different clients");
    o->client_id = assertion_client(o->assertion);
    return ERR_OK;
}

/* The assertion was judged: its client is the credential. */
static enum err_code take_assertion(struct request *r, struct err *err) {
    return assertion_result(oauth_of(r)->assertion, r->credential.token_hash, err);
}

static bool oauth_asks(struct request *r) {
    const struct assertion *a = oauth_of(r)->assertion;
    if (a == NULL || assertion_is_judged(a))
        return false;
    r->job = JOB_ASK;
    gate_push(r->in->gate, r);
    return true;
}

/* Reads client id and secret, from header or form, into r->work and r->credential. With an assertion the
 * request comes here twice: before it is known whose keys it is checked with, and when it is judged. */
static enum err_code oauth_read(struct request *r, struct err *err) {
    enum token_kind kind;
    r->credential.scopes = UINT_MAX;
    if (oauth_of(r) != NULL && oauth_of(r)->assertion != NULL)
        return take_assertion(r, err);
    r->work = arena_alloc(r->arena, sizeof(struct oauth));
    if (read_form(r, err) != ERR_OK || read_client(r, err) != ERR_OK)
        return err->code;
    if (form_value(r, "client_assertion") != NULL || form_value(r, "client_assertion_type") != NULL)
        return read_assertion(r, err);
    const char *secret = oauth_of(r)->secret;
    if (oauth_of(r)->client_id == NULL || secret == NULL)
        return oauth_fail(
            r, err, NULL, ERR_UNAUTHORIZED,
            "The client must authenticate: client_id is a key's id, client_secret its token; or by an "
            "assertion that it signs (private_key_jwt)");
    if (!token_well_formed(secret, strlen(secret), &kind))
        return oauth_fail(
            r, err, NULL, ERR_UNAUTHORIZED,
            arena_printf(r->arena, "The client secret is malformed: %s", bearer_fault(secret, r->arena)));
    if (kind != TOKEN_KEY)
        return oauth_fail(r, err, NULL, ERR_UNAUTHORIZED, "The client is not known, or its secret is wrong");
    token_hash(secret, strlen(secret), r->credential.token_hash);
    return ERR_OK;
}

/* Does client_id name the key whose token was sent as the secret? */
static bool oauth_agrees(const struct request *r, const struct admit_verdict *v) {
    return strcasecmp(oauth_of(r)->client_id, v->key.s) == 0;
}

/* ---- the answer ---- */

/* "scim" is the name of all scopes of SCIM that the key has (OpenID IPSIE). */
static unsigned scope_bits(struct request *r, const char *name, size_t n) {
    if (n != strlen(SCOPE_SCIM) || memcmp(name, SCOPE_SCIM, n) != 0)
        return scope_parse_n(name, n);
    oauth_of(r)->scim = true;
    return SCOPES_OF_SCIM;
}

/* The scopes that the client asks for; the key must have all of them, of "scim" at least one. None: all
 * scopes of the key. */
static enum err_code read_scope(struct request *r, struct err *err) {
    const char *text = form_value(r, "scope");
    unsigned *out = &oauth_of(r)->scopes;
    *out = text == NULL ? r->verdict.scopes : 0;
    while (text != NULL && *text != '\0') {
        size_t n = strcspn(text, " ");
        unsigned bits = scope_bits(r, text, n);
        if (n > 0 && (bits & r->verdict.scopes) == 0)
            return oauth_fail(r, err, "invalid_scope", ERR_BAD_REQUEST,
                              bits == 0 ? "A scope is not known"
                                        : "The key lacks a scope that was asked for");
        *out |= bits & r->verdict.scopes;
        text += n + strspn(text + n, " ");
    }
    return *out != 0 ? ERR_OK : oauth_fail(r, err, "invalid_scope", ERR_BAD_REQUEST, "No scope is left");
}

static enum err_code prepare(struct request *r, struct err *err) {
    const char *grant = form_value(r, "grant_type");
    if (grant == NULL)
        return oauth_fail(r, err, NULL, ERR_BAD_REQUEST, "grant_type is missing");
    if (strcmp(grant, "client_credentials") != 0)
        return oauth_fail(r, err, "unsupported_grant_type", ERR_BAD_REQUEST,
                          "grant_type must be client_credentials");
    if (seal_key() == NULL)
        return oauth_fail(r, err, NULL, ERR_UNAVAILABLE, "");
    return read_scope(r, err);
}

/* The token does not live longer than the key. */
static int64_t lifetime_s(const struct request *r, int64_t now_us) {
    int64_t most = r->in->settings.token_seconds, left = (r->verdict.expires_us - now_us) / 1000000;
    if (r->verdict.expires_us != 0 && left < most)
        most = left;
    return most > 1 ? most : 1;
}

static void put_scopes(struct jbuf *out, const struct oauth *o) {
    unsigned named = o->scim ? o->scopes & ~(unsigned)SCOPES_OF_SCIM : o->scopes;
    size_t n = 0;
    jb_key(out, "scope");
    jb_raw(out, "\"");
    if (o->scim)
        jb_printf(out, "%s%s", n++ > 0 ? " " : "", SCOPE_SCIM);
    for (unsigned bit = 1; bit <= named; bit <<= 1) {
        if (named & bit)
            jb_printf(out, "%s%s", n++ > 0 ? " " : "", scope_name(bit));
    }
    jb_raw(out, "\"");
}

static enum step give_token(struct request *r) {
    const struct oauth *o = oauth_of(r);
    int64_t now_us = clock_wall_us(), seconds = lifetime_s(r, now_us);
    struct access_token t = {.scopes = (unsigned char)o->scopes, .expires_s = now_us / 1000000 + seconds};
    char text[ACCESS_TOKEN_TEXT_SIZE];
    memcpy(t.key_hash, r->credential.token_hash, sizeof t.key_hash);
    access_token_seal(&t, seal_key(), SEAL_KEY_SIZE, text);
    struct jbuf *b = answer_begin(r, 200);
    r->answer.no_store = true;
    jb_raw(b, "{");
    jb_kstr(b, "access_token", text);
    jb_kstr(b, "token_type", "Bearer");
    jb_kint(b, "expires_in", seconds);
    put_scopes(b, o);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

/* All else is in order before the assertion is taken: it is good for one token. */
static enum step oauth_begin(struct request *r) {
    struct err err = {0};
    if (prepare(r, &err) != ERR_OK)
        return handle_refuse(r, &err);
    return oauth_of(r)->assertion != NULL ? assertion_claim(r, oauth_of(r)->assertion) : give_token(r);
}

static enum step oauth_on_rows(struct request *r) {
    struct assertion *a = oauth_of(r)->assertion;
    struct err err = {0};
    if (!assertion_is_judged(a))
        return assertion_judge(r, a);
    return assertion_claimed(a, &err) == ERR_OK ? give_token(r) : handle_refuse(r, &err);
}

static const struct identification client_identification = {
    .read = oauth_read,
    .asks = oauth_asks,
    .agrees = oauth_agrees,
    .unknown = "The client is not known, or its secret is wrong",
};

const struct handler oauth_token = {
    .begin = oauth_begin,
    .on_rows = oauth_on_rows,
    .identification = &client_identification,
    .content = &content_form,
};

/* ---- errors ---- */

static const char *name_of(const struct request *r, enum err_code code) {
    if (r->work != NULL && oauth_of(r)->error != NULL)
        return oauth_of(r)->error;
    switch (code) {
    case ERR_UNAUTHORIZED:
        return "invalid_client";
    case ERR_FORBIDDEN:
        return "unauthorized_client";
    case ERR_RATE_LIMITED:
        return "temporarily_unavailable";
    default:
        return err_http_status(code) == 503   ? "temporarily_unavailable"
               : err_http_status(code) >= 500 ? "server_error"
                                              : "invalid_request";
    }
}

/* error_description may contain printable ASCII without quote and backslash. */
static const char *description_of(struct arena *a, const char *detail) {
    char *text = arena_strdup(a, detail);
    for (char *p = text; *p != '\0'; p++)
        if (*p < 0x20 || *p > 0x7e || *p == '"' || *p == '\\')
            *p = '\'';
    return text;
}

static void oauth_error(struct request *r, const char *detail, const char *path) {
    struct answer *a = &r->answer;
    (void)path;
    if (a->code == ERR_FORBIDDEN)
        a->status = 400;
    a->no_store = true;
    jb_raw(&a->body, "{");
    jb_kstr(&a->body, "error", name_of(r, a->code));
    jb_kstr(&a->body, "error_description", description_of(r->arena, detail));
    jb_raw(&a->body, "}");
}

static const char *oauth_challenge(struct request *r, enum err_code code) {
    (void)r;
    return code == ERR_UNAUTHORIZED ? "Basic realm=\"usher\", charset=\"UTF-8\"" : NULL;
}

const struct form oauth_form = {
    .reason = "api", /* OAuth has no commands */
    .type = PLAIN_JSON,
    .error = oauth_error,
    .challenge = oauth_challenge,
};
