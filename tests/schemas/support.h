/* What the tests of schemas/ share. */
#ifndef USHER_TESTS_SCHEMAS_SUPPORT_H
#define USHER_TESTS_SCHEMAS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON from C text in which ' stands for ". */
static inline json_t *quick(const char *text) {
    json_error_t e;
    char *s = strdup(text);
    for (char *p = s; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    json_t *v = json_loads(s, JSON_DECODE_ANY, &e);
    if (v == NULL)
        fail_msg("%s: %s", e.text, s);
    free(s);
    return v;
}

/* Member for member equal; says what was there if not. Releases neither. */
static inline void assert_json(const char *name, const json_t *got, const json_t *want) {
    if (json_equal((json_t *)got, (json_t *)want) || (got == NULL && want == NULL))
        return;
    char *g = got != NULL ? json_dumps(got, JSON_ENCODE_ANY) : strdup("nothing");
    char *w = want != NULL ? json_dumps(want, JSON_ENCODE_ANY) : strdup("nothing");
    print_error("%s:\n   got %s\n  want %s\n", name, g, w);
    free(g);
    free(w);
    fail();
}

static inline int case_file(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

/* Calls fn with each case of a folder under tests/cases (run from the top folder); demands at least `least`
 * of them. */
static inline void each_case(const char *folder, int least, void (*fn)(const char *name, json_t *c)) {
    char path[400];
    struct dirent **list;
    snprintf(path, sizeof(path), "tests/cases/%s", folder);
    int n = scandir(path, &list, case_file, alphasort);
    if (n < least)
        fail_msg("%s: %d cases (run from the top folder)", path, n);
    for (int i = 0; i < n; i++) {
        json_error_t e;
        snprintf(path, sizeof(path), "tests/cases/%s/%s", folder, list[i]->d_name);
        json_t *c = json_load_file(path, 0, &e);
        if (c == NULL)
            fail_msg("%s: %s", path, e.text);
        fn(path, c);
        json_decref(c);
        free(list[i]);
    }
    free(list);
}

#endif
