/* What an endpoint for events may be. */
#include "schemas/api/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void urls(void **state) {
    static const char *const good[] = {"https://a.example", "https://a.example:8443/x?y=1",
                                       "https://[2001:db8::1]/", "https://192.0.2.1/h"};
    static const char *const bad[] = {"",
                                      "a.example",
                                      "ftp://a.example/",
                                      "https://",
                                      "https:///x",
                                      "https://:80/",
                                      "https://u:p@a.example/",
                                      "https://a.example/#x",
                                      "https://a.example/a b",
                                      "https://a.example/\n",
                                      "https://a.example/\xc3\xa4",
                                      "HTTPS://a.example/"};
    struct err err = {0};
    char longest[DELIVERY_URL_MAX + 2] = "https://a.example/";
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(delivery_check_url(good[i], false, &err), ERR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (delivery_check_url(bad[i], true, &err) == ERR_OK)
            fail_msg("%s", bad[i]);
    assert_int_equal(delivery_check_url("http://a.example/", true, &err), ERR_OK);
    assert_int_equal(delivery_check_url("http://a.example/", false, &err), ERR_INVALID_VALUE);
    memset(longest + strlen(longest), 'x', sizeof longest - 1 - strlen("https://a.example/"));
    longest[DELIVERY_URL_MAX + 1] = '\0';
    assert_int_equal(delivery_check_url(longest, false, &err), ERR_INVALID_VALUE);
    longest[DELIVERY_URL_MAX] = '\0';
    assert_int_equal(delivery_check_url(longest, false, &err), ERR_OK);
}

static void types_of_events(void **state) {
    static const struct {
        const char *json;
        bool good;
    } cases[] = {{"[\"usher.member.removed\"]", true},
                 {"[\"usher.member.*\",\"urn:ietf:params:scim:event:prov:create:notice\"]", true},
                 {"[\"*\"]", true},
                 {"[]", false},
                 {"[\"\"]", false},
                 {"[1]", false},
                 {"[\"usher.*.removed\"]", false},
                 {"[\"Usher\"]", false},
                 {"[\"a b\"]", false},
                 {"[\"a\\u0000b\"]", false},
                 {"\"usher.member.removed\"", false}};
    struct err err = {0};
    (void)state;
    assert_int_equal(delivery_check_events(NULL, &err), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *v = json_loads(cases[i].json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(v);
        if ((delivery_check_events(v, &err) == ERR_OK) != cases[i].good)
            fail_msg("%s", cases[i].json);
        json_decref(v);
    }
    json_t *many = json_array();
    for (int i = 0; i <= DELIVERY_EVENTS_MAX; i++)
        json_array_append_new(many, json_string("a"));
    assert_int_equal(delivery_check_events(many, &err), ERR_INVALID_VALUE);
    json_decref(many);
}

static void a_secret_for_a_command(void **state) {
    static const unsigned char service[DELIVERY_SERVICE_SECRET] = {7};
    char shown[DELIVERY_SECRET_TEXT], text[DELIVERY_SECRET_TEXT];
    struct delivery_secret opened;
    json_t *resource = json_object();
    (void)state;
    delivery_secret_put(resource, DELIVERY_SIGNATURE_HMAC, service, "e", shown);
    const char *sealed = json_string_value(json_object_get(resource, "secret"));
    assert_true(delivery_secret_open(sealed, service, "e", &opened));
    delivery_secret_text(&opened, text);
    assert_string_equal(text, shown);
    assert_memory_equal(shown, json_string_value(json_object_get(resource, "prefix")),
                        DELIVERY_PREFIX_SIZE - 1);
    assert_true(json_is_null(json_object_get(resource, "publicKey")));
    delivery_secret_put(resource, DELIVERY_SIGNATURE_ED25519, service, "e", shown);
    assert_memory_equal(shown, "whpk_", 5);
    assert_string_equal(json_string_value(json_object_get(resource, "publicKey")), shown);
    json_decref(resource);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(urls), cmocka_unit_test(types_of_events),
                                       cmocka_unit_test(a_secret_for_a_command)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
