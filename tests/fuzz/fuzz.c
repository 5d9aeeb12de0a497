#include "tests/fuzz/fuzz.h"

#include "ops/runtime/id.h"
#include "schemas/resource/resource.h"
#include "tests/schemas/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fputs("fuzz: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void fuzz_input(const uint8_t *data, size_t size, struct arena *a, struct fuzz_input *in) {
    static const enum dialect dialects[] = {DIALECT_RFC, DIALECT_ENTRA, DIALECT_OKTA};
    unsigned kind = size > 0 ? (unsigned)(data[0] + 256 - '0') % FUZZ_KINDS : 0;
    const struct resource_type *types[] = {resource_type_of(RESOURCE_USER), resource_type_of(RESOURCE_ROOM),
                                           &probe_type};
    in->rt = types[kind % 3];
    in->dialect = dialects[kind / 3];
    in->len = size > 0 ? size - 1 : 0;
    char *text = arena_alloc(a, in->len + 1);
    if (in->len > 0)
        memcpy(text, data + 1, in->len);
    in->text = text;
}

/* ---- documents ---- */

static const char user_text[] =
    "{\"schemas\":[],\"userName\":\"Ana.Roe@Example.ORG\",\"externalId\":\"Ext-1\",\"displayName\":\"\xc3\x84rger STRA\xc3\x9f"
    "E\",\"title\":\"Dr\","
    "\"active\":true,\"name\":{\"familyName\":\"Roe\",\"givenName\":\"Ana\"},\"emails\":[{\"type\":\"work\","
    "\"value\":\"Ana@a.example\",\"primary\":true},{\"type\":\"home\",\"value\":\"ana@b.example\"},{\"value\":"
    "\"third@c.example\"}],\"phoneNumbers\":[{\"value\":\"1\",\"type\":\"mobile\"}],\"photos\":[{\"value\":"
    "\"https://X/y.png\"}],\"roles\":[{\"value\":\"r\",\"primary\":false}],\"addresses\":[{\"type\":\"work\","
    "\"locality\":\"Kiel\",\"primary\":true},{\"country\":\"DE\"}],\"x509Certificates\":[{\"value\":\"QUJD\"}],"
    "\"" SCHEMA_ENTERPRISE "\":{\"department\":\"Ops\",\"manager\":{\"value\":\"u-2\"}},"
    "\"" SCHEMA_USHER_USER "\":{\"editor\":true}}";
static const char group_text[] = "{\"schemas\":[],\"displayName\":\"Room Berlin\",\"externalId\":\"g-1\"}";
static const char probe_text[] =
    "{\"schemas\":[],\"title\":\"T\",\"exact\":\"aB\",\"count\":9007199254740993,\"ratio\":0.1,\"on\":false,\"since\":"
    "\"2026-01-31T10:00:00+02:00\",\"blob\":\"QUJD\",\"link\":\"https://x\",\"serial\":\"s-1\",\"origin\":{"
    "\"value\":1,\"on\":true},\"tags\":[\"One\",\"two\"],\"levels\":[1,5],\"place\":{\"value\":-3,\"since\":"
    "\"2026-01-31T08:00:00.250Z\",\"on\":true},\"parts\":[{\"value\":1,\"exact\":\"x\",\"fixed\":\"f\","
    "\"primary\":true},{\"value\":20,\"since\":\"2020-01-01T00:00:00Z\"}]}";

json_t *fuzz_document(const struct resource_type *rt) {
    json_t *doc = fuzz_parse(rt == &probe_type || strcmp(rt->name, "Probe") == 0 ? probe_text
                             : rt->kind == RESOURCE_USER                         ? user_text
                                                                                 : group_text,
                             "a document of the fuzzers");
    resource_tidy(rt, doc);
    return doc;
}

json_t *fuzz_parse(const char *text, const char *what) {
    json_error_t e;
    json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    FUZZ_CHECK(v != NULL, "%s is no JSON (%s): %s", what, e.text, text);
    return v;
}

/* ---- filters ---- */

