#include "workers/deliver/push.h"

#include "schemas/stream/record_event.h"

#include <string.h>

bool push_begin(struct push *p, const struct delivery_message *m, struct arena *a) {
    struct ssf_message message = {
        .type = m->type, .event = m->event, .value = m->value, .about = m->about, .at_us = m->at_us};
    p->at = 0;
    p->n = 0;
    if (m->is_asked || !ssf_is_told_at_once(m->type)) /* else it was told when it came */
        p->n = ssf_sets(p->stream, p->doc, &message, a, p->sets);
    return p->n > 0;
}

void push_trial(struct push *p, const char *event, int64_t now_us, struct arena *a) {
    struct jbuf value = {0};
    struct delivery_message m = {.type = SSF_VERIFICATION, .event = event, .at_us = now_us};
    ssf_put_verification(&value, p->stream, event, NULL);
    m.value = arena_strndup(a, value.p, value.n);
    jb_free(&value);
    (void)push_begin(p, &m, a);
}

void push_letter(const struct push *p, struct jbuf *body, struct post_message *out) {
    const char *claims = p->sets[p->at].claims,
               *alg = json_string_value(json_object_get(p->doc, "signature"));
    const struct jws_key *key = strcmp(alg, "ES256") == 0 ? p->keys->es256 : p->keys->rs256;
    jws_sign(key, EVENT_TYPE, claims, strlen(claims), body);
    out->body = body->p;
    out->n = body->n;
    out->headers[0] = "Content-Type: " EVENT_MEDIA_TYPE;
    out->headers[1] = "Accept: application/json";
    out->headers[2] = p->header;
}

const char *push_refused(const struct post_answer *answer, struct arena *a) {
    static const char *const final[] = {"invalid_request",
                                        "invalid_issuer",
                                        "invalid_audience",
                                        "authentication_failed",
                                        "access_denied",
                                        "invalid_state",
                                        NULL};
    if (answer->status != 400)
        return NULL;
    json_t *said = json_loads(answer->shown, JSON_DISABLE_EOF_CHECK, NULL);
    const char *code = json_string_value(json_object_get(said, "err")),
               *why = json_string_value(json_object_get(said, "description")), *found = NULL;
    for (size_t i = 0; code != NULL && found == NULL && final[i] != NULL; i++)
        if (strcmp(code, final[i]) == 0)
            found = arena_printf(a, "the receiver refuses the token for ever: %s%s%.100s", code,
                                 why != NULL ? ", " : "", why != NULL ? why : "");
    json_decref(said);
    return found;
}
