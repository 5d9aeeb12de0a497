/* Attribute paths (sort, projection) and paths of PATCH operations. */
#include "schemas/patch/patch_path.h"
#include "schemas/resource/resource.h"
#include "schemas/types/attr_path.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_attr_path(const struct fuzz_input *in) {
    struct err err = {0};
    struct attr_path path, again;
    char text[400], twice[400];
    enum err_code code = attr_path_resolve(in->rt, in->text, in->len, ERR_INVALID_PATH, &path, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_INVALID_PATH, "attr_path_resolve gives %s", err_name(code));
    FUZZ_CHECK(code == ERR_OK || err.detail[0] != '\0', "attr_path_resolve refuses without a reason");
    if (code != ERR_OK)
        return;
    attr_path_text(&path, text, sizeof text);
    code = attr_path_resolve(in->rt, text, strlen(text), ERR_INVALID_FILTER, &again, &err);
    FUZZ_CHECK(code == ERR_OK, "the text of a path is refused (%s): %s", err_text(&err), text);
    FUZZ_CHECK(again.extension == path.extension && again.attr == path.attr && again.sub == path.sub,
               "the text of a path means something else: %s", text);
    FUZZ_CHECK(strcmp(text, attr_path_text(&again, twice, sizeof twice)) == 0,
               "the text of a path changes: %s", text);
    FUZZ_CHECK(path.attr == NULL || attr_path_target(&path) != NULL, "a path that ends nowhere: %s", text);
}

/* A canonical path is what a command carries: the worker must read what the ingest has read, whatever the
 * dialect. */
static void check_patch_path(const struct fuzz_input *in, struct arena *a) {
    struct err err = {0};
    struct patch_path path, again;
    struct jbuf text = {0};
    enum err_code code = patch_path_parse(in->rt, in->dialect, in->text, in->len, a, &path, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_INVALID_PATH || code == ERR_INVALID_FILTER,
               "patch_path_parse gives %s", err_name(code));
    FUZZ_CHECK(code == ERR_OK || err.detail[0] != '\0', "patch_path_parse refuses without a reason");
    if (code != ERR_OK)
        return;
    patch_path_format(&path, &text);
    for (int dialect = DIALECT_RFC; dialect <= DIALECT_OKTA; dialect++) {
        struct jbuf twice = {0};
        code = patch_path_parse(in->rt, (enum dialect)dialect, text.p, text.n, a, &again, &err);
        if (code != ERR_OK && text.n > FILTER_MAX_BYTES)
            continue;
        FUZZ_CHECK(code == ERR_OK, "a canonical path is refused under %s (%s): %s",
                   dialect_name((enum dialect)dialect), err_text(&err), text.p);
        patch_path_format(&again, &twice);
        FUZZ_CHECK(strcmp(text.p, twice.p) == 0, "a canonical path changes: %s -> %s", text.p, twice.p);
        FUZZ_CHECK(fuzz_same_filter(path.filter, again.filter) && path.at.attr == again.at.attr &&
                       path.at.sub == again.at.sub && path.at.extension == again.at.extension,
                   "a canonical path means something else: %s", text.p);
        jb_free(&twice);
    }
    jb_free(&text);
}

/* Lists of names take whatever comes: unknown ones are ignored (J3). What they show must be JSON. */
static void check_projection(const struct fuzz_input *in, struct arena *a) {
    static const char id[] = "0190c5a4-0000-7000-8000-00000000000a";
    json_t *doc = fuzz_document(in->rt);
    char *stored = json_dumps(doc, JSON_COMPACT);
    for (int excluded = 0; excluded < 2; excluded++) {
        struct err err = {0};
        struct jbuf out = {0};
        const struct projection *p = NULL;
        struct resource_row row = {.id = id, .doc = stored, .version = 3, .refs = "[]"};
        FUZZ_CHECK(projection_parse(in->rt, excluded ? NULL : in->text, excluded ? in->text : NULL, a, &p,
                                    &err) == ERR_OK,
                   "a list of names is refused: %s", err_text(&err));
        resource_render(in->rt, &row, p, "https://usher.example/scim/v2", &out);
        json_t *shown = fuzz_parse(out.p, "a representation");
        FUZZ_CHECK(json_object_get(shown, "id") != NULL && json_object_get(shown, "schemas") != NULL,
                   "a representation without what is always shown: %s", out.p);
        json_decref(shown);
        jb_free(&out);
    }
    free(stored);
    json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct fuzz_input in;
    fuzz_input(data, size, a, &in);
    check_attr_path(&in);
    check_patch_path(&in, a);
    check_projection(&in, a);
    arena_free(a);
    return 0;
}
