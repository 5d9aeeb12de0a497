#include "ingest/gate/admission.h"

#include "ingest/gate/delay.h"
#include "ingest/gate/rates.h"
#include "ingest/gate/seal.h"
#include "ingest/gate/throttle.h"
#include "ingest/request/answer.h"
#include "ingest/request/bearer.h"
#include "ingest/request/content.h"
#include "ingest/request/cookie.h"
#include "ingest/request/dry_run.h"
#include "ingest/request/place.h"
#include "ingest/stats.h"
#include "ops/runtime/access_token.h"
#include "ops/runtime/clock.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

/* Rates are for so many seconds. Units are counted in buckets of a quarter of one, and leased ones a bucket
 * later, so that no window ever holds more than the limit (functions/gate_take.sql). So a unit may leave up
 * to two buckets after its time. Nobody is told more than the window: an answer that would have to is sent so
 * much later, and then what it says is true. */
#define WINDOW_S 60
#define BEYOND_WINDOW_US 500000
/* Leases end within this time, also those of an ingest that has died (functions/gate_take.sql). */
#define UNITS_WAIT_US 1500000

/* A token is looked up by its SHA-256, in an index. The time that this takes tells at most something about
 * the hash, and nobody can choose a token by its hash. So the look-up needs no comparison in constant time,
 * and the hashes in the database open nothing. (The seal of an access token is compared in constant time.) */
static size_t ask_for(struct admission *a, const struct request *r) {
    for (size_t i = 0; i < a->n; i++) {
        if (memcmp(a->ask[i].token_hash, r->credential.token_hash, TOKEN_HASH_SIZE) == 0) {
            a->ask[i].units += r->counted ? 0 : 1;
            return i;
        }
    }
    a->ask[a->n] = (struct admit_ask){.units = r->counted ? 0 : 1};
    memcpy(a->ask[a->n].token_hash, r->credential.token_hash, TOKEN_HASH_SIZE);
    return a->n++;
}

static void gate_refuse(struct request *r, enum err_code code, const char *detail) {
    if (code == ERR_UNAUTHORIZED)
        metric_add(stats.unauthorized, 1);
    answer_error(r, code, detail);
    request_finish(r);
}

static int within_window(int seconds) {
    return seconds < 1 ? 1 : seconds < WINDOW_S ? seconds : WINDOW_S;
}

/* The rate is used up; retry_after_s: as PostgreSQL says. r->verdict gets what the answer says. */
static void set_retry(struct request *r, int retry_after_s) {
    r->rate_limited = true;
    r->verdict.retry_after_s = within_window(retry_after_s);
    metric_add(stats.rate_limited, 1);
}

static void refuse_rate(struct request *r, int retry_after_s, const char *detail) {
    answer_error(r, ERR_RATE_LIMITED, detail);
    bool early = retry_after_s > WINDOW_S && !atomic_load(&r->in->stopping);
    if (!early || !delay_add(r->in->delay, r, clock_mono_us() + BEYOND_WINDOW_US))
        request_finish(r);
}

/* The token is malformed or unknown, so the client may be guessing. The more such tokens come from one
 * source, the later they are answered. */
static void refuse_guess(struct request *r, const char *detail) {
    int64_t now_us = clock_mono_us(),
            wait_us =
                r->head.source_ip != NULL ? throttle_failed(r->in->throttle, &r->head.source, now_us) : 0;
    metric_add(stats.unauthorized, 1);
    answer_error(r, ERR_UNAUTHORIZED, detail);
    if (wait_us > 0 && !atomic_load(&r->in->stopping)) {
        if (delay_add(r->in->delay, r, now_us + wait_us))
            return;
        r->answer.close = true; /* no room for another delayed answer */
    }
    request_finish(r);
}

/* ---- before the round trip: refuses tokens that cannot exist ---- */

static void refuse_malformed(struct request *r) {
    refuse_guess(r, arena_printf(r->arena, "The bearer token is malformed: %s",
                                 bearer_fault(r->head.token, r->arena)));
}

