#include "ingest/gate/idempotency.h"

#include "ingest/request/answer.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 255
#define RETRY_S 1

/* ---- the header ---- */

/* The text between the quotes, without escapes. NULL: malformed. */
static char *quoted(const char *p, struct arena *a) {
    char *out = arena_alloc(a, strlen(p) + 1), *end = out;
    for (p++; *p != '"'; p++) {
        if (*p == '\\' && *++p != '"' && *p != '\\')
            return NULL;
        if (*p < 0x20 || *p > 0x7e)
            return NULL;
        *end++ = *p;
    }
    return p[1 + strspn(p + 1, " \t")] == '\0' ? out : NULL;
}

static char *bare(const char *p, struct arena *a) {
    size_t n = 0;
    while (isalnum((unsigned char)p[n]) || (p[n] != '\0' && strchr("-._~:+/=@", p[n]) != NULL))
        n++;
    return p[n + strspn(p + n, " \t")] == '\0' ? arena_strndup(a, p, n) : NULL;
}

char *idempotency_key(const char *header, struct arena *a) {
    header += strspn(header, " \t");
    char *key = header[0] == '"' ? quoted(header, a) : bare(header, a);
    return key != NULL && key[0] != '\0' && strlen(key) <= KEY_MAX ? key : NULL;
}

bool idempotency_is_asked(const struct request *r) {
    return r->head.idempotency_key != NULL && r->route.row->by_txn &&
           !r->dry; /* what is only tried may be tried again */
}

/* ---- the claim ---- */

static void add(crypto_hash_sha256_state *s, const char *text, size_t n) {
    crypto_hash_sha256_update(s, (const unsigned char *)text, n);
    crypto_hash_sha256_update(s, (const unsigned char *)"",
                              1); /* a NUL ends each part, so that two parts cannot be read as one */
}

static void fingerprint(const struct request *r, unsigned char out[FINGERPRINT_SIZE]) {
    crypto_hash_sha256_state s;
    const char *query = r->head.query_text != NULL ? r->head.query_text : "";
    crypto_hash_sha256_init(&s);
    add(&s, r->head.method, strlen(r->head.method));
    add(&s, r->head.path, strlen(r->head.path));
    add(&s, query, strlen(query));
    add(&s, r->body.n > 0 ? r->body.p : "", r->body.n);
    crypto_hash_sha256_final(&s, out);
}

enum err_code idempotency_prepare(struct request *r, struct err *err) {
    const struct settings *s = &r->in->settings;
    struct repeat *repeated = arena_alloc(r->arena, sizeof *repeated);
    char *key = idempotency_key(r->head.idempotency_key, r->arena);
    if (key == NULL)
        return err_set(err, ERR_BAD_REQUEST,
                       "Idempotency-Key is one text of 1 to %d printable ASCII characters", KEY_MAX);
    int64_t longest_us = r->handler->long_deadline ? s->bulk_deadline_us : s->deadline_us;
    repeated->claim = (struct idempotency){.workspace = r->verdict.workspace.s,
                                           .principal = r->verdict.key.s,
                                           .key = key,
                                           .txn = r->txn,
                                           .stale_s = (int)((longest_us + s->audit_wait_us) / 1000000) + 1,
                                           .arena = r->arena};
    fingerprint(r, repeated->claim.fingerprint);
    r->repeat = repeated;
    return ERR_OK;
}

static const char *header(const json_t *headers, const char *name) {
    return json_string_value(json_object_get(headers, name));
}

/* Gives the answer that was stored. */
static void answer_again(struct request *r) {
    const struct idempotency *i = &r->repeat->claim;
    json_t *headers = json_loads(i->headers, 0, NULL);
    struct jbuf *b = answer_begin(r, i->status);
    jb_raw(b, i->content);
    r->answer.content_type = arena_strdup(r->arena, header(headers, "type"));
    r->answer.location = arena_strdup(r->arena, header(headers, "location"));
    const char *etag = header(headers, "etag");
    snprintf(r->answer.etag, sizeof r->answer.etag, "%s", etag != NULL ? etag : "");
    r->answer.detail = arena_strdup(r->arena, header(headers, "detail"));
    if (r->answer.detail != NULL)
        r->answer.code = err_from_name(header(headers, "code"));
    json_decref(headers);
}

static bool refuse_repeat(struct request *r, enum err_code code) {
    answer_error(r, code, NULL);
    if (code == ERR_IN_PROGRESS)
        r->answer.retry_after_s = RETRY_S;
    return false;
}

bool idempotency_on_claimed(struct request *r, enum err_code code) {
    struct idempotency *i = &r->repeat->claim;
    if (code != ERR_OK)
        return refuse_repeat(r, code);
    switch (i->verdict) {
    case IDEMPOTENCY_RUNNING:
        return refuse_repeat(r, ERR_IN_PROGRESS);
    case IDEMPOTENCY_OTHER:
        return refuse_repeat(r, ERR_KEY_REUSED);
    case IDEMPOTENCY_ANSWERED:
        r->txn = i->txn;
        answer_again(r);
        return false;
    case IDEMPOTENCY_AGAIN:
        r->txn = i->txn;
        r->again = true;
        break;
    case IDEMPOTENCY_FRESH:
        break;
    }
    r->repeat->keeps = true;
    return true;
}

/* ---- the answer ---- */

static void put_headers(const struct answer *a, struct jbuf *out) {
    jb_raw(out, "{");
    if (a->content_type != NULL)
        jb_kstr(out, "type", a->content_type);
    if (a->location != NULL)
        jb_kstr(out, "location", a->location);
    if (a->etag[0] != '\0')
        jb_kstr(out, "etag", a->etag);
    if (a->detail != NULL) { /* no headers, but what the record of a repeated request tells */
        jb_kstr(out, "code", err_name(a->code));
        jb_kstr(out, "detail", a->detail);
    }
    jb_raw(out, "}");
}

/* Not stored: an unknown outcome, and an answer with a secret. Then only the txn is stored, by which the
 * worker knows the command. An error that may pass frees the key, because nothing was done. */
bool idempotency_take_answer(struct request *r) {
    const struct answer *a = &r->answer;
    if (r->repeat == NULL || !r->repeat->keeps)
        return false;
    r->repeat->keeps = false;
    if (a->code == ERR_OUTCOME_UNKNOWN || a->no_store)
        return false;
    struct idempotency *i = &r->repeat->claim;
    bool passing = a->status >= 500 || a->status == 429 || a->status == 401;
    struct jbuf headers = {0};
    put_headers(a, &headers);
    i->status = passing ? 0 : a->status;
    i->headers = arena_strdup(r->arena, headers.p);
    i->content = a->body.n > 0 ? a->body.p : "";
    jb_free(&headers);
    return true;
}

void idempotency_on_kept(struct request *r, enum err_code code) {
    struct err err = {0};
    if (code == ERR_OK && r->repeat->claim.verdict == IDEMPOTENCY_ANSWERED)
        answer_again(r);
    /* a refusal is true, stored or not */
    if (code == ERR_OK || r->answer.status / 100 != 2)
        return;
    (void)err_set(&err, ERR_OUTCOME_UNKNOWN,
                  "The answer cannot be kept now; repeat the request, or ask for txn %s", r->txn.s);
    answer_err(r, &err);
}
