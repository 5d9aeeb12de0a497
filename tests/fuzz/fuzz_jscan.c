/* What the scanner of records and replies says of a text, jansson says too: whether it is JSON, and what
 * stands in each member. */
#include "ops/runtime/jscan.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define NAMES 40

static enum js_kind kind_of(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_NULL:
        return JS_NULL;
    case JSON_FALSE:
        return JS_FALSE;
    case JSON_TRUE:
        return JS_TRUE;
    case JSON_INTEGER:
        return JS_INT;
    case JSON_REAL:
        return JS_REAL;
    case JSON_STRING:
        return JS_TEXT;
    case JSON_ARRAY:
        return JS_LIST;
    case JSON_OBJECT:
        return JS_OBJECT;
    }
    return JS_NONE;
}

static void check_text(const struct js_value *found, const char *text, size_t n) {
    char *mine = malloc(found->n + 1);
    FUZZ_CHECK(mine != NULL, "no memory");
    FUZZ_CHECK(js_unescape(found, mine, found->n + 1) == n && memcmp(mine, text, n) == 0 && mine[n] == '\0',
               "another text: %s", text);
    FUZZ_CHECK(strlen(text) != n || n >= 64 || js_is(found, text), "it is not what it is: %s", text);
    FUZZ_CHECK(!js_is(found, "\x01never\x01"), "it is what it is not: %s", text);
    free(mine);
}

static void check_members(const char *text, size_t n, const json_t *o) {
    const char *names[NAMES], *name;
    struct js_value found[NAMES];
    json_t *v;
    size_t at = 0;
    json_object_foreach((json_t *)o, name, v) {
        if (at < NAMES)
            names[at++] = name;
    }
    FUZZ_CHECK(js_members(text, n, names, at, found), "a part is refused: %.*s", (int)n, text);
    for (size_t i = 0; i < at; i++) {
        v = json_object_get(o, names[i]);
        FUZZ_CHECK(names[i][0] == '\0' || found[i].kind == kind_of(v), "%s is another kind: %d", names[i],
                   (int)found[i].kind);
        if (found[i].kind == JS_TEXT)
            check_text(&found[i], json_string_value(v), json_string_length(v));
        else if (found[i].kind == JS_INT)
            FUZZ_CHECK(found[i].number == json_integer_value(v), "%s is another number", names[i]);
        else if (found[i].kind == JS_OBJECT)
            check_members(found[i].p, found[i].n, v);
    }
}

/* What jansson takes though the scanner may refuse it: a NUL behind a number; what is deeper than the scanner
 * goes. Brackets within texts are counted too, which does no harm. */
static bool may_be_refused(const uint8_t *data, size_t size) {
    size_t open = 0;
    for (size_t i = 0; i < size; i++)
        open += data[i] == '{' || data[i] == '[';
    return open > JS_DEPTH_MAX || (size > 0 && memchr(data, '\0', size) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct js_value none;
    char *text = malloc(size + 1); /* of exactly its size, so that a read beyond it is seen */
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text = realloc(text, size > 0 ? size : 1);
    json_t *o = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    bool taken = js_members(text, size, NULL, 0, &none);
    if (!may_be_refused(data, size))
        FUZZ_CHECK(taken == (o != NULL), "jansson says %d", o != NULL);
    FUZZ_CHECK(!taken || o != NULL, "jansson refuses it");
    if (taken && json_is_object(o))
        check_members(text, size, o);
    json_decref(o);
    free(text);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    return fuzz_mutate_json(data, size, max_size, seed);
}