static bool check_access_token_or_refuse(struct request *r) {
    struct access_token t;
    if (seal_key() == NULL) {
        gate_refuse(r, ERR_UNAVAILABLE, NULL);
        return false;
    }
    if (!access_token_open(r->head.token, seal_key(), SEAL_KEY_SIZE, &t)) {
        refuse_malformed(r);
        return false;
    }
    if (t.expires_s <= clock_wall_us() / 1000000) {
        gate_refuse(r, ERR_UNAUTHORIZED, "The access token has expired");
        return false;
    }
    memcpy(r->credential.token_hash, t.key_hash, TOKEN_HASH_SIZE);
    r->credential.scopes = t.scopes;
    return true;
}

/* A session of the portal, by the cookie that a browser sends by itself. It counts where owners may go, and
 * nowhere else; a token that is sent as well goes before it. */
static bool check_cookie_or_refuse(struct request *r, const char *session) {
    struct err err = {0};
    enum token_kind kind;
    if (cookie_check_site(r, &err) != ERR_OK) {
        gate_refuse(r, err.code, err.detail);
        return false;
    }
    if (!token_well_formed(session, strlen(session), &kind) || kind != TOKEN_SESSION) {
        refuse_guess(r, "The portal's cookie is malformed; sign in again");
        return false;
    }
    token_hash(session, strlen(session), r->credential.token_hash);
    r->credential.scopes = UINT_MAX;
    r->credential.by_cookie = true;
    return true;
}

static bool check_token_or_refuse(struct request *r) {
    const char *session = r->head.authorization == NULL && r->route.row->access >= ACCESS_ADMINISTRATOR
                              ? cookie_session(r)
                              : NULL;
    enum token_kind kind;
    if (session != NULL)
        return check_cookie_or_refuse(r, session);
    if (r->head.token == NULL) {
        gate_refuse(r, ERR_UNAUTHORIZED, bearer_missing(r->head.authorization));
        return false;
    }
    if (access_token_is(r->head.token))
        return check_access_token_or_refuse(r);
    if (!token_well_formed(r->head.token, strlen(r->head.token), &kind) ||
        (kind != TOKEN_KEY && kind != TOKEN_OWNER)) {
        refuse_malformed(r);
        return false;
    }
    token_hash(r->head.token, strlen(r->head.token), r->credential.token_hash);
    r->credential.scopes = UINT_MAX;
    return true;
}

/* A source that is over its limit has its unknown tokens refused without a look-up. (limit.h makes a 429 of
 * the answer.) */
static bool may_ask_or_refuse(struct request *r) {
    if (r->head.source_ip == NULL ||
        throttle_lets_ask(r->in->throttle, &r->head.source, r->credential.token_hash, clock_mono_us()))
        return true;
    gate_refuse(r, ERR_UNAUTHORIZED, NULL);
    return false;
}

/* By a bearer token, or as the handler says. */
static bool identify_or_refuse(struct request *r) {
    const struct identification *how = r->handler->identification;
    struct err err = {0};
    if (how == NULL)
        return check_token_or_refuse(r) && may_ask_or_refuse(r);
    if (how->read(r, &err) == ERR_OK)
        return may_ask_or_refuse(r) && (how->asks == NULL || !how->asks(r));
    if (err.code == ERR_UNAUTHORIZED)
        refuse_guess(r, err.detail);
    else
        gate_refuse(r, err.code, err.detail);
    return false;
}

static bool ask_or_refuse(struct request *r) {
    if (!identify_or_refuse(r))
        return false;
    if (clock_mono_us() > r->deadline_us) {
        gate_refuse(r, ERR_UNAVAILABLE, NULL);
        return false;
    }
    return true;
}

/* ---- after the round trip ---- */

static const char *pass_refusal(const struct admit_verdict *v) {
    bool session = v->pass == PASS_SESSION || v->pass == PASS_SETUP;
    if (v->state == ADMIT_REVOKED)
        return session ? "The session has ended; sign in again"
                       : "The link was used before, or was withdrawn; ask for another one";
    return session ? "The session is over, because nobody used it or because it was long; sign in again"
                   : "The link is too old; ask for another one";
}

