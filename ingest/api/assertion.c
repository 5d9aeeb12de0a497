#include "ingest/api/assertion.h"

#include "ingest/gate/gate.h"
#include "ingest/gate/key_sets.h"
#include "ingest/request/place.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "schemas/api/client_assertion.h"
#include "schemas/api/key_set.h"
#include "sql/ask/client.h"

#include <string.h>

#define UNKNOWN                                                                                              \
    "The client is not known, or has no public keys here, or none of them has signed the assertion"

/* The questions see this and its arena alone, not the request: a stand-in may answer that meanwhile. */
struct assertion {
    struct question find, claim;
    struct arena *arena;
    struct client_assertion said;
    struct client_key client;
    struct uuid workspace, txn;
    bool waited; /* for keys that were fetched */
    bool judged, first;
    struct err failure; /* ERR_OK: it is the client's */
};

static void free_arena(void *arena) {
    arena_free(arena);
}

#define OF_QUESTION(q, member) ((struct assertion *)(void *)((char *)(q)-offsetof(struct assertion, member)))

static enum err_code ask_find(struct question *q, struct db *db, struct err *err) {
    struct assertion *a = OF_QUESTION(q, find);
    return client_find(db, a->said.client.s, a->arena, &a->client, err);
}

static enum err_code ask_claim(struct question *q, struct db *db, struct err *err) {
    struct assertion *a = OF_QUESTION(q, claim);
    return client_claim(db, a->workspace.s, a->said.client.s, a->said.jti, a->txn.s, &a->first, err);
}

struct assertion *assertion_new(struct request *r, const char *text, struct err *err) {
    struct arena *arena = arena_new();
    arena_defer(r->arena, free_arena, arena);
    struct assertion *a = arena_alloc(arena, sizeof *a);
    *a = (struct assertion){.find = {.ask = ask_find},
                            .claim = {.ask = ask_claim, .durable = true},
                            .arena = arena,
                            .txn = r->txn};
    if (client_assertion_read(arena_strdup(arena, text), arena, &a->said, err) != ERR_OK)
        return NULL;
    r->question = &a->find;
    return a;
}

const char *assertion_client(const struct assertion *a) {
    return a->said.client.s;
}

/* ---- claims and signature ---- */

/* Whom assertions may be for: the issuer, the workspace's own one, and the token endpoint (RFC 7523 section
 * 3). */
static enum err_code check_claims(struct request *r, struct assertion *a, struct err *err) {
    const char *origin = place_origin(r);
    if (origin == NULL)
        return err_set(err, ERR_UNAUTHORIZED,
                       "The request has no Host, so the assertion's aud cannot be judged");
    const char *audiences[] = {origin, arena_printf(a->arena, "%s/oauth2/token", origin),
                               arena_printf(a->arena, "%s/w/%s", origin, a->client.workspace),
                               arena_printf(a->arena, "%s/w/%s", origin, a->client.workspace_name), NULL};
    return client_assertion_check(&a->said, audiences, clock_wall_us() / 1000000,
                                  r->in->settings.assertion_seconds, err);
}

static enum key_sets_verdict check_uploaded(const struct assertion *a) {
    const struct jwt *c = &a->said.jwt;
    struct key_set *set = key_set_parse(a->client.jwks, strlen(a->client.jwks));
    bool right = set != NULL && key_set_check(set, c->kid, c->alg, c->text, c->signed_len, c->signature,
                                              c->nsignature) == KEY_SET_SIGNED;
    key_set_free(set);
    return right ? KEY_SETS_SIGNED : KEY_SETS_NOT_SIGNED;
}

static enum key_sets_verdict check_fetched(struct request *r, struct assertion *a) {
    const struct key_sets_client c = {
        .key = a->said.client.s, .workspace = a->client.workspace, .uri = a->client.jwks_uri};
    bool waited = a->waited;
    a->waited = true; /* before it waits: then it may be elsewhere at once */
    return key_sets_check(r->in->key_sets, r, &c, &a->said.jwt, waited);
}

static enum err_code failure_of(enum key_sets_verdict v, struct err *err) {
    if (v == KEY_SETS_SIGNED)
        return ERR_OK;
    if (v == KEY_SETS_AWAY)
        return err_set(err, ERR_UNAVAILABLE,
                       "The client's public keys cannot be fetched now; try again later");
    return err_set(err, ERR_UNAUTHORIZED, UNKNOWN);
}

enum step assertion_judge(struct request *r, struct assertion *a) {
    bool has_keys = a->client.known && (a->client.jwks != NULL || a->client.jwks_uri != NULL);
    if (!has_keys) {
        (void)err_set(&a->failure, ERR_UNAUTHORIZED, UNKNOWN);
    } else if (check_claims(r, a, &a->failure) == ERR_OK) {
        enum key_sets_verdict v = a->client.jwks != NULL ? check_uploaded(a) : check_fetched(r, a);
        if (v == KEY_SETS_WAITS)
            return STEP_GONE;
        (void)failure_of(v, &a->failure);
    }
    a->judged = true;
    r->job = JOB_ADMIT;
    gate_push(r->in->gate, r);
    return STEP_GONE;
}

bool assertion_is_judged(const struct assertion *a) {
    return a->judged;
}

enum err_code assertion_result(const struct assertion *a, unsigned char token_hash[TOKEN_HASH_SIZE],
                               struct err *err) {
    if (a->failure.code != ERR_OK)
        *err = a->failure;
    else
        memcpy(token_hash, a->client.token_hash, TOKEN_HASH_SIZE);
    return a->failure.code;
}

/* ---- once ---- */

enum step assertion_claim(struct request *r, struct assertion *a) {
    a->workspace = r->verdict.workspace;
    r->question = &a->claim;
    return STEP_ASK;
}

enum err_code assertion_claimed(const struct assertion *a, struct err *err) {
    if (a->first)
        return ERR_OK;
    metric_add(stats.assertions_repeated, 1);
    return err_set(err, ERR_UNAUTHORIZED, "The assertion was used before; each jti is good once");
}
