#include "schemas/api/ssf.h"

#include "schemas/api/delivery.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>

#define PROV "urn:ietf:params:scim:event:prov:"
#define RISC "https://schemas.openid.net/secevent/risc/event-type/"
#define CAEP "https://schemas.openid.net/secevent/caep/event-type/"
#define AS_IT_IS(type)                                                                                       \
    {                                                                                                        \
        PROV type, "scim", SSF_OF_ALL, {                                                                     \
            PROV type                                                                                        \
        }                                                                                                    \
    }

/* The order is that of the tokens that one record becomes. */
static const struct ssf_event events[] = {
    AS_IT_IS("create:notice"),
    AS_IT_IS("create:full"),
    AS_IT_IS("put:notice"),
    AS_IT_IS("put:full"),
    AS_IT_IS("patch:notice"),
    AS_IT_IS("patch:full"),
    AS_IT_IS("delete"),
    AS_IT_IS("activate"),
    AS_IT_IS("deactivate"),
    {RISC "account-disabled", "account-disabled", SSF_OF_USERS, {PROV "deactivate"}},
    {RISC "account-enabled", "account-enabled", SSF_OF_USERS, {PROV "activate"}},
    {RISC "account-purged", "account-purged", SSF_OF_USERS, {PROV "delete"}},
    {RISC "identifier-changed",
     "identifier-changed",
     SSF_OF_IDENTIFIERS,
     {PROV "put:notice", PROV "put:full", PROV "patch:notice", PROV "patch:full"}},
    {CAEP "session-revoked", "session-revoked", SSF_OF_USERS, {PROV "deactivate", PROV "delete"}},
};
#define NEVENTS (sizeof events / sizeof *events)

static const char *const formats[] = {"email", "iss_sub", "scim", NULL};
static const char *const signatures[] = {"RS256", "ES256", NULL};

const struct ssf_event *ssf_event_at(size_t i) {
    return i < NEVENTS ? &events[i] : NULL;
}

static bool list_has(const json_t *list, const char *text) {
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)list, i, v) {
        if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
            return true;
    }
    return false;
}

json_t *ssf_delivered(const json_t *requested) {
    json_t *list = json_array();
    for (size_t i = 0; i < NEVENTS; i++)
        if (list_has(requested, events[i].uri))
            jsonx_push(list, json_string(events[i].uri));
    return list;
}

json_t *ssf_sources(const json_t *delivered) {
    json_t *list = json_array();
    jsonx_push(list, json_string(SSF_VERIFICATION));
    jsonx_push(list, json_string(SSF_UPDATED));
    for (size_t i = 0; i < NEVENTS; i++)
        for (size_t k = 0; list_has(delivered, events[i].uri) && events[i].sources[k] != NULL; k++)
            if (!list_has(list, events[i].sources[k]))
                jsonx_push(list, json_string(events[i].sources[k]));
    return list;
}

/* ---- what a receiver sends ---- */

static bool ssf_is_choice(const json_t *v, const char *const *choices) {
    for (size_t i = 0; json_is_string(v) && choices[i] != NULL; i++)
        if (strcmp(json_string_value(v), choices[i]) == 0)
            return true;
    return false;
}