const char *admission_refusal(const struct admit_verdict *v) {
    if (v->pass != PASS_NONE && v->state != ADMIT_UNKNOWN)
        return pass_refusal(v);
    switch (v->state) {
    case ADMIT_REVOKED:
        return v->kind == ADMIT_KEY ? "The key has been revoked" : "The credential has been revoked";
    case ADMIT_EXPIRED:
        return v->kind == ADMIT_KEY ? "The key has expired" : "The credential has expired";
    case ADMIT_ROTATED:
        return "The key has been rotated; this is its old token";
    case ADMIT_UNKNOWN:
    case ADMIT_OK:
        break;
    }
    return "The bearer token is not known: it may be of another installation, or its key has been rotated more "
           "than once since";
}

/* A pass is a session by now: whoever signs in was seen by the handler. That of a set-up opens the set-up
 * alone. */
static enum err_code check_pass(const struct request *r, const struct admit_verdict *v, struct err *err) {
    enum route_access access = r->route.row->access;
    if (access == ACCESS_SIGN_IN)
        return ERR_OK;
    if (v->pass == PASS_SETUP && access != ACCESS_SETUP && access != ACCESS_SESSION)
        return err_set(err, ERR_FORBIDDEN, "A set-up link opens the set-up of its key, and nothing else");
    if (v->pass == PASS_NONE && (access == ACCESS_SESSION || access == ACCESS_SETUP))
        return err_set(err, ERR_FORBIDDEN, "Here a session of the portal is needed, not a token");
    if (v->pass == PASS_SESSION && access == ACCESS_SETUP)
        return err_set(err, ERR_FORBIDDEN, "This is for whoever has a set-up link; owners use /api/v1/admin");
    return ERR_OK;
}

/* Keys do not open the admin API; owners' credentials open nothing else. */
static enum err_code check_class(const struct request *r, const struct admit_verdict *v, struct err *err) {
    bool admin = r->route.row->access >= ACCESS_ADMINISTRATOR;
    if (admin && v->kind != ADMIT_KEY)
        return check_pass(r, v, err);
    if (v->kind == ADMIT_KEY && admin)
        return err_set(err, ERR_FORBIDDEN,
                       "The admin API takes the credential of an owner or administrator, not an API key");
    if (v->kind != ADMIT_KEY && !admin)
        return err_set(
            err, ERR_FORBIDDEN,
            "The credential of an owner or administrator opens the admin API and the portal; here an API "
            "key is needed");
    return ERR_OK;
}

static enum err_code check_place(const struct request *r, const struct admit_verdict *v, struct err *err) {
    if (v->restricted && (r->head.source_ip == NULL || !net_ranges_hold(&v->networks, &r->head.source)))
        return err_set(err, ERR_FORBIDDEN, "This key may not be used from this network (%s)",
                       r->head.source_ip != NULL ? r->head.source_ip : "of which nothing is known");
    if (r->route.row->access == ACCESS_SCIM && v->require_sso && !v->sso_ready)
        return err_set(
            err, ERR_FORBIDDEN,
            "This workspace takes SCIM only once single sign-on is marked as set up (setting sso-ready)");
    return ERR_OK;
}

/* The credential decides the workspace. A URL that names another workspace is not found (promise 7, rule N1).
 */
static bool workspace_agrees(const struct request *r) {
    const char *named = r->route.workspace;
    return named == NULL || strcasecmp(named, r->verdict.workspace.s) == 0 ||
           strcmp(named, r->verdict.workspace_name) == 0;
}

