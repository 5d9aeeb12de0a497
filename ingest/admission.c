#include "ingest/admission.h"

#include "ingest/answer.h"
#include "ingest/content.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/token.h"

#include <string.h>
#include <strings.h>

static size_t ask_for(struct admission *a, const char *token) {
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->token[i], token) == 0) {
            a->ask[i].units++;
            return i;
        }
    }
    a->token[a->n] = token;
    a->ask[a->n].units = 1;
    a->ask[a->n].whole = false;
    token_hash(token, strlen(token), a->ask[a->n].token_hash);
    return a->n++;
}

static void refuse(struct request *r, enum err_code code, const char *detail) {
    if (code == ERR_UNAUTHORIZED)
        metric_add(stats.unauthorized, 1);
    answer_error(r, code, detail);
    request_finish(r);
}

/* What can be said without the database: nothing is asked for a token that cannot be one. */
static bool plausible(struct request *r) {
    if (r->token == NULL) {
        refuse(r, ERR_UNAUTHORIZED, NULL);
        return false;
    }
    if (!token_well_formed(r->token, strlen(r->token), NULL)) {
        refuse(r, ERR_UNAUTHORIZED, "The bearer token is malformed");
        return false;
    }
    if (clock_mono_us() > r->deadline_us) {
        refuse(r, ERR_UNAVAILABLE, NULL);
        return false;
    }
    return true;
}

/* ---- after the round trip ---- */

static const char *state_text(enum admit_state state) {
    switch (state) {
    case ADMIT_REVOKED:
        return "The key has been revoked";
    case ADMIT_EXPIRED:
        return "The key has expired";
    case ADMIT_UNKNOWN:
    case ADMIT_OK:
        break;
    }
    return "The bearer token is not known";
}

/* The workspace is the credential's; a URL that names another one names nothing (promise 7, rule N1). */
static bool workspace_agrees(const struct request *r) {
    const char *named = r->route.workspace;
    return named == NULL || strcasecmp(named, r->verdict.workspace.s) == 0 ||
           strcmp(named, r->verdict.workspace_name) == 0;
}

/* public-url, or what the client itself called us, and the prefix that it used. */
static char *base_url(const struct request *r) {
    const char *url = r->in->settings.public_url, *prefix = r->route.prefix != NULL ? r->route.prefix : "";
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    return n > 0
               ? arena_printf(r->arena, "%.*s%s", (int)n, url, prefix)
               : arena_printf(r->arena, "%s://%s%s", r->in->tls != NULL ? "https" : "http", r->host, prefix);
}

static enum err_code permit(struct request *r, struct err *err) {
    unsigned scope = route_scope(&r->route);
    if (!workspace_agrees(r))
        return err_set(err, ERR_NOT_FOUND, "There is nothing at this path");
    if (r->route.code == ERR_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND, "There is nothing at this path");
    if (r->route.code == ERR_METHOD)
        return err_set(err, ERR_METHOD, "Allowed here: %s", r->route.allow);
    if (r->route.code != ERR_OK)
        return err_set(err, r->route.code, "%s", "");
    if ((r->verdict.scopes & scope) != scope)
        return err_set(err, ERR_INSUFFICIENT_SCOPE, "The key lacks the scope %s", scope_name(scope));
    if (r->query_broken)
        return err_set(err, ERR_BAD_REQUEST,
                       "The query is not correctly encoded, or has too many parameters");
    if (r->too_large)
        return content_too_large(r, err);
    r->base = base_url(r);
    return ERR_OK;
}

/* True if the request goes on; else it is answered. */
static bool judge(struct request *r, const struct admit_verdict *v, int *granted) {
    struct err err = {0};
    r->verdict = *v;
    r->admitted = uuid_is_set(&v->workspace);
    if (v->state != ADMIT_OK) {
        refuse(r, ERR_UNAUTHORIZED, state_text(v->state));
        return false;
    }
    if (--*granted < 0) {
        r->rate_limited = true;
        metric_add(stats.rate_limited, 1);
        refuse(r, ERR_RATE_LIMITED,
               arena_printf(r->arena, "More than %d requests in 60 seconds; try again in %d s", v->rate_limit,
                            v->retry_after_s > 0 ? v->retry_after_s : 1));
        return false;
    }
    if (permit(r, &err) != ERR_OK) {
        refuse(r, err.code, err.detail);
        return false;
    }
    return true;
}

size_t admission_collect(struct admission *a, struct request **requests, size_t n) {
    size_t left = 0;
    a->n = 0;
    a->code = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        if (!plausible(requests[i]))
            continue;
        requests[i]->ask = ask_for(a, requests[i]->token);
        requests[left++] = requests[i];
    }
    return left;
}

void admission_ask(struct admission *a, struct db *db) {
    struct err err = {0};
    int64_t begin = clock_mono_us();
    a->code = admit_batch(db, a->ask, a->n, a->verdict, &err);
    if (a->code == ERR_DB_LOST ||
        a->code == ERR_DB_RETRY) /* on a new connection: the old one may be long dead */
        a->code = admit_batch(db, a->ask, a->n, a->verdict, &err);
    metric_observe_us(stats.gate_admit, clock_mono_us() - begin);
    for (size_t i = 0; a->code == ERR_OK && i < a->n; i++)
        a->granted[i] = a->verdict[i].granted;
}

void admission_collect_units(struct admission *a, struct request **requests, size_t n) {
    a->n = n;
    a->code = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        const char *token = requests[i]->token;
        requests[i]->ask = i;
        a->token[i] = token;
        a->ask[i] = (struct admit_ask){.units = requests[i]->operations - 1, .whole = true};
        token_hash(token, strlen(token), a->ask[i].token_hash);
    }
}

/* True if the Bulk goes on; else it is answered. Who it was is known already; it may have been revoked since.
 */
static bool judge_units(struct request *r, const struct admit_verdict *v) {
    if (v->state != ADMIT_OK) {
        refuse(r, ERR_UNAUTHORIZED, state_text(v->state));
        return false;
    }
    if (v->granted >= r->operations - 1)
        return true;
    r->rate_limited = true;
    r->verdict.retry_after_s = v->retry_after_s > 0 ? v->retry_after_s : 1;
    metric_add(stats.rate_limited, 1);
    refuse(r, ERR_RATE_LIMITED,
           arena_printf(r->arena,
                        "%d operations would be more than %d requests in 60 seconds; try again in %d s",
                        r->operations, v->rate_limit, r->verdict.retry_after_s));
    return false;
}

size_t admission_judge_units(struct admission *a, struct request **requests, size_t n) {
    size_t on = 0;
    for (size_t i = 0; i < n; i++) {
        struct request *r = requests[i];
        if (a->code != ERR_OK)
            refuse(r, a->code, NULL);
        else if (judge_units(r, &a->verdict[r->ask]))
            requests[on++] = r;
    }
    return on;
}

size_t admission_judge(struct admission *a, struct request **requests, size_t n) {
    size_t on = 0;
    for (size_t i = 0; i < n; i++) {
        struct request *r = requests[i];
        if (a->code != ERR_OK)
            refuse(r, a->code, NULL);
        else if (judge(r, &a->verdict[r->ask], &a->granted[r->ask]))
            requests[on++] = r;
    }
    return on;
}
