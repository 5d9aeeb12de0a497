#include "workers/deliver/endpoint.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "ops/runtime/mem.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- out of a claim ---- */

static const char *host_of(struct arena *a, const char *url) {
    const char *from = strstr(url, "://");
    from = from != NULL ? from + 3 : url;
    return arena_strndup(a, from, strcspn(from, "/?"));
}

/* The present secret, and for a while the one before it. */
static bool read_keys(struct endpoint *e, const char *secrets, bool is_pair, bool both,
                      const unsigned char *service) {
    size_t n = strcspn(secrets, " ");
    const char *sealed[2] = {arena_strndup(e->arena, secrets, n), secrets[n] == ' ' ? secrets + n + 1 : NULL};
    for (size_t i = 0; i < 2 && sealed[i] != NULL && (i == 0 || both); i++) {
        if (!delivery_secret_open(sealed[i], service, e->id, &e->keys[e->nkeys].secret))
            return false;
        e->keys[e->nkeys++].is_pair = is_pair;
    }
    return true;
}

static bool read_stream(struct endpoint *e, json_t *doc, const struct delivery_claimed *c,
                        const unsigned char *service, const struct push_keys *keys) {
    struct jbuf header = {0};
    bool good = delivery_text_open(c->secrets, service, e->id, &header);
    e->push = arena_alloc(e->arena, sizeof *e->push);
    *e->push = (struct push){.stream = e->id, .doc = json_incref(doc), .keys = keys};
    if (good && header.n > 0)
        e->push->header = arena_printf(e->arena, "Authorization: %s", header.p);
    jb_free(&header);
    return good;
}

static bool read_doc(struct endpoint *e, const struct delivery_claimed *c, const unsigned char *service,
                     const struct push_keys *keys, int64_t now_us) {
    json_t *doc = json_loads(c->doc, 0, NULL);
    const char *signature = json_string_value(json_object_get(doc, "signature")),
               *url = json_string_value(json_object_get(doc, "url"));
    bool good = url != NULL && signature != NULL;
    if (good && json_object_get(doc, "stream") != NULL)
        good = read_stream(e, doc, c, service, keys);
    else if (good)
        good = read_keys(e, c->secrets, strcmp(signature, DELIVERY_SIGNATURE_ED25519) == 0,
                         json_integer_value(json_object_get(doc, "oldSecretUntil")) > now_us, service);
    if (good) {
        e->url = arena_strdup(e->arena, url);
        e->host = host_of(e->arena, url);
    }
    json_decref(doc);
    return good;
}

static void endpoint_take_messages(struct endpoint *e, const struct delivery_message *messages, size_t n) {
    e->messages = arena_alloc(e->arena, (n + 1) * sizeof *e->messages);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(messages[i].id, e->id) != 0)
            continue;
        struct delivery_message *m = &e->messages[e->nmessages++];
        *m = messages[i];
        m->type = arena_strdup(e->arena, m->type);
        m->event = arena_strdup(e->arena, m->event);
        m->value = arena_strdup(e->arena, m->value);
        m->about = arena_strdup(e->arena, m->about);
        m->traceparent = arena_strdup(e->arena, m->traceparent);
    }
}

struct endpoint *endpoint_new(const struct delivery_claimed *c, const struct delivery_message *messages,
                              size_t n, const unsigned char *service, const struct push_keys *keys,
                              int64_t now_us) {
    struct endpoint *e = xcalloc(1, sizeof *e);
    *e = (struct endpoint){.arena = arena_new(),
                           .turn = c->turn,
                           .version = c->version,
                           .failures = c->failures,
                           .failing_since_us = c->failing_since_us,
                           .cursor = c->cursor,
                           .newest = c->newest,
                           .is_due = c->is_due,
                           .asked = c->asked};
    snprintf(e->workspace, sizeof e->workspace, "%s", c->workspace);
    snprintf(e->id, sizeof e->id, "%s", c->id);
    if (!read_doc(e, c, service, keys, now_us)) {
        endpoint_free(e);
        return NULL;
    }
    endpoint_take_messages(e, messages, n);
    return e;
}

void endpoint_free(struct endpoint *e) {
    if (e->push != NULL)
        json_decref(e->push->doc);
    arena_free(e->arena);
    jb_free(&e->body);
    free(e);
}

/* ---- which message ---- */

/* What was asked for goes first, and leaves the cursor where it is. */
static bool step_asked(struct endpoint *e) {
    if (e->asked < 0)
        return false;
    e->is_asked = true;
    e->now = (struct delivery_message){.number = e->asked, .is_asked = true, .type = "", .event = ""};
    for (size_t i = 0; i < e->nmessages; i++)
        if (e->messages[i].is_asked)
            e->now = e->messages[i];
    if (e->asked == 0)
        e->now = (struct delivery_message){
            .type = "usher.delivery.trial",
            .is_asked = true,
            .event = arena_printf(e->arena, "%s/trial/%s", e->workspace, uuid_v7().s),
            .value = "{}"};
    return true;
}

/* A stream has tokens of what was asked for, or says with the next attempt that it has none. */
static void asked_tokens(struct endpoint *e) {
    if (e->push == NULL)
        return;
    if (e->asked == 0)
        push_trial(e->push, e->now.event, clock_wall_us(), e->arena);
    else if (e->now.value != NULL && !push_begin(e->push, &e->now, e->arena))
        e->now.value = NULL;
}

bool endpoint_step(struct endpoint *e, int64_t *lost) {
    *lost = 0;
    if (e->push != NULL && e->push->at > 0 && e->push->at < e->push->n)
        return true; /* the rest of the same message */
    if (step_asked(e)) {
        asked_tokens(e);
        return true;
    }
    e->is_asked = false;
    for (; e->is_due && e->at < e->nmessages; e->at++) {
        const struct delivery_message *m = &e->messages[e->at];
        if (m->is_asked || m->number <= e->cursor)
            continue;
        *lost += m->number - e->cursor - 1;
        e->cursor = m->number - 1;
        if (m->value != NULL && (e->push == NULL || push_begin(e->push, m, e->arena))) {
            e->now = *m;
            return true;
        }
        e->cursor = m->number;
    }
    /* Numbers have no gaps: behind the cursor there is nothing left but what came since. */
    if (e->is_due && e->nmessages == 0 && e->newest > e->cursor) {
        *lost += e->newest - e->cursor;
        e->cursor = e->newest;
    }
    return false;
}

bool endpoint_next_part(struct endpoint *e) {
    return e->push != NULL && ++e->push->at < e->push->n;
}

/* ---- as it is posted ---- */

void endpoint_letter(struct endpoint *e, int64_t now_us, struct post_message *out) {
    struct jbuf signature = {0};
    int64_t now_s = now_us / 1000000;
    jb_reset(&e->body);
    if (e->push != NULL) {
        *out = (struct post_message){.url = e->url};
        push_letter(e->push, &e->body, out);
        return;
    }
    webhook_body(&e->body, e->now.type, e->now.is_asked && e->now.number == 0 ? now_us : e->now.at_us,
                 e->now.value);
    webhook_sign(&signature, e->keys, e->nkeys, e->now.event, now_s, e->body.p, e->body.n);
    *out = (struct post_message){.url = e->url, .body = e->body.p, .n = e->body.n};
    out->headers[0] = "Content-Type: application/json";
    out->headers[1] = arena_printf(e->arena, "webhook-id: %s", e->now.event);
    out->headers[2] = arena_printf(e->arena, "webhook-timestamp: %" PRId64, now_s);
    out->headers[3] = arena_printf(e->arena, "webhook-signature: %s", signature.p);
    jb_free(&signature);
}
