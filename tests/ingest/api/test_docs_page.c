/* The page made of the OpenAPI document: well-formed, everything in it, nothing of the document becomes
 * markup, nothing is fetched from outside. */
#include "ingest/api/docs_page.h"
#include "schemas/api/openapi.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *page_of(const char *text) {
    struct jbuf out = {0};
    json_t *doc = json_loads(text, 0, NULL);
    assert_non_null(doc);
    docs_page_put(doc, &out);
    json_decref(doc);
    return jb_take(&out);
}

/* Every element that is opened is closed, in the right order. */
static void check_nesting(const char *p) {
    static const char *const empty[] = {"!DOCTYPE", "meta", "br"};
    char open[64][16];
    size_t depth = 0;
    while ((p = strchr(p, '<')) != NULL) {
        bool close = *++p == '/', alone = false;
        char name[16] = "";
        p += close;
        for (size_t n = 0; (isalnum((unsigned char)*p) || *p == '!') && n < sizeof name - 1; p++)
            name[n++] = *p;
        for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
            alone = alone || strcmp(name, empty[i]) == 0;
        assert_true(name[0] != '\0');
        if (alone)
            continue;
        if (!close) {
            assert_true(depth < 64);
            strcpy(open[depth++], name);
        } else {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        }
    }
    assert_int_equal(depth, 0);
}

static void whole_document(void **state) {
    char *page = page_of(openapi_json);
    json_t *doc = json_loads(openapi_json, 0, NULL), *item, *operation;
    const char *path, *method, *name;
    (void)state;
    check_nesting(page);
    json_object_foreach(json_object_get(doc, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            char anchor[100];
            snprintf(anchor, sizeof anchor, "<article id=\"%s\">", id);
            if (strstr(page, anchor) == NULL)
                fail_msg("%s is not on the page", id);
        }
    }
    json_object_foreach(json_object_get(json_object_get(doc, "components"), "schemas"), name, item) {
        char anchor[100];
        snprintf(anchor, sizeof anchor, "<article id=\"schema-%s\">", name);
        assert_non_null(strstr(page, anchor));
    }
    json_decref(doc);
    free(page);
}

/* No script, and no address but those on the page and of the document itself. */
static void nothing_from_outside(void **state) {
    char *page = page_of(openapi_json);
    (void)state;
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "@import"));
    for (const char *p = page; (p = strstr(p, "href=\"")) != NULL; p++)
        assert_true(p[6] == '#' || strncmp(p + 6, "openapi.json\"", 13) == 0);
    assert_non_null(strstr(DOCS_PAGE_POLICY, "default-src 'none'"));
    free(page);
}

/* Links on the page lead somewhere. */
static void links_lead_somewhere(void **state) {
    char *page = page_of(openapi_json);
    (void)state;
    for (const char *p = page; (p = strstr(p, "href=\"#")) != NULL; p++) {
        char id[120];
        snprintf(id, sizeof id, " id=\"%.*s\"", (int)strcspn(p + 7, "\""), p + 7);
        if (strstr(page, id) == NULL)
            fail_msg("nothing has%s", id);
    }
    free(page);
}

#define EVIL "<img src=x onerror=alert(1)>\\\"'&"

static void everything_is_text(void **state) {
    static const char text[] =
        "{\"info\":{\"title\":\"" EVIL "\",\"version\":\"" EVIL "\",\"description\":\"" EVIL "\"},"
        "\"tags\":[{\"name\":\"" EVIL "\",\"description\":\"" EVIL "\"}],"
        "\"paths\":{\"/" EVIL "\":{\"" EVIL "\":{\"operationId\":\"" EVIL "\",\"tags\":[\"" EVIL "\"],"
        "\"summary\":\"" EVIL "\",\"description\":\"`" EVIL "\",\"security\":[{\"" EVIL "\":[\"" EVIL "\"]}],"
        "\"parameters\":[{\"name\":\"" EVIL "\",\"in\":\"" EVIL "\",\"description\":\"" EVIL "\","
        "\"schema\":{\"type\":\"string\",\"enum\":[\"" EVIL "\"],\"default\":\"" EVIL "\",\"format\":\"" EVIL
        "\"}}],"
        "\"requestBody\":{\"content\":{\"" EVIL "\":{\"schema\":{\"$ref\":\"#/components/schemas/" EVIL "\"},"
        "\"example\":{\"" EVIL "\":\"" EVIL "\"}}}},"
        "\"responses\":{\"" EVIL "\":{\"description\":\"" EVIL "\",\"headers\":{\"" EVIL "\":{}}}}}}},"
        "\"components\":{\"schemas\":{\"" EVIL "\":{\"description\":\"" EVIL "\",\"properties\":{\"" EVIL
        "\":{\"description\":\"" EVIL "\"}}}},\"securitySchemes\":{\"" EVIL "\":{\"description\":\"" EVIL
        "\"}}}}";
    char *page = page_of(text);
    (void)state;
    assert_non_null(strstr(page, "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"));
    assert_null(strstr(page, "<img"));
    check_nesting(page);
    free(page);
}

static void what_lacks_parts_does_no_harm(void **state) {
    static const char dangling[] =
        "{\"tags\":[{\"name\":\"a\"}],\"paths\":{\"/x\":{\"get\":{\"tags\":[\"a\"],"
        "\"parameters\":[{\"$ref\":\"#/nowhere\"},7],\"requestBody\":{},"
        "\"responses\":{\"200\":{\"$ref\":\"x\"}}}}}}";
    static const char *const texts[] = {"{}", "[]", "{\"tags\":[{}],\"paths\":{\"/x\":{\"get\":{}}}}",
                                        "{\"tags\":5,\"paths\":[],\"components\":\"x\"}", dangling};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *page = page_of(texts[i]);
        check_nesting(page);
        free(page);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_document),
        cmocka_unit_test(nothing_from_outside),
        cmocka_unit_test(links_lead_somewhere),
        cmocka_unit_test(everything_is_text),
        cmocka_unit_test(what_lacks_parts_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
