/* What a browser keeps of a sign-in by a provider: it comes back as it was, or not at all. */
#include "ingest/portal/oidc_flow.h"

#include "ingest/request/cookie.h"

#include <sodium.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WORKSPACE "0188e9d0-5566-7778-899a-abbccddeeff0"
#define NOW 1800000000

static const unsigned char key[SEAL_KEY_SIZE] = "the secret of a service, of 32 b",
                           other[SEAL_KEY_SIZE] = "the secret of another, of 32 byt";

static int setup(void **state) {
    *state = arena_new();
    return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state) {
    arena_free(*state);
    return 0;
}

static struct oidc_flow new_flow(void) {
    struct oidc_flow f;
    oidc_flow_new(&f, WORKSPACE, "https://idp.example", "client", NOW);
    return f;
}

static void it_comes_back(void **state) {
    struct oidc_flow f = new_flow(), back;
    const char *text = oidc_flow_seal(&f, key, *state);
    assert_true(strlen(text) < 1024);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                     strlen(text));
    assert_true(oidc_flow_open(text, key, NOW, &back));
    assert_memory_equal(&back, &f, sizeof f);
    assert_string_equal(back.workspace.s, WORKSPACE);
    assert_true(oidc_flow_open(text, key, NOW + COOKIE_FLOW_S - 1, &back));
    assert_false(oidc_flow_open(text, key, NOW + COOKIE_FLOW_S, &back));
    assert_false(oidc_flow_open(text, other, NOW, &back));
}

static void none_is_made_by_a_browser(void **state) {
    struct oidc_flow f = new_flow(), back;
    char *text = oidc_flow_seal(&f, key, *state);
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        if (oidc_flow_open(text, key, NOW, &back))
            fail_msg("changed at %zu of %zu", i, n);
        text[i] = was;
    }
    text[n - 1] = '\0';
    assert_false(oidc_flow_open(text, key, NOW, &back));
    assert_false(oidc_flow_open("", key, NOW, &back));
    assert_false(oidc_flow_open("%", key, NOW, &back));
}

static void each_is_another(void **state) {
    struct oidc_flow a = new_flow(), b = new_flow();
    assert_string_not_equal(a.state, b.state);
    assert_string_not_equal(a.nonce, b.nonce);
    assert_string_not_equal(a.verifier, b.verifier);
    assert_string_not_equal(a.session.s, b.session.s);
    assert_string_not_equal(a.state, a.nonce);
    assert_string_not_equal(oidc_flow_seal(&a, key, *state), oidc_flow_seal(&a, key, *state));
    assert_int_equal(strlen(a.verifier), 43); /* RFC 7636 section 4.1: at least */
}

/* The example of RFC 7636, appendix B. */
static void challenge(void **state) {
    struct oidc_flow f = {.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"};
    char out[FLOW_RANDOM];
    (void)state;
    oidc_flow_challenge(&f, out);
    assert_string_equal(out, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void it_belongs_to_a_client(void **state) {
    struct oidc_flow f = new_flow();
    (void)state;
    assert_true(oidc_flow_is_of(&f, "https://idp.example", "client"));
    assert_false(oidc_flow_is_of(&f, "https://idp.exampl", "eclient"));
    assert_false(oidc_flow_is_of(&f, "https://idp.example", "other"));
    assert_false(oidc_flow_is_of(&f, "https://evil.example", "client"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(none_is_made_by_a_browser, setup, teardown),
        cmocka_unit_test_setup_teardown(each_is_another, setup, teardown),
        cmocka_unit_test(challenge),
        cmocka_unit_test(it_belongs_to_a_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
