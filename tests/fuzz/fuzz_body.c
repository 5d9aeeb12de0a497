/* Request bodies: the strict parser, then resources of POST and PUT. */
#include "schemas/patch/flat.h"
#include "schemas/resource/body.h"
#include "schemas/resource/resource.h"
#include "schemas/types/attr_path.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const struct body_limits limits = {.max_bytes = 1 << 20, .max_depth = 32, .max_elements = 20000};

static size_t depth_of(const json_t *v) {
    size_t i, deepest = 0;
    const char *name;
    json_t *part;
    json_array_foreach((json_t *)v, i, part) {
        size_t d = depth_of(part);
        deepest = d > deepest ? d : deepest;
    }
    json_object_foreach((json_t *)v, name, part) {
        size_t d = depth_of(part);
        deepest = d > deepest ? d : deepest;
    }
    return json_is_array(v) || json_is_object(v) ? deepest + 1 : 0;
}

/* A PUT of what is stored changes nothing (P8, C5). */
static void check_replace(const struct resource_type *rt, const json_t *doc, struct arena *a) {
    struct err err = {0};
    struct resource_change *rows = NULL;
    json_t *after = NULL;
    FUZZ_CHECK(resource_replace(rt, doc, doc, NULL, &after, &err) == ERR_OK,
               "a document cannot replace itself: %s", err_text(&err));
    if (!json_equal(after, (json_t *)doc) || resource_diff(rt, doc, after, a, &rows) != 0)
        fuzz_fail("replaced by itself a document changes: %s -> %s", json_dumps(doc, JSON_COMPACT),
                  json_dumps(after, JSON_COMPACT));
    json_decref(after);
}

/* What a PUT clears is a path of the type, and gone from what it gives. */
static void check_cleared(const struct resource_type *rt, const json_t *doc, const json_t *cleared,
                          struct arena *a) {
    struct err err = {0};
    struct resource_change *rows = NULL;
    json_t *after = NULL, *full = fuzz_document(rt), *path;
    size_t i;
    json_array_foreach((json_t *)cleared, i, path) {
        struct attr_path at;
        const char *text = json_string_value(path);
        FUZZ_CHECK(text != NULL &&
                       attr_path_resolve(rt, text, strlen(text), ERR_INVALID_PATH, &at, &err) == ERR_OK,
                   "a cleared path that is none: %s", text != NULL ? text : "no text");
    }
    enum err_code code = resource_replace(rt, full, doc, cleared, &after, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_MUTABILITY, "resource_replace gives %s", err_name(code));
    if (code == ERR_OK) {
        fuzz_check_document(rt, after, "a replaced document");
        size_t changes = resource_diff(rt, full, after, a, &rows);
        FUZZ_CHECK((changes == 0) == json_equal(full, after), "%zu changes by a PUT", changes);
    }
    json_decref(after);
    json_decref(full);
}

static void check_members(const json_t *members) {
    size_t i;
    json_t *id;
    json_array_foreach((json_t *)members, i, id) {
        FUZZ_CHECK(json_is_string(id) && json_string_length(id) > 0, "a member without id");
        for (size_t k = 0; k < i; k++)
            FUZZ_CHECK(!json_equal(id, json_array_get(members, k)), "a member twice");
    }
}

/* What the door does first. A document made of it must be one that has no paths for names. */
static json_t *check_flat(const struct fuzz_input *in, const json_t *body, struct arena *a) {
    struct err err = {0};
    json_t *plain, *again;
    const char *const *ignored;
    enum err_code code = flat_body(in->rt, in->dialect, body, a, &plain, &ignored, &err);
    if (code != ERR_OK) {
        FUZZ_CHECK(code == ERR_INVALID_SYNTAX || code == ERR_NO_TARGET || code == ERR_TOO_MANY,
                   "flat_body gives %s", err_name(code));
        FUZZ_CHECK(err.detail[0] != '\0' && plain == NULL, "half a refusal");
        return NULL;
    }
    for (size_t i = 0; ignored != NULL && ignored[i] != NULL; i++)
        FUZZ_CHECK(i < IGNORED_MAX && strlen(ignored[i]) <= IGNORED_MAX_BYTES, "an ignored name too much");
    code = flat_body(in->rt, in->dialect, plain, a, &again, &ignored, &err);
    FUZZ_CHECK(code == ERR_OK && json_equal(again, plain), "a body that is flat again");
    json_decref(again);
    return plain;
}

static void check_resource(const struct fuzz_input *in, const json_t *body, struct arena *a) {
    struct err err = {0};
    json_t *doc = NULL, *members = NULL, *cleared = NULL;
    enum err_code code = resource_normalise(in->rt, in->dialect, body, &doc, &members, &cleared, &err);
    if (code != ERR_OK) {
        FUZZ_CHECK(code == ERR_INVALID_SYNTAX || code == ERR_INVALID_VALUE, "resource_normalise gives %s",
                   err_name(code));
        FUZZ_CHECK(err.detail[0] != '\0' && doc == NULL && members == NULL && cleared == NULL,
                   "half a refusal");
        return;
    }
    check_members(members);
    check_cleared(in->rt, doc, cleared, a);
    fuzz_check_document(in->rt, doc, "a normalised body");
    resource_default(in->rt, doc);
    fuzz_check_document(in->rt, doc, "a document with its defaults");
    check_replace(in->rt, doc, a);
    char *search = resource_search_text(in->rt, doc);
    json_decref(fuzz_parse(search, "the searchable form"));
    free(search);

    struct jbuf out = {0};
    char *stored = json_dumps(doc, JSON_COMPACT);
    struct resource_row row = {.id = "0190c5a4-0000-7000-8000-00000000000a", .doc = stored, .version = 1};
    resource_render(in->rt, &row, NULL, "https://usher.example/scim/v2", &out);
    json_decref(fuzz_parse(out.p, "a representation"));
    jb_free(&out);
    free(stored);
    json_decref(doc);
    json_decref(members);
    json_decref(cleared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct fuzz_input in;
    struct err err = {0};
    json_t *body = NULL;
    fuzz_input(data, size, a, &in);
    enum err_code code = body_parse(in.text, in.len, &limits, &body, &err);
    if (code == ERR_OK) {
        FUZZ_CHECK(json_is_object(body), "a body that is no object");
        FUZZ_CHECK(depth_of(body) <= limits.max_depth, "a body of depth %zu", depth_of(body));
        json_t *given = json_deep_copy(body);
        json_t *plain = check_flat(&in, body, a);
        check_resource(&in, body, a);
        if (plain != NULL && plain != body)
            check_resource(&in, plain, a);
        json_decref(plain);
        FUZZ_CHECK(json_equal(given, body), "the body was changed");
        json_decref(given);
        json_decref(body);
    } else {
        FUZZ_CHECK(code == ERR_INVALID_SYNTAX || code == ERR_TOO_LARGE, "body_parse gives %s",
                   err_name(code));
        FUZZ_CHECK(err.detail[0] != '\0', "body_parse refuses without a reason");
    }
    arena_free(a);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    return fuzz_mutate_json(data, size, max_size, seed);
}
