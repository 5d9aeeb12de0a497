#include "schemas/api/ssf_set.h"

#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define USERS "/Users/"

/* What the tokens of one message are made of. */
struct source {
    const struct ssf_message *m;
    const char *stream_id;
    const json_t *doc, *stream;
    json_t *claims, *about;
    const char *uri, *user; /* of the subject; user: its id, NULL: it is none */
    const char *email, *was;
};

static const char *member_text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

/* ---- subjects ---- */

static bool names_it(const json_t *subject, const char *name, const char *is, bool folded) {
    const char *text = member_text(subject, name);
    return text != NULL && is != NULL && (folded ? strcasecmp(text, is) : strcmp(text, is)) == 0;
}

static bool is_subject(const struct source *s, const json_t *subject) {
    const char *format = member_text(subject, "format");
    if (format == NULL)
        return false;
    if (strcmp(format, "email") == 0)
        return names_it(subject, "email", s->email, true);
    if (strcmp(format, "scim") == 0)
        return names_it(subject, "uri", s->uri, false);
    return strcmp(format, "iss_sub") == 0 && names_it(subject, "sub", s->user, false) &&
           names_it(subject, "iss", member_text(s->stream, "iss"), false);
}

static bool is_removed(const struct source *s) {
    size_t i;
    json_t *subject;
    json_array_foreach(json_object_get(s->stream, "removed"), i, subject) {
        if (is_subject(s, subject))
            return true;
    }
    return false;
}

/* As the stream wants it; a user without an address is named by his id. */
static void put_subject(struct jbuf *b, const struct source *s) {
    const char *format = member_text(s->stream, "format");
    jb_raw(b, "{");
    if (strcmp(format, "email") == 0 && s->email != NULL) {
        jb_kstr(b, "format", "email");
        jb_kstr(b, "email", s->email);
    } else if (strcmp(format, "scim") == 0) {
        jb_kstr(b, "format", "scim");
        jb_kstr(b, "uri", s->uri);
    } else {
        jb_kstr(b, "format", "iss_sub");
        jb_kstr(b, "iss", member_text(s->stream, "iss"));
        jb_kstr(b, "sub", s->user);
    }
    jb_raw(b, "}");
}

/* ---- events ---- */

static void put_revoked(struct jbuf *b, const struct source *s) {
    bool deleted = strstr(s->m->type, ":delete") != NULL;
    jb_raw(b, "{");
    jb_kint(b, "event_timestamp", s->m->at_us / 1000000);
    jb_kstr(b, "initiating_entity", "admin");
    jb_key(b, "reason_admin");
    jb_raw(b, "{");
    jb_kstr(b, "en", deleted ? "The account was deleted" : "The account was deactivated");
    jb_raw(b, "}}");
}

/* The subject and the payload of an event that is not the record's own. */
static void put_event(struct jbuf *b, const struct source *s, const struct ssf_event *e) {
    jb_key(b, "sub_id");
    if (e->about == SSF_OF_IDENTIFIERS) {
        jb_raw(b, "{\"format\":\"email\"");
        jb_kstr(b, "email", s->was);
        jb_raw(b, "}");
    } else {
        put_subject(b, s);
    }
    jb_key(b, "events");
    jb_raw(b, "{");
    jb_key(b, e->uri);
    if (strcmp(e->part, "session-revoked") == 0) {
        put_revoked(b, s);
    } else {
        jb_raw(b, "{");
        if (e->about == SSF_OF_IDENTIFIERS && s->email != NULL)
            jb_kstr(b, "new-value", s->email);
        jb_raw(b, "}");
    }
    jb_raw(b, "}");
}

static void put_own(struct jbuf *b, const struct source *s) {
    static const char *const members[] = {"sub_id", "events"};
    for (size_t i = 0; i < 2; i++) {
        jb_key(b, members[i]);
        jsonx_text(json_object_get(s->claims, members[i]), b);
    }
}

/* e NULL: the record's own event. */
static void put_set(const struct source *s, const struct ssf_event *e, struct arena *a, struct ssf_set *out) {
    struct jbuf b = {0};
    const char *part = e != NULL ? e->part : "ssf";
    out->type = e != NULL ? e->uri : ssf_is_told_at_once(s->m->type) ? SSF_UPDATED : SSF_VERIFICATION;
    out->jti = arena_printf(a, "%s/%s/%s", s->m->event, part, s->stream_id);
    jb_raw(&b, "{");
    jb_kstr(&b, "iss", member_text(s->stream, "iss"));
    jb_key(&b, "aud");
    jsonx_text(json_object_get(s->stream, "aud"), &b);
    jb_kint(&b, "iat", s->m->at_us / 1000000);
    jb_kstr(&b, "jti", out->jti);
    jb_kstr(&b, "txn", member_text(s->claims, "txn"));
    if (e == NULL || e->about == SSF_OF_ALL)
        put_own(&b, s);
    else
        put_event(&b, s, e);
    jb_raw(&b, "}");
    out->claims = arena_strndup(a, b.p, b.n);
    jb_free(&b);
}

