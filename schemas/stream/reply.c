#include "ops/runtime/clock.h"
#include "ops/runtime/jscan.h"
#include "ops/runtime/mem.h"
#include "schemas/stream/command_impl.h"

#include <stdlib.h>
#include <string.h>

void reply_encode(const struct reply *r, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kint(out, "v", COMMAND_VERSION);
    jb_kstr(out, "txn", r->txn.s);
    jb_kstr(out, "code", err_name(r->code));
    wire_put_detail(out, r->detail);
    if (r->path[0] != '\0')
        jb_kstr(out, "path", r->path);
    jb_kstr(out, "id", r->id.s[0] != '\0' ? r->id.s : NULL);
    if (r->first)
        jb_kbool(out, "first", true);
    jb_kint(out, "version", r->version);
    wire_put_time(out, "created", r->created_us);
    wire_put_time(out, "modified", r->modified_us);
    if (r->dry != NULL)
        jb_kraw(out, "dry", r->dry);
    if (r->doc != NULL)
        jb_kraw(out, "doc", r->doc);
    jb_raw(out, "}");
}

/* The members, in the order of the encoding. */
enum {
    M_V,
    M_TXN,
    M_CODE,
    M_DETAIL,
    M_PATH,
    M_ID,
    M_FIRST,
    M_VERSION,
    M_CREATED,
    M_MODIFIED,
    M_DRY,
    M_DOC,
    MEMBERS
};
static const char *const members[MEMBERS] = {"v",     "txn",     "code",    "detail",   "path", "id",
                                             "first", "version", "created", "modified", "dry",  "doc"};

static bool is_none(const struct js_value *v) {
    return v->kind == JS_NONE || v->kind == JS_NULL;
}

/* A text that must fit into out; every text that usher writes does, and none has a NUL. */
static bool get_text(const struct js_value *m, int at, char *out, size_t size, struct err *err) {
    out[0] = '\0';
    if (m[at].kind != JS_TEXT)
        return wire_bad(err, members[at], "not a string");
    size_t n = js_unescape(&m[at], out, size);
    if (n < size && strlen(out) == n)
        return true;
    out[0] = '\0';
    return wire_bad(err, members[at], n < size ? "has a NUL" : "too long");
}

static bool get_text_if_any(const struct js_value *m, int at, char *out, size_t size, struct err *err) {
    out[0] = '\0';
    return is_none(&m[at]) || get_text(m, at, out, size, err);
}

static bool get_id(const struct js_value *m, int at, struct uuid *out, struct err *err) {
    char text[sizeof out->s];
    return (m[at].kind == JS_TEXT && js_unescape(&m[at], text, sizeof text) < sizeof text &&
            uuid_parse(text, out)) ||
           wire_bad(err, members[at], "not a UUID");
}

static bool get_time(const struct js_value *m, int at, int64_t *us, struct err *err) {
    char text[64];
    *us = 0;
    return is_none(&m[at]) ||
           (m[at].kind == JS_TEXT && js_unescape(&m[at], text, sizeof text) < sizeof text &&
            rfc3339_parse(text, us)) ||
           wire_bad(err, members[at], "not a time stamp");
}

static bool get_code(const struct js_value *m, enum err_code *code, struct err *err) {
    char text[64];
    if (m[M_CODE].kind != JS_TEXT || js_unescape(&m[M_CODE], text, sizeof text) >= sizeof text)
        return wire_bad(err, members[M_CODE], "not the name of an error");
    *code = err_from_name(text);
    return true;
}

/* The object's text byte for byte, so that the answer shows exactly what the worker stored. */
static bool get_object(const struct js_value *m, int at, char **out, struct err *err) {
    if (m[at].kind == JS_NONE)
        return true;
    if (m[at].kind != JS_OBJECT)
        return wire_bad(err, members[at], "not an object");
    *out = xstrndup(m[at].p, m[at].n);
    return true;
}

static bool get_all(const struct js_value *m, struct reply *r, struct err *err) {
    r->first = m[M_FIRST].kind == JS_TRUE;
    r->version = m[M_VERSION].number;
    if (m[M_V].kind != JS_INT || m[M_V].number != COMMAND_VERSION)
        return wire_bad(err, members[M_V], "not this version");
    if (m[M_VERSION].kind != JS_INT || r->version < 0)
        return wire_bad(err, members[M_VERSION], "not an integer in range");
    return get_id(m, M_TXN, &r->txn, err) && get_code(m, &r->code, err) &&
           get_text_if_any(m, M_DETAIL, r->detail, sizeof r->detail, err) &&
           get_text_if_any(m, M_PATH, r->path, sizeof r->path, err) &&
           (is_none(&m[M_ID]) || get_id(m, M_ID, &r->id, err)) &&
           get_time(m, M_CREATED, &r->created_us, err) && get_time(m, M_MODIFIED, &r->modified_us, err) &&
           get_object(m, M_DRY, &r->dry, err) && get_object(m, M_DOC, &r->doc, err);
}

enum err_code reply_decode(const char *buf, size_t len, struct reply *r, struct err *err) {
    struct js_value m[MEMBERS];
    memset(r, 0, sizeof *r);
    if (buf == NULL || !js_members(buf, len, members, MEMBERS, m))
        return err_set(err, ERR_DECODE, "not a JSON object");
    if (get_all(m, r, err))
        return ERR_OK;
    reply_clear(r);
    return ERR_DECODE;
}

void reply_clear(struct reply *r) {
    free(r->doc);
    free(r->dry);
    r->doc = r->dry = NULL;
}