static enum err_code permit(struct request *r, struct err *err) {
    if (!workspace_agrees(r))
        return err_set(err, ERR_NOT_FOUND,
                       "There is nothing at this path: the workspace that it names is not that of the token");
    if (r->route.code == ERR_NOT_FOUND || r->route.code == ERR_INVALID_VERS)
        return err_set(err, r->route.code, "%s", place_is_wrong(r));
    if (r->route.code == ERR_METHOD)
        return err_set(err, ERR_METHOD, "Allowed here: %s", r->route.allow);
    if (r->route.code != ERR_OK)
        return err_set(err, r->route.code, "%s", "");
    if (route_permit(&r->route, r->verdict.scopes, r->arena, err) != ERR_OK)
        return err->code;
    if (r->route.row->access == ACCESS_OWNER && r->verdict.kind != ADMIT_OWNER)
        return err_set(err, ERR_FORBIDDEN, "Only an owner may do this, not an administrator");
    if (r->query_fault != NULL) {
        *err = *r->query_fault;
        return err->code;
    }
    if (content_check_coding(r, err) != ERR_OK || dry_run_read(r, err) != ERR_OK)
        return err->code;
    if (r->no_room)
        return err_set(err, ERR_UNAVAILABLE, "%s", BODIES_FULL);
    if (r->too_large)
        return content_too_large(r, r->body_length, err);
    r->base = place_base(r);
    return ERR_OK;
}

/* Takes the verdict over, unless the credential is unknown or no longer valid. */
static bool take_verdict_or_refuse(struct request *r, const struct admit_verdict *v) {
    const struct identification *how = r->handler->identification;
    if (v->state == ADMIT_UNKNOWN || (how != NULL && !how->agrees(r, v))) {
        refuse_guess(r, how != NULL ? how->unknown : admission_refusal(v));
        return false;
    }
    r->verdict = *v;
    r->verdict.networks = (struct net_ranges){0}; /* they belong to the batch */
    r->verdict.scopes &= r->credential.scopes;
    r->verdict.reset_s = within_window(v->reset_s);
    r->admitted = true;
    if (v->state == ADMIT_OK) {
        throttle_good(r->in->throttle, r->credential.token_hash);
        return true;
    }
    gate_refuse(r, ERR_UNAUTHORIZED, admission_refusal(v));
    return false;
}

/* Units are missing that another ingest may give back: asks again a little later. False where it has waited
 * long enough, and is to be refused. */
static bool wait_for_units(struct request *r, const struct admit_verdict *v) {
    int64_t now_us = clock_mono_us();
    if (v->wait_ms <= 0 || (r->credential.waits_us != 0 && now_us - r->credential.waits_us > UNITS_WAIT_US))
        return false;
    if (r->credential.waits_us == 0)
        r->credential.waits_us = now_us;
    delay_again(r->in->delay, r, now_us + (int64_t)v->wait_ms * 1000);
    return true;
}

/* Takes one of the units that were granted for the credential, as if the requests of the batch had come one
 * after the other. A request that comes a second time, with its body, has its unit already. False: the
 * request is answered, or waits for units. */
static bool take_unit_or_refuse(struct request *r, const struct admit_verdict *v, int *granted) {
    *granted -= r->counted ? 0 : 1;
    if (*granted >= 0)
        r->verdict.remaining += *granted;
    if (*granted >= 0 || r->counted)
        return true;
    if (wait_for_units(r, v))
        return false;
    set_retry(r, v->retry_after_s);
    refuse_rate(r, v->retry_after_s,
                arena_printf(r->arena, "More than %d requests in %d seconds; try again in %d s",
                             v->rate_limit, WINDOW_S, r->verdict.retry_after_s));
    return false;
}

/* True if the request goes on. False: it is answered, or waits for units. */
static bool admit_or_refuse(struct request *r, const struct admit_verdict *v, int *granted) {
    struct err err = {0};
    if (!take_verdict_or_refuse(r, v) || !take_unit_or_refuse(r, v, granted))
        return false;
    if (check_class(r, v, &err) != ERR_OK || check_place(r, v, &err) != ERR_OK || permit(r, &err) != ERR_OK) {
        answer_err(r, &err);
        request_finish(r);
        return false;
    }
    return true;
}

size_t admission_collect(struct admission *a, struct request **requests, size_t n) {
    size_t left = 0;
    a->n = 0;
    a->leased = true;
    a->code = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        if (!ask_or_refuse(requests[i]))
            continue;
        requests[i]->credential.ask = ask_for(a, requests[i]);
        requests[left++] = requests[i];
    }
    return left;
}

