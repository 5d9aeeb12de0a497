#include "ops/runtime/base64.h"
#include "ops/runtime/hs256.h"
#include "ops/runtime/sha256.h"
#include "workers/livekit/webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW 1800000000
#define BODY                                                                                                 \
    "{\"event\":\"participant_joined\",\"room\":{\"name\":\"r\"},\"participant\":{\"identity\":\"u\"}}"
#define ROOM "0190b3f2-0000-7000-8000-00000000000a"

static char key[] = "key", secret[] = "the secret", form[] = "{room}", url[] = "http://a";
static struct voice_project project = {{""}, url, key, secret, form};
static const struct voice_projects projects = {&project, 1};

static char *sign(const char *with, const char *iss, const char *of, int64_t nbf_s, int64_t exp_s) {
    struct jbuf claims = {0}, token = {0}, hash = {0};
    unsigned char sum[SHA256_SIZE];
    struct sha256_part part = {of, strlen(of)};
    sha256_of(&part, 1, sum);
    base64_put(&hash, sum, sizeof sum);
    jb_raw(&claims, "{");
    jb_kstr(&claims, "iss", iss);
    jb_kint(&claims, "nbf", nbf_s);
    jb_kint(&claims, "exp", exp_s);
    jb_kstr(&claims, "sha256", hash.p);
    jb_raw(&claims, "}");
    hs256_sign(with, claims.p, claims.n, &token);
    jb_free(&claims);
    jb_free(&hash);
    return jb_take(&token);
}

static void genuine_and_fake(void **state) {
    (void)state;
    static const struct {
        const char *secret, *iss, *of;
        int64_t nbf_s, exp_s;
        const char *says; /* NULL: it is genuine */
    } cases[] = {
        {"the secret", "key", BODY, NOW, NOW + 300, NULL},
        {"the secret", "key", BODY, NOW + 50, NOW + 300, NULL}, /* clocks differ */
        {"the secret", "key", BODY, NOW - 300, NOW - 50, NULL},
        {"the secret", "key", BODY, NOW + 70, NOW + 300, "not good yet"},
        {"the secret", "key", BODY, NOW - 300, NOW - 70, "expired"},
        {"the secret", "key", BODY " ", NOW, NOW + 300, "another body"},
        {"the secret", "other", BODY, NOW, NOW + 300, "no key of ours"},
        {"another secret", "key", BODY, NOW, NOW + 300, "signature"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        char *token = sign(cases[i].secret, cases[i].iss, cases[i].of, cases[i].nbf_s, cases[i].exp_s);
        enum err_code code = webhook_check(&projects, token, BODY, strlen(BODY), NOW, &err);
        assert_int_equal(code, cases[i].says == NULL ? ERR_OK : ERR_UNAUTHORIZED);
        if (cases[i].says != NULL && strstr(err.detail, cases[i].says) == NULL)
            fail_msg("%zu: %s", i, err.detail);
        free(token);
    }
}

static void no_token_at_all(void **state) {
    (void)state;
    static const char *const texts[] = {NULL, "", "Bearer ", "a.b.c", "Basic dTpw"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(webhook_check(&projects, texts[i], BODY, strlen(BODY), NOW, NULL), ERR_UNAUTHORIZED);
    char *token = sign("the secret", "key", BODY, NOW, NOW + 300), with[1000];
    snprintf(with, sizeof with, "Bearer %s", token);
    assert_int_equal(webhook_check(&projects, with, BODY, strlen(BODY), NOW, NULL), ERR_OK);
    free(token);
}

/* A token without one of the claims that count. */
static void claims_are_needed(void **state) {
    (void)state;
    static const char *const claims[] = {
        "{\"iss\":\"key\"}", "{\"iss\":\"key\",\"exp\":1800000300}",
        "{\"iss\":\"key\",\"exp\":\"1800000300\",\"sha256\":\"\"}",
        "{\"iss\":\"key\",\"exp\":1800000300,\"nbf\":\"x\",\"sha256\":\"\"}"};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct jbuf token = {0};
        hs256_sign("the secret", claims[i], strlen(claims[i]), &token);
        assert_int_equal(webhook_check(&projects, token.p, BODY, strlen(BODY), NOW, NULL), ERR_UNAUTHORIZED);
        jb_free(&token);
    }
}

static void what_it_says(void **state) {
    (void)state;
    static const struct {
        const char *body;
        int kind; /* -1: it cannot be read */
    } cases[] = {
        {BODY, WEBHOOK_JOINED},
        {"{\"event\":\"room_finished\",\"room\":{\"name\":\"" ROOM "\"}}", WEBHOOK_ROOM_FINISHED},
        {"{\"event\":\"participant_left\",\"room\":{\"name\":\"r\"},\"participant\":{}}", WEBHOOK_OTHER},
        {"{\"event\":\"egress_started\"}", WEBHOOK_OTHER},
        {"{\"event\":\"participant_joined\",\"room\":{\"name\":\"r\"}}", -1},
        {"{\"event\":\"participant_joined\",\"participant\":{}}", -1},
        {"{\"event\":\"room_finished\"}", -1},
        {"{}", -1},
        {"[]", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct webhook w;
        bool good = webhook_read(cases[i].body, strlen(cases[i].body), &w);
        if (good != (cases[i].kind >= 0))
            fail_msg("%s", cases[i].body);
        if (!good)
            continue;
        assert_int_equal(w.kind, cases[i].kind);
        webhook_clear(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genuine_and_fake),
        cmocka_unit_test(no_token_at_all),
        cmocka_unit_test(claims_are_needed),
        cmocka_unit_test(what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