/* Printable, so that it can stand in a header and in a line of a log. */
static bool is_line(const json_t *v) {
    const char *text = json_string_value(v);
    size_t n = json_string_length(v);
    if (text == NULL || n == 0 || n > SSF_TEXT_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

/* A member with a few choices: the first one is the default. */
static enum err_code read_choice(const json_t *body, const char *name, const char *as,
                                 const char *const *choices, bool whole, json_t *out, struct err *err) {
    json_t *v = json_object_get(body, name);
    if (v != NULL && !json_is_null(v) && !ssf_is_choice(v, choices))
        return err_set_path(err, ERR_INVALID_VALUE, name, "%s must be %s, %s%s%s", name, choices[0],
                            choices[1], choices[2] != NULL ? " or " : "",
                            choices[2] != NULL ? choices[2] : "");
    if (json_is_string(v))
        jsonx_put(out, as, json_incref(v));
    else if (whole || v != NULL)
        jsonx_put(out, as, json_string(choices[0]));
    return ERR_OK;
}

static enum err_code read_requested(const json_t *body, bool whole, json_t *out, struct err *err) {
    json_t *v = json_object_get(body, "events_requested"), *one;
    size_t i;
    if (v == NULL || json_is_null(v)) {
        if (whole || v != NULL)
            jsonx_put(out, "requested", json_null());
        return ERR_OK;
    }
    bool good = json_is_array(v) && json_array_size(v) <= SSF_REQUESTED_MAX;
    json_array_foreach(v, i, one) good = good && is_line(one);
    if (!good)
        return err_set_path(err, ERR_INVALID_VALUE, "events_requested",
                            "events_requested must be a list of at most %d event URIs", SSF_REQUESTED_MAX);
    jsonx_put(out, "requested", jsonx_copy(v));
    return ERR_OK;
}

static enum err_code read_description(const json_t *body, bool whole, json_t *out, struct err *err) {
    json_t *v = json_object_get(body, "description");
    if (v != NULL && !json_is_null(v) && !is_line(v))
        return err_set_path(err, ERR_INVALID_VALUE, "description",
                            "description must be a text of one line, of 1 to %d bytes", SSF_TEXT_MAX);
    if (v != NULL || whole)
        jsonx_put(out, "description", json_is_string(v) ? json_incref(v) : json_null());
    return ERR_OK;
}

static enum err_code read_audience(const json_t *body, json_t *out, struct err *err) {
    json_t *v = json_object_get(body, "aud"), *one;
    size_t i;
    if (v == NULL || json_is_null(v))
        return ERR_OK;
    bool good = is_line(v) || (json_array_size(v) >= 1 && json_array_size(v) <= SSF_AUDIENCES_MAX);
    if (json_is_array(v))
        json_array_foreach(v, i, one) good = good && is_line(one);
    if (!good)
        return err_set_path(err, ERR_INVALID_VALUE, "aud", "aud must be a text, or a list of 1 to %d texts",
                            SSF_AUDIENCES_MAX);
    jsonx_put(out, "aud", jsonx_copy(v));
    return ERR_OK;
}

static enum err_code read_push(const json_t *delivery, json_t *out, const char **header, struct err *err) {
    const json_t *url = json_object_get(delivery, "endpoint_url"),
                 *given = json_object_get(delivery, "authorization_header");
    if (delivery_check_url(json_is_string(url) ? json_string_value(url) : "", true, err) != ERR_OK)
        return err_set_path(err, ERR_INVALID_VALUE, "delivery.endpoint_url",
                            "endpoint_url must be an address like https://receiver.example.com/events, of at "
                            "most %d bytes, without user, password and fragment",
                            DELIVERY_URL_MAX);
    if (given != NULL && !json_is_null(given) && !is_line(given))
        return err_set_path(err, ERR_INVALID_VALUE, "delivery.authorization_header",
                            "authorization_header must be the value of a header, of at most %d bytes",
                            SSF_TEXT_MAX);
    *header = json_is_string(given) ? json_string_value(given) : "";
    jsonx_put(out, "method", json_string(SSF_PUSH));
    jsonx_put(out, "url", jsonx_copy(url));
    return ERR_OK;
}

/* No delivery at all means poll, whose URL is ours. */
static enum err_code read_delivery(const json_t *body, bool whole, json_t *out, const char **header,
                                   struct err *err) {
    const json_t *v = json_object_get(body, "delivery"), *method = json_object_get(v, "method");
    *header = NULL;
    if (v == NULL && !whole)
        return ERR_OK;
    if (v != NULL && !json_is_object(v))
        return err_set_path(err, ERR_INVALID_VALUE, "delivery", "delivery must be an object");
    if (json_is_string(method) && strcmp(json_string_value(method), SSF_PUSH) == 0)
        return read_push(v, out, header, err);
    if (v != NULL && (!json_is_string(method) || strcmp(json_string_value(method), SSF_POLL) != 0))
        return err_set_path(err, ERR_INVALID_VALUE, "delivery.method",
                            "delivery.method must be " SSF_PUSH " or " SSF_POLL);
    *header = "";
    jsonx_put(out, "method", json_string(SSF_POLL));
    return ERR_OK;
}

enum err_code ssf_read(const json_t *body, bool whole, bool may_name_audience, json_t *out,
                       const char **header, struct err *err) {
    if (read_delivery(body, whole, out, header, err) != ERR_OK ||
        read_requested(body, whole, out, err) != ERR_OK ||
        read_description(body, whole, out, err) != ERR_OK ||
        read_choice(body, "subject_format", "format", formats, whole, out, err) != ERR_OK ||
        read_choice(body, "signing_alg", "signature", signatures, whole, out, err) != ERR_OK)
        return err->code;
    return may_name_audience ? read_audience(body, out, err) : ERR_OK;
}

static enum err_code check_same(const json_t *body, const char *name, const json_t *is, struct err *err) {
    const json_t *v = json_object_get(body, name);
    return v == NULL || json_equal(v, is)
               ? ERR_OK
               : err_set_path(err, ERR_INVALID_VALUE, name,
                              "%s is set by the transmitter, and is another one", name);
}

enum err_code ssf_agrees(const json_t *body, const char *id, const json_t *doc, struct err *err) {
    static const char *const members[] = {
        "stream_id", "iss", "aud", "events_supported", "events_delivered", "min_verification_interval", NULL};
    struct jbuf text = {0};
    ssf_put_stream(&text, id, doc);
    json_t *shown = json_loadb(text.p, text.n, 0, NULL);
    enum err_code code = ERR_OK;
    /* What a change of events_requested does to events_delivered cannot have been sent back yet. */
    for (size_t i = 0; code == ERR_OK && members[i] != NULL; i++)
        if (strcmp(members[i], "events_delivered") != 0 ||
            json_equal(json_object_get(body, "events_requested"), json_object_get(shown, "events_requested")))
            code = check_same(body, members[i], json_object_get(shown, members[i]), err);
    json_decref(shown);
    jb_free(&text);
    return code;
}

enum err_code ssf_check_subject(const json_t *subject, struct err *err) {
    struct jbuf text = {0};
    bool good = json_is_object(subject) && is_line(json_object_get(subject, "format"));
    if (good)
        jsonx_text(subject, &text);
    good = good && text.n <= SSF_SUBJECT_MAX;
    jb_free(&text);
    return good ? ERR_OK
                : err_set_path(err, ERR_INVALID_VALUE, "subject",
                               "subject must be an object with a format (RFC 9493), of at most %d bytes",
                               SSF_SUBJECT_MAX);
}

/* ---- what it is shown ---- */

void ssf_put_supported(struct jbuf *out) {
    jb_raw(out, "[");
    for (size_t i = 0; i < NEVENTS; i++) {
        jb_sep(out);
        jb_str(out, events[i].uri);
    }
    jb_raw(out, "]");
}

static void put_shown(struct jbuf *out, const char *name, const json_t *value) {
    jb_key(out, name);
    jsonx_text(value, out);
}

void ssf_put_stream(struct jbuf *out, const char *id, const json_t *doc) {
    const json_t *s = json_object_get(doc, "stream");
    jb_raw(out, "{");
    jb_kstr(out, "stream_id", id);
    put_shown(out, "iss", json_object_get(s, "iss"));
    put_shown(out, "aud", json_object_get(s, "aud"));
    jb_key(out, "events_supported");
    ssf_put_supported(out);
    if (json_is_array(json_object_get(s, "requested")))
        put_shown(out, "events_requested", json_object_get(s, "requested"));
    put_shown(out, "events_delivered", json_object_get(s, "delivered"));
    jb_key(out, "delivery");
    jb_raw(out, "{");
    put_shown(out, "method", json_object_get(s, "method"));
    put_shown(out, "endpoint_url", json_object_get(doc, "url"));
    jb_raw(out, "}");
    if (json_is_string(json_object_get(s, "description")))
        put_shown(out, "description", json_object_get(s, "description"));
    jb_kint(out, "min_verification_interval", SSF_VERIFY_EVERY_S);
    put_shown(out, "subject_format", json_object_get(s, "format"));
    put_shown(out, "signing_alg", json_object_get(doc, "signature"));
    jb_raw(out, "}");
}
