/* A document and a PatchOp body for it: {"doc": …, "body": …}, or "ops" for the body's operations alone. */
#include "schemas/patch/patch.h"
#include "schemas/resource/body.h"
#include "schemas/resource/resource.h"
#include "schemas/text/jsonx.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define RESOURCE_ID "0190c5a4-0000-7000-8000-00000000000a"

static const struct body_limits limits = {.max_bytes = 1 << 20, .max_depth = 32, .max_elements = 20000};

static json_t *patch_body(const json_t *input) {
    json_t *body = json_object_get(input, "body"), *ops = json_object_get(input, "ops");
    if (body != NULL)
        return json_deep_copy(body);
    return ops != NULL ? json_pack("{s[s]sO}", "schemas", MESSAGE_PATCH, "Operations", ops) : NULL;
}

/* What the input gives, if it is a resource; else one of ours. */
static json_t *document(const struct fuzz_input *in, const json_t *input) {
    struct err err = {0};
    json_t *doc = NULL, *members = NULL, *given = json_object_get(input, "doc");
    if (!json_is_object(given))
        return fuzz_document(in->rt);
    json_t *copy = json_deep_copy(given);
    if (json_object_get(copy, "schemas") == NULL)
        json_object_set_new(copy, "schemas", json_pack("[s]", in->rt->schema->id));
    enum err_code code = resource_normalise(in->rt, DIALECT_RFC, copy, &doc, &members, NULL, &err);
    json_decref(copy);
    json_decref(members);
    return code == ERR_OK ? doc : fuzz_document(in->rt);
}

/* The operations as the worker gets them. */
static json_t *through_the_log(json_t *ops) {
    struct jbuf text = {0};
    jsonx_text(ops, &text);
    json_t *copy = fuzz_parse(text.p, "a command's operations");
    jb_free(&text);
    return copy;
}

/* What came out is plain: it says the same to whoever reads it again, under any dialect. */
static void check_plain(const struct fuzz_input *in, const json_t *ops) {
    for (int dialect = DIALECT_RFC; dialect <= DIALECT_OKTA; dialect++) {
        struct err err = {0};
        json_t *again = NULL;
        json_t *body = json_pack("{s[s]sO}", "schemas", MESSAGE_PATCH, "Operations", ops);
        enum err_code code = patch_normalise(in->rt, (enum dialect)dialect, body, RESOURCE_ID, &again, &err);
        if (json_array_size(ops) > 0) {
            if (code != ERR_OK || !json_equal(again, (json_t *)ops))
                fuzz_fail("normalised operations are not plain under %s (%s): %s -> %s",
                          dialect_name((enum dialect)dialect), err_text(&err), json_dumps(ops, JSON_COMPACT),
                          again != NULL ? json_dumps(again, JSON_COMPACT) : "nothing");
        }
        json_decref(again);
        json_decref(body);
    }
}

static void check_deltas(const struct member_delta *deltas, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < deltas[i].nids; k++)
            FUZZ_CHECK(deltas[i].ids[k][0] != '\0' || deltas[i].kind == MEMBER_REMOVE, "an empty member id");
        FUZZ_CHECK((deltas[i].kind == MEMBER_REMOVE_IF) == (deltas[i].filter != NULL),
                   "a delta of two kinds");
    }
}

static void check_changes(const struct resource_type *rt, const json_t *before, const json_t *after,
                          struct arena *a) {
    struct resource_change *rows = NULL;
    size_t n = resource_diff(rt, before, after, a, &rows);
    if ((n == 0) != json_equal((json_t *)before, (json_t *)after))
        fuzz_fail("%zu changes between %s and %s", n, json_dumps(before, JSON_COMPACT),
                  json_dumps(after, JSON_COMPACT));
    char *search = resource_search_text(rt, after);
    json_decref(fuzz_parse(search, "the searchable form"));
    free(search);
}

static void apply(const struct fuzz_input *in, json_t *ops, const json_t *doc, struct arena *a) {
    struct err err = {0};
    struct member_delta *deltas = NULL;
    size_t ndeltas = 0;
    json_t *carried = through_the_log(ops), *after = json_deep_copy(doc);
    enum err_code code = patch_apply(in->rt, in->dialect, carried, after, a, &deltas, &ndeltas, &err);
    if (code == ERR_OK) {
        fuzz_check_document(in->rt, after, "a patched document");
        check_deltas(deltas, ndeltas);
        check_changes(in->rt, doc, after, a);
    } else {
        FUZZ_CHECK(code == ERR_NO_TARGET || code == ERR_INVALID_VALUE || code == ERR_MUTABILITY ||
                       code == ERR_TOO_LARGE,
                   "patch_apply gives %s: %s", err_name(code), err_text(&err));
        FUZZ_CHECK(err.detail[0] != '\0', "patch_apply refuses without a reason");
    }
    json_decref(carried);
    json_decref(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct fuzz_input in;
    struct err err = {0};
    json_t *input = NULL, *ops = NULL;
    fuzz_input(data, size, a, &in);
    if (body_parse(in.text, in.len, &limits, &input, &err) == ERR_OK) {
        json_t *body = patch_body(input), *doc = document(&in, input);
        if (body != NULL) {
            json_t *given = json_deep_copy(body);
            enum err_code code = patch_normalise(in.rt, in.dialect, body, RESOURCE_ID, &ops, &err);
            FUZZ_CHECK(json_equal(body, given), "patch_normalise has changed the body");
            FUZZ_CHECK(code == ERR_OK || err_class(code) == ERR_CLASS_REJECT, "patch_normalise gives %s",
                       err_name(code));
            FUZZ_CHECK(code == ERR_OK || err.detail[0] != '\0', "patch_normalise refuses without a reason");
            if (code == ERR_OK) {
                check_plain(&in, ops);
                apply(&in, ops, doc, a);
                json_decref(ops);
            }
            json_decref(given);
        }
        json_decref(body);
        json_decref(doc);
        json_decref(input);
    }
    arena_free(a);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    return fuzz_mutate_json(data, size, max_size, seed);
}
