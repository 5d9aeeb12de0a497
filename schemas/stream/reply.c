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

/* Cuts the text of the top-level member "doc" out of a valid JSON object, byte for byte, so that the answer
 * shows exactly what the worker stored. NULL if there is none. */
static char *slice_doc(const char *p, const char *end) {
    static const char name[] = "\"doc\":{";
    const char *start = NULL;
    int depth = 0;
    for (; p < end; p++) {
        if (depth == 1 && start == NULL && (size_t)(end - p) >= sizeof name - 1 &&
            memcmp(p, name, sizeof name - 1) == 0) {
            p += sizeof name - 2;
            start = p;
        }
        if (*p == '"') {
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\';
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (--depth == 1 && start != NULL) {
                size_t n = (size_t)(p + 1 - start);
                char *doc = xmalloc(n + 1);
                memcpy(doc, start, n);
                doc[n] = '\0';
                return doc;
            }
        }
    }
    return NULL;
}

static bool get_doc(const json_t *o, const char *buf, size_t len, char **doc, struct err *err) {
    const json_t *v = json_object_get(o, "doc");
    if (v == NULL)
        return true;
    *doc = json_is_object(v) ? slice_doc(buf, buf + len) : NULL;
    return *doc != NULL || wire_bad(err, "doc", "not an object in compact form");
}

enum err_code reply_decode(const char *buf, size_t len, struct reply *r, struct err *err) {
    memset(r, 0, sizeof *r);
    json_t *root = wire_load(buf, len, COMMAND_VERSION, err);
    if (root == NULL)
        return ERR_DECODE;
    bool ok = wire_uuid(root, "txn", false, &r->txn, err) && wire_code(root, "code", &r->code, err) &&
              wire_text(root, "detail", true, r->detail, sizeof r->detail, err) &&
              wire_text(root, "path", true, r->path, sizeof r->path, err) &&
              wire_uuid(root, "id", true, &r->id, err) &&
              wire_int(root, "version", 0, INT64_MAX, &r->version, err) &&
              wire_time(root, "created", true, &r->created_us, err) &&
              wire_time(root, "modified", true, &r->modified_us, err) &&
              get_doc(root, buf, len, &r->doc, err);
    if (json_is_object(json_object_get(root, "dry")))
        r->dry = json_dumps(json_object_get(root, "dry"), JSON_COMPACT);
    r->first = json_is_true(json_object_get(root, "first"));
    json_decref(root);
    if (!ok)
        reply_clear(r);
    return ok ? ERR_OK : ERR_DECODE;
}

void reply_clear(struct reply *r) {
    free(r->doc);
    free(r->dry);
    r->doc = r->dry = NULL;
}