static bool comes_of(const struct ssf_event *e, const struct source *s) {
    size_t i, k = 0;
    json_t *uri;
    while (e->sources[k] != NULL && strcmp(e->sources[k], s->m->type) != 0)
        k++;
    if (e->sources[k] == NULL || (e->about != SSF_OF_ALL && s->user == NULL) ||
        (e->about == SSF_OF_IDENTIFIERS && s->was == NULL))
        return false;
    json_array_foreach(json_object_get(s->stream, "delivered"), i, uri) {
        if (strcmp(json_string_value(uri), e->uri) == 0)
            return true;
    }
    return false;
}

/* The log is the workspace's: what is about its other streams stands there too. */
static bool is_about_it(const struct source *s) {
    const char *id = member_text(json_object_get(s->claims, "sub_id"), "id");
    return id != NULL && strcmp(id, s->stream_id) == 0;
}

/* Only the status that it has: one from before would mislead whoever hears of it later. */
static bool is_its_status(const struct source *s) {
    const char *status =
                   member_text(json_object_get(json_object_get(s->claims, "events"), SSF_UPDATED), "status"),
               *state = member_text(s->doc, "state");
    return status != NULL && state != NULL && strcmp(status, state) == 0;
}

static size_t sets_of(const struct source *s, struct arena *a, struct ssf_set out[SSF_SETS_MAX]) {
    size_t n = 0;
    const json_t *from = json_object_get(s->stream, "from");
    bool updated = ssf_is_told_at_once(s->m->type);
    if (updated || strcmp(s->m->type, SSF_VERIFICATION) == 0) {
        if (is_about_it(s) && (updated ? is_its_status(s) : s->m->at_us >= json_integer_value(from)))
            put_set(s, NULL, a, &out[n++]);
        return n;
    }
    if (s->m->at_us < json_integer_value(from) || is_removed(s))
        return 0;
    for (size_t i = 0; ssf_event_at(i) != NULL && n < SSF_SETS_MAX; i++)
        if (comes_of(ssf_event_at(i), s))
            put_set(s, ssf_event_at(i), a, &out[n++]);
    return n;
}

size_t ssf_sets(const char *stream, const json_t *doc, const struct ssf_message *m, struct arena *a,
                struct ssf_set out[SSF_SETS_MAX]) {
    struct source s = {.m = m,
                       .stream_id = stream,
                       .doc = doc,
                       .stream = json_object_get(doc, "stream"),
                       .claims = json_loads(m->value, 0, NULL),
                       .about = m->about != NULL ? json_loads(m->about, 0, NULL) : NULL};
    s.uri = member_text(json_object_get(s.claims, "sub_id"), "uri");
    s.user = s.uri != NULL && strncmp(s.uri, USERS, sizeof USERS - 1) == 0 ? s.uri + sizeof USERS - 1 : NULL;
    s.email = member_text(s.about, "email");
    s.was = member_text(s.about, "was");
    size_t n = s.claims != NULL ? sets_of(&s, a, out) : 0;
    json_decref(s.claims);
    json_decref(s.about);
    return n;
}

/* ---- about the stream itself ---- */

bool ssf_is_told_at_once(const char *type) {
    return strcmp(type, SSF_UPDATED) == 0;
}

static void put_about_stream(struct jbuf *out, const char *stream, const char *txn, const char *event) {
    jb_raw(out, "{");
    jb_kstr(out, "txn", txn);
    jb_key(out, "sub_id");
    jb_raw(out, "{\"format\":\"opaque\"");
    jb_kstr(out, "id", stream);
    jb_raw(out, "}");
    jb_key(out, "events");
    jb_raw(out, "{");
    jb_key(out, event);
    jb_raw(out, "{");
}

void ssf_put_verification(struct jbuf *out, const char *stream, const char *txn, const char *state) {
    put_about_stream(out, stream, txn, SSF_VERIFICATION);
    if (state != NULL)
        jb_kstr(out, "state", state);
    jb_raw(out, "}}}");
}

void ssf_put_updated(struct jbuf *out, const char *stream, const char *txn, const char *status,
                     const char *reason) {
    put_about_stream(out, stream, txn, SSF_UPDATED);
    jb_kstr(out, "status", status);
    if (reason != NULL)
        jb_kstr(out, "reason", reason);
    jb_raw(out, "}}}");
}