const struct filter *fuzz_other_values(const struct filter *f, struct arena *a) {
    if (f == NULL)
        return NULL;
    struct filter *g = arena_alloc(a, sizeof *g);
    struct uuid id;
    *g = *f;
    g->left = fuzz_other_values(f->left, a);
    g->right = fuzz_other_values(f->right, a);
    if (f->kind != FILTER_COMPARE)
        return g;
    const char *text = f->value.text;
    if (f->value.type == FILTER_STRING && text[0] != '\0') {
        bool is_id = uuid_parse(text, &id) && strcmp(text, id.s) == 0;
        g->value.text = g->value.folded = is_id ? "0190c5a4-0000-7000-8000-0000000000ff" : "z'\"$1;--\\";
    } else if (f->value.type == FILTER_NUMBER) {
        g->value.text = "77";
        g->value.number = 77;
    } else if (f->value.type == FILTER_TIME) {
        g->value.time_us = 1790000000000000;
    }
    return g;
}

static bool same_value(const struct filter_value *v, const struct filter_value *w) {
    if (v->type != w->type)
        return false;
    switch (v->type) {
    case FILTER_BOOL:
        return v->boolean == w->boolean;
    case FILTER_NUMBER:
        return v->number == w->number && strcmp(v->text, w->text) == 0;
    case FILTER_TIME:
        return v->time_us == w->time_us;
    case FILTER_STRING:
        return strcmp(v->text, w->text) == 0 && strcmp(v->folded, w->folded) == 0;
    }
    return false;
}

bool fuzz_same_filter(const struct filter *f, const struct filter *g) {
    if (f == NULL || g == NULL)
        return f == g;
    if (f->kind != g->kind || !fuzz_same_filter(f->left, g->left) || !fuzz_same_filter(f->right, g->right))
        return false;
    if (f->kind == FILTER_AND || f->kind == FILTER_OR || f->kind == FILTER_NOT)
        return true;
    if (f->path.extension != g->path.extension || f->path.attr != g->path.attr || f->path.sub != g->path.sub)
        return false;
    return f->kind != FILTER_COMPARE || (f->op == g->op && same_value(&f->value, &g->value));
}

/* ---- what must hold of a document ---- */

static void check_node(const json_t *node, const json_t *doc, const char *what) {
    bool nothing = json_is_null(node) || (json_is_string(node) && json_string_length(node) == 0) ||
                   (json_is_array(node) && json_array_size(node) == 0) ||
                   (json_is_object(node) && json_object_size(node) == 0);
    if (nothing)
        fuzz_fail("%s holds something empty: %s", what, json_dumps(doc, JSON_COMPACT));
    size_t i, primaries = 0;
    const char *name;
    json_t *part;
    json_array_foreach((json_t *)node, i, part) {
        check_node(part, doc, what);
        primaries += json_is_true(json_object_get(part, "primary"));
    }
    if (primaries > 1)
        fuzz_fail("%s has %zu primary values: %s", what, primaries, json_dumps(doc, JSON_COMPACT));
    json_object_foreach((json_t *)node, name, part) {
        check_node(part, doc, what);
    }
}

void fuzz_check_document(const struct resource_type *rt, const json_t *doc, const char *what) {
    struct err err = {0};
    json_t *again = NULL, *members = NULL;
    check_node(doc, doc, what);
    FUZZ_CHECK(json_object_iter((json_t *)doc) != NULL &&
                   strcmp(json_object_iter_key(json_object_iter((json_t *)doc)), "schemas") == 0,
               "%s: schemas is not the first member: %s", what, json_dumps(doc, JSON_COMPACT));
    enum err_code code = resource_normalise(rt, DIALECT_RFC, doc, &again, &members, NULL, &err);
    if (code != ERR_OK)
        fuzz_fail("%s is no request body (%s): %s", what, err_text(&err), json_dumps(doc, JSON_COMPACT));
    if (!json_equal((json_t *)doc, again))
        fuzz_fail("%s normalises to something else: %s, %s", what, json_dumps(doc, JSON_COMPACT),
                  json_dumps(again, JSON_COMPACT));
    FUZZ_CHECK(members == NULL, "%s has members", what);
    json_decref(again);
}
