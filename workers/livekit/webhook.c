#include "workers/livekit/webhook.h"

#include "ops/runtime/base64.h"
#include "ops/runtime/hs256.h"
#include "ops/runtime/sha256.h"

#include <string.h>

static enum err_code fake(struct err *err, const char *what) {
    return err_set(err, ERR_UNAUTHORIZED, "%s", what);
}

/* The project whose key the token names, before anything of it is believed. */
static const struct voice_project *signer_of(const struct voice_projects *projects, const char *token) {
    struct jbuf text = {0};
    json_t *claims = hs256_peek(token, strlen(token), &text)
                         ? json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL)
                         : NULL;
    const char *key = json_string_value(json_object_get(claims, "iss"));
    const struct voice_project *p = key != NULL ? voice_project_with_key(projects, key) : NULL;
    json_decref(claims);
    jb_free(&text);
    return p;
}

static bool hash_fits(const char *claimed, const char *body, size_t n) {
    unsigned char due[SHA256_SIZE], given[SHA256_SIZE];
    struct sha256_part part = {body, n};
    size_t ngiven;
    sha256_of(&part, 1, due);
    return claimed != NULL && base64_decode(claimed, strlen(claimed), given, sizeof given, &ngiven) &&
           ngiven == sizeof given && memcmp(given, due, sizeof due) == 0;
}

static enum err_code check_claims(const json_t *claims, const char *body, size_t n, int64_t now_s,
                                  struct err *err) {
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
    if (!json_is_integer(exp) || json_integer_value(exp) + WEBHOOK_SKEW_S < now_s)
        return fake(err, "the token has expired");
    if (nbf != NULL && (!json_is_integer(nbf) || json_integer_value(nbf) - WEBHOOK_SKEW_S > now_s))
        return fake(err, "the token is not good yet");
    if (!hash_fits(json_string_value(json_object_get(claims, "sha256")), body, n))
        return fake(err, "the token is of another body");
    return ERR_OK;
}

enum err_code webhook_check(const struct voice_projects *projects, const char *authorization,
                            const char *body, size_t n, int64_t now_s, struct err *err) {
    struct jbuf text = {0};
    if (authorization == NULL)
        return fake(err, "there is no token");
    if (strncmp(authorization, "Bearer ", 7) == 0)
        authorization += 7;
    const struct voice_project *p = signer_of(projects, authorization);
    if (p == NULL)
        return fake(err, "the token names no key of ours");
    if (!hs256_verify(p->secret, authorization, strlen(authorization), &text))
        return fake(err, "the signature is wrong");
    json_t *claims = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    enum err_code code = check_claims(claims, body, n, now_s, err);
    json_decref(claims);
    jb_free(&text);
    return code;
}

static const struct {
    const char *event;
    enum webhook_kind kind;
} kinds[] = {{"participant_joined", WEBHOOK_JOINED}, {"room_finished", WEBHOOK_ROOM_FINISHED}};

bool webhook_read(const char *body, size_t n, struct webhook *out) {
    *out = (struct webhook){.tree = json_loadb(body, n, JSON_REJECT_DUPLICATES, NULL)};
    const char *event = json_string_value(json_object_get(out->tree, "event"));
    for (size_t i = 0; event != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(event, kinds[i].event) == 0)
            out->kind = kinds[i].kind;
    out->room = json_string_value(json_object_get(json_object_get(out->tree, "room"), "name"));
    out->participant = json_object_get(out->tree, "participant");
    if (event != NULL && (out->kind == WEBHOOK_OTHER || out->room != NULL) &&
        (out->kind != WEBHOOK_JOINED || json_is_object(out->participant)))
        return true;
    webhook_clear(out);
    return false;
}

void webhook_clear(struct webhook *w) {
    json_decref(w->tree);
    *w = (struct webhook){0};
}
