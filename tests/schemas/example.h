/* The examples of the contract, schemas/examples/….json: topic, key, headers and value of one record each.
 * A test builds the record from C and demands that the file says exactly that, byte for byte in the value.
 * USHER_UPDATE_EXAMPLES=1 writes the files anew, for a reviewed change of the contract. */
#ifndef USHER_TESTS_EXAMPLE_H
#define USHER_TESTS_EXAMPLE_H

#include "schemas/stream/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EX_WORKSPACE "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define EX_TXN "0193a1c2-4d5e-7f60-8a9b-0c1d2e3f4051"
#define EX_ROOM "01917d2e-0a1b-7c2d-8e3f-405162738495"
#define EX_USER "01905c4b-1122-7334-9556-778899aabbcc"
#define EX_USER_2 "01905c4b-2233-7445-a667-8899aabbccdd"
#define EX_KEY "0188e9d0-5566-7778-899a-abbccddeeff0"
#define EX_TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define EX_TIME INT64_C(1795342530123456) /* 2026-11-22T10:15:30.123456Z */

static inline struct uuid ex_uuid(const char *s) {
    struct uuid u;
    assert_true(uuid_parse(s, &u));
    return u;
}

static inline char *ex_read(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    char *text = calloc(1, 65536);
    size_t n = fread(text, 1, 65535, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

/* value NULL: a tombstone. */
static inline void ex_check(const char *name, const char *topic, const char *key, const struct headers *h,
                            const char *value) {
    char path[200];
    struct jbuf b = {0};
    snprintf(path, sizeof path, "schemas/examples/%s.json", name);
    jb_printf(&b, "{\"topic\":\"%s\",\n \"key\":\"%s\",\n \"headers\":{", topic, key);
    for (size_t i = 0; i < h->n; i++) {
        jb_raw(&b, i > 0 ? ",\n            " : "");
        jb_printf(&b, "\"%s\":", h->row[i].name);
        jb_str(&b, h->row[i].value);
    }
    jb_printf(&b, "},\n \"value\":\n%s\n}\n", value != NULL ? value : "null");
    if (getenv("USHER_UPDATE_EXAMPLES") != NULL) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fputs(b.p, f);
        fclose(f);
    }
    char *file = ex_read(path);
    if (file == NULL)
        fail_msg("%s is missing (run from the top folder)", path);
    assert_string_equal(b.p, file);
    free(file);
    jb_free(&b);
}

#endif
