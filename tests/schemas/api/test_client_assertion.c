#include "schemas/api/client_assertion.h"

#include "ops/runtime/jbuf.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEY "0188e9d0-5566-7778-899a-abbccddeeff0"
#define NOW 1800000000
#define HEADER "{\"alg\":\"ES256\",\"kid\":\"one\"}"
#define CLAIMS(more) "{\"iss\":\"" KEY "\",\"sub\":\"" KEY "\",\"jti\":\"j\"" more "}"
#define GOOD CLAIMS(",\"aud\":\"https://u/oauth2/token\",\"exp\":1800000060,\"iat\":1800000000")

static const char *const audiences[] = {"https://u", "https://u/oauth2/token", NULL};

static char *assertion(struct arena *a, const char *header, const char *claims) {
    char h[2000], c[2000];
    sodium_bin2base64(h, sizeof h, (const unsigned char *)header, strlen(header),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_bin2base64(c, sizeof c, (const unsigned char *)claims, strlen(claims),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return arena_printf(a, "%s.%s.AQID", h, c);
}

/* The sentence of the refusal; "" for none. */
static const char *judged(struct arena *a, const char *header, const char *claims) {
    struct client_assertion c;
    struct err err = {0};
    if (client_assertion_read(assertion(a, header, claims), a, &c, &err) == ERR_OK)
        (void)client_assertion_check(&c, audiences, NOW, 600, &err);
    assert_true(err.code == ERR_OK || err.code == ERR_UNAUTHORIZED);
    return arena_strdup(a, err.detail);
}

static void a_good_one_is_read(void **state) {
    struct arena *a = *state;
    struct client_assertion c;
    struct err err = {0};
    const char *text = assertion(a, HEADER, GOOD);
    assert_int_equal(client_assertion_read(text, a, &c, &err), ERR_OK);
    assert_int_equal(c.jwt.alg, JWK_ES256);
    assert_string_equal(c.jwt.kid, "one");
    assert_string_equal(c.client.s, KEY);
    assert_string_equal(c.jti, "j");
    assert_int_equal(c.jwt.signed_len, strlen(text) - strlen(".AQID"));
    assert_int_equal(c.jwt.nsignature, 3);
    assert_memory_equal(c.jwt.signature, "\1\2\3", 3);
    assert_int_equal(client_assertion_check(&c, audiences, NOW, 600, &err), ERR_OK);
}

static void headers(void **state) {
    static const struct {
        const char *header, *why; /* NULL: accepted */
    } cases[] = {
        {"{\"alg\":\"RS256\"}", NULL},
        {"{\"alg\":\"PS256\",\"typ\":\"JWT\"}", NULL},
        {"{\"alg\":\"ES256\",\"typ\":\"client-authentication+jwt\"}", NULL},
        {"{\"alg\":\"none\"}", "must be signed"},
        {"{\"alg\":\"HS256\"}", "must be signed"},
        {"{\"alg\":\"RS512\"}", "must be signed"},
        {"{\"alg\":[\"RS256\"]}", "must be signed"},
        {"{}", "must be signed"},
        {"{\"alg\":\"RS256\",\"alg\":\"none\"}", "no signed JWT"},
        {"{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}", "crit"},
        {"{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", "typ"},
        {"{\"alg\":\"ES256\",\"typ\":\"secevent+jwt\"}", "typ"},
        {"{\"alg\":\"ES256\",\"kid\":5}", "kid"},
        {"[]", "no signed JWT"},
        {"", "no signed JWT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = judged(*state, cases[i].header, GOOD);
        if (cases[i].why == NULL ? why[0] != '\0' : strstr(why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].header, why);
    }
}

#define US ",\"aud\":\"https://u\""
static void claims(void **state) {
    static const struct {
        const char *claims, *why;
    } cases[] = {
        {CLAIMS(US ",\"exp\":1800000060"), NULL},
        {CLAIMS(",\"aud\":[\"https://other\",\"https://u\"],\"exp\":1800000060.5"), NULL},
        {CLAIMS(US ",\"exp\":1799999971"), NULL}, /* within the skew */
        {CLAIMS(US ",\"exp\":1800000060,\"nbf\":1800000030,\"iat\":1800000030"), NULL},
        {CLAIMS(US ",\"exp\":1800000600,\"iat\":1800000000"), NULL},
        {CLAIMS(",\"exp\":1800000060"), "aud"},
        {CLAIMS(",\"aud\":\"https://u/\",\"exp\":1800000060"), "aud"},
        {CLAIMS(",\"aud\":\"https://other\",\"exp\":1800000060"), "aud"},
        {CLAIMS(",\"aud\":[],\"exp\":1800000060"), "aud"},
        {CLAIMS(",\"aud\":[[\"https://u\"]],\"exp\":1800000060"), "aud"},
        {CLAIMS(",\"aud\":{\"https://u\":1},\"exp\":1800000060"), "aud"},
        {CLAIMS(US), "exp"},
        {CLAIMS(US ",\"exp\":\"1800000060\""), "exp"},
        {CLAIMS(US ",\"exp\":1e300"), "exp"},
        {CLAIMS(US ",\"exp\":-1"), "exp"},
        {CLAIMS(US ",\"exp\":1799999970"), "has expired"},
        {CLAIMS(US ",\"exp\":1800000060,\"nbf\":1800000031"), "not good yet"},
        {CLAIMS(US ",\"exp\":1800000060,\"iat\":1800000031"), "not good yet"},
        {CLAIMS(US ",\"exp\":1800000060,\"iat\":\"x\""), "iat and nbf"},
        {CLAIMS(US ",\"exp\":1800000060,\"nbf\":null"), "iat and nbf"},
        {CLAIMS(US ",\"exp\":1800000631"), "too long"},
        {CLAIMS(US ",\"exp\":1800000600,\"iat\":1799999999"), "too long"},
        {"{\"iss\":\"" KEY "\",\"jti\":\"j\"" US ",\"exp\":1800000060}", "iss and sub"},
        {"{\"sub\":\"" KEY "\",\"jti\":\"j\"" US ",\"exp\":1800000060}", "iss and sub"},
        {"{\"iss\":\"0188e9d0-5566-7778-899a-abbccddeeff1\",\"sub\":\"" KEY "\",\"jti\":\"j\"" US
         ",\"exp\":1800000060}",
         "iss and sub"},
        {"{\"iss\":\"me\",\"sub\":\"me\",\"jti\":\"j\"" US ",\"exp\":1800000060}", "iss and sub"},
        {"{\"iss\":\"" KEY "\",\"sub\":\"" KEY "\"" US ",\"exp\":1800000060}", "jti"},
        {"{\"iss\":\"" KEY "\",\"sub\":\"" KEY "\",\"jti\":\"\"" US ",\"exp\":1800000060}", "jti"},
        {"{\"iss\":\"" KEY "\",\"sub\":\"" KEY "\",\"jti\":7" US ",\"exp\":1800000060}", "jti"},
        {"5", "no signed JWT"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = judged(*state, HEADER, cases[i].claims);
        if (cases[i].why == NULL ? why[0] != '\0' : strstr(why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].claims, why);
    }
}

static void texts_that_are_none(void **state) {
    struct arena *a = *state;
    const char *good = assertion(a, HEADER, GOOD);
    char *long_one = arena_alloc(a, JWT_BYTES + 2);
    memset(long_one, 'A', JWT_BYTES + 1);
    const char *texts[] = {"",
                           ".",
                           "..",
                           "a.b.c",
                           arena_printf(a, "%s.AQID", good), /* a JWE has five parts */
                           arena_printf(a, "%s=", good),
                           arena_printf(a, "%s+", good),
                           arena_printf(a, ".%s", good),
                           arena_strndup(a, good, strlen(good) - 5),
                           long_one};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct client_assertion c;
        struct err err = {0};
        if (client_assertion_read(texts[i], a, &c, &err) != ERR_UNAUTHORIZED)
            fail_msg("%s", texts[i]);
    }
}

static int set_up(void **state) {
    *state = arena_new();
    return 0;
}
static int tear_down(void **state) {
    arena_free(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_one_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(claims, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_that_are_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