void admission_ask(struct admission *a, struct db *db) {
    struct err err = {0};
    int64_t begin = clock_mono_us();
    for (size_t i = 0; i < a->n; i++)
        a->granted[i] = a->leased ? rates_take(a->rates, &a->ask[i], begin) : 0;
    a->code = admit_batch(db, a->ask, a->n, a->verdict, &err);
    /* on a new connection: the old one may be long dead */
    if (a->code == ERR_DB_LOST || a->code == ERR_DB_RETRY) {
        for (size_t i = 0; i < a->n; i++)
            a->ask[i].ended =
                (struct admit_lease){0}; /* it may have ended already: units must not come back twice */
        begin = clock_mono_us();
        a->code = admit_batch(db, a->ask, a->n, a->verdict, &err);
    }
    metric_observe_us(stats.gate_admit, clock_mono_us() - begin);
    for (size_t i = 0; i < a->n; i++) {
        struct admit_verdict *v = a->code == ERR_OK ? &a->verdict[i] : NULL;
        int left = a->leased ? rates_settle(a->rates, &a->ask[i], v, begin) : 0;
        a->granted[i] += v != NULL ? v->granted : 0;
        a->verdict[i].remaining += left;
    }
}

void admission_collect_units(struct admission *a, struct request **requests, size_t n) {
    a->n = n;
    a->leased = false;
    a->code = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        requests[i]->credential.ask = i;
        a->ask[i] = (struct admit_ask){.units = requests[i]->operations - 1, .whole = true};
        memcpy(a->ask[i].token_hash, requests[i]->credential.token_hash, TOKEN_HASH_SIZE);
    }
}

/* True if the Bulk goes on. False: it is answered, or waits for units. The client is known already, but its
 * credential may have been revoked since. */
static bool admit_units_or_refuse(struct request *r, const struct admit_verdict *v) {
    r->verdict.state = v->state;
    if (v->state != ADMIT_OK) {
        gate_refuse(r, ERR_UNAUTHORIZED, admission_refusal(v));
        return false;
    }
    r->verdict.remaining = v->remaining;
    r->verdict.reset_s = within_window(v->reset_s);
    if (v->granted >= r->operations - 1)
        return true;
    if (wait_for_units(r, v))
        return false;
    set_retry(r, v->retry_after_s);
    refuse_rate(r, v->retry_after_s,
                arena_printf(r->arena,
                             "%d operations would be more than %d requests in %d seconds; try again in %d s",
                             r->operations, v->rate_limit, WINDOW_S, r->verdict.retry_after_s));
    return false;
}

static void clear(struct admission *a) {
    for (size_t i = 0; a->code == ERR_OK && i < a->n; i++)
        admit_verdict_clear(&a->verdict[i]);
    a->n = 0;
}

/* The units of a key are counted in rows, too, so a full disk is met here as well. */
static void refuse_unasked(struct request *r, enum err_code code) {
    bool full = atomic_load(&r->in->no_room);
    gate_refuse(r, full ? ERR_UNAVAILABLE : code, full ? ANSWER_NO_ROOM : NULL);
}

size_t admission_judge_units(struct admission *a, struct request **requests, size_t n) {
    size_t on = 0;
    for (size_t i = 0; i < n; i++) {
        struct request *r = requests[i];
        if (a->code != ERR_OK)
            refuse_unasked(r, a->code);
        else if (admit_units_or_refuse(r, &a->verdict[r->credential.ask]))
            requests[on++] = r;
    }
    clear(a);
    return on;
}

size_t admission_judge(struct admission *a, struct request **requests, size_t n) {
    size_t on = 0;
    for (size_t i = 0; i < n; i++) {
        struct request *r = requests[i];
        if (a->code != ERR_OK)
            refuse_unasked(r, a->code);
        else if (admit_or_refuse(r, &a->verdict[r->credential.ask], &a->granted[r->credential.ask]))
            requests[on++] = r;
    }
    clear(a);
    return on;
}
