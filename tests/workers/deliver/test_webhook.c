/* Messages as Standard Webhooks 1.0 has them, and which message an endpoint gets next. */
#include "ops/runtime/base64.h"
#include "ops/runtime/ed25519.h"
#include "workers/deliver/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKSPACE "018f3b6e-7c11-7a2b-9d3e-5a1b2c3d4e5f"
#define ENDPOINT "0188e9d0-5566-7778-899a-abbccddeeff0"
#define NOW_US INT64_C(1795342530000000)

/* The signature was computed by another program (Python's hmac). */
static void an_hmac(void **state) {
    struct webhook_key key = {.is_pair = false};
    struct jbuf out = {0};
    const char *body = "{\"test\": 2432232314}";
    (void)state;
    memcpy(key.secret.bytes, "0123456789abcdef0123456789abcdef", DELIVERY_SECRET_SIZE);
    webhook_sign(&out, &key, 1, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, strlen(body));
    assert_string_equal(out.p, "v1,hK4CWvngkaAwjY1pABLuUbOIkEJjW9tAapq1no4ojG0=");
    jb_free(&out);
}

static void two_signatures_while_rotating(void **state) {
    struct webhook_key keys[2] = {{.is_pair = true}, {.is_pair = true}};
    struct jbuf out = {0};
    unsigned char signature[ED25519_SIGNATURE_SIZE], public_key[ED25519_PUBLIC_SIZE];
    size_t n;
    (void)state;
    keys[0].secret = delivery_secret_new();
    keys[1].secret = delivery_secret_new();
    webhook_sign(&out, keys, 2, "id", 7, "body", 4);
    char *second = strchr(out.p, ' ');
    assert_non_null(second);
    *second++ = '\0';
    const char *texts[2] = {out.p, second};
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(texts[i], "v1a,", 4);
        assert_true(base64_decode(texts[i] + 4, strlen(texts[i] + 4), signature, sizeof signature, &n));
        ed25519_public(keys[i].secret.bytes, public_key);
        assert_true(ed25519_verify(public_key, "id.7.body", 9, signature));
    }
    jb_free(&out);
}

/* ---- a signed head ---- */

#define NOTE                                                                                                 \
    "usher/audit/" WORKSPACE "/changes/2\n40112\nC+pl93EcOmln9O5XEUAPZ91psShz84Pv707qmqBMX1I=\n\n\u2014 "    \
    "usher/audit/" WORKSPACE                                                                                 \
    "/changes/2 mFluftpNBJXM8n/JIx2vJW4mPw5VZ3QeUvEJcy20t5rXvyAip0SKujDs+OdOTgzzo3I12KsBc9H0rhQLnN/"         \
    "K3bR7vgg=\n"

/* The text is in it byte for byte, with its line ends escaped, and what it says beside it. */
static void a_head_as_json(void **state) {
    struct jbuf out = {0};
    (void)state;
    assert_true(webhook_checkpoint(&out, WORKSPACE, "audit/changes", NOTE, strlen(NOTE)));
    json_t *said = json_loads(out.p, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(said);
    assert_int_equal(json_object_size(said), 6);
    assert_string_equal(json_string_value(json_object_get(said, "workspace")), WORKSPACE);
    assert_string_equal(json_string_value(json_object_get(said, "tree")), "changes");
    assert_string_equal(json_string_value(json_object_get(said, "origin")),
                        "usher/audit/" WORKSPACE "/changes/2");
    assert_int_equal(json_integer_value(json_object_get(said, "size")), 40112);
    assert_string_equal(json_string_value(json_object_get(said, "root")),
                        "C+pl93EcOmln9O5XEUAPZ91psShz84Pv707qmqBMX1I=");
    assert_string_equal(json_string_value(json_object_get(said, "note")), NOTE);
    json_decref(said);
    jb_free(&out);
}

static void what_is_no_head(void **state) {
    struct jbuf out = {0};
    (void)state;
    assert_false(webhook_checkpoint(&out, WORKSPACE, "changes", NOTE, strlen(NOTE)));
    assert_false(webhook_checkpoint(&out, WORKSPACE, "audit/changes", "{}", 2));
    assert_false(webhook_checkpoint(&out, WORKSPACE, "audit/changes", NOTE, 40));
    assert_int_equal(out.n, 0);
    jb_free(&out);
}

/* ---- which message comes next ---- */

static const unsigned char service[DELIVERY_SERVICE_SECRET] = "a service's secret, 32 bytes ...";

static struct endpoint *endpoint(struct delivery_claimed c, const struct delivery_message *messages,
                                 size_t n) {
    static char sealed[DELIVERY_SEALED_TEXT];
    struct delivery_secret secret = delivery_secret_new();
    delivery_secret_seal(&secret, service, ENDPOINT, sealed);
    snprintf(c.workspace, sizeof c.workspace, "%s", WORKSPACE);
    snprintf(c.id, sizeof c.id, "%s", ENDPOINT);
    c.secrets = sealed;
    c.doc =
        "{\"url\":\"https://app.example.com:8443/hook?x=1\",\"signature\":\"hmac\",\"oldSecretUntil\":null}";
    return endpoint_new(&c, messages, n, service, NULL, NOW_US);
}

static struct delivery_message message(int64_t number, bool wanted) {
    return (struct delivery_message){.id = ENDPOINT,
                                     .number = number,
                                     .at_us = NOW_US,
                                     .type = "usher.member.removed",
                                     .event = WORKSPACE "/membership/7",
                                     .value = wanted ? "{\"seq\":7}" : NULL};
}

static void as_it_is_posted(void **state) {
    struct delivery_message m = message(1, true);
    struct endpoint *e = endpoint((struct delivery_claimed){.newest = 1, .is_due = true, .asked = -1}, &m, 1);
    struct post_message out;
    int64_t lost;
    (void)state;
    assert_non_null(e);
    assert_string_equal(e->host, "app.example.com:8443");
    assert_true(endpoint_step(e, &lost));
    endpoint_letter(e, NOW_US, &out);
    assert_string_equal(out.body,
                        "{\"type\":\"usher.member.removed\",\"timestamp\":\"2026-11-22T10:15:30.000000Z\","
                        "\"data\":{\"seq\":7}}");
    assert_string_equal(out.headers[1], "webhook-id: " WORKSPACE "/membership/7");
    assert_string_equal(out.headers[2], "webhook-timestamp: 1795342530");
    assert_memory_equal(out.headers[3], "webhook-signature: v1,", strlen("webhook-signature: v1,"));
    endpoint_free(e);
}

static void what_is_not_wanted_is_passed_over(void **state) {
    struct delivery_message m[] = {message(4, false), message(5, true), message(6, false)};
    struct endpoint *e =
        endpoint((struct delivery_claimed){.cursor = 3, .newest = 6, .is_due = true, .asked = -1}, m, 3);
    int64_t lost;
    (void)state;
    assert_true(endpoint_step(e, &lost));
    assert_int_equal(e->now.number, 5);
    assert_int_equal(e->cursor, 4);
    e->cursor = 5;
    assert_false(endpoint_step(e, &lost));
    assert_int_equal(e->cursor, 6);
    assert_int_equal(lost, 0);
    endpoint_free(e);
}

static void what_the_log_has_forgotten_is_counted(void **state) {
    struct delivery_message m = message(9, true);
    struct endpoint *e =
        endpoint((struct delivery_claimed){.cursor = 3, .newest = 9, .is_due = true, .asked = -1}, &m, 1);
    int64_t lost;
    (void)state;
    assert_true(endpoint_step(e, &lost));
    assert_int_equal(lost, 5);
    assert_int_equal(e->cursor, 8);
    endpoint_free(e);
    e = endpoint((struct delivery_claimed){.cursor = 3, .newest = 9, .is_due = true, .asked = -1}, NULL, 0);
    assert_false(endpoint_step(e, &lost));
    assert_int_equal(lost, 6);
    assert_int_equal(e->cursor, 9);
    endpoint_free(e);
}

static void what_was_asked_for_goes_first_and_leaves_the_cursor(void **state) {
    struct delivery_message m[] = {message(2, true), message(4, true)};
    m[0].is_asked = true;
    struct endpoint *e = endpoint((struct delivery_claimed){.cursor = 3, .newest = 4, .asked = 2}, m, 2);
    int64_t lost;
    (void)state;
    assert_true(endpoint_step(e, &lost));
    assert_true(e->is_asked);
    assert_int_equal(e->now.number, 2);
    assert_int_equal(e->cursor, 3);
    endpoint_free(e);
    e = endpoint((struct delivery_claimed){.cursor = 3, .newest = 4, .asked = 0}, NULL, 0);
    assert_true(endpoint_step(e, &lost));
    assert_string_equal(e->now.type, "usher.delivery.trial");
    endpoint_free(e);
    /* Paused: what is behind the cursor waits. */
    e = endpoint((struct delivery_claimed){.cursor = 3, .newest = 4, .asked = -1}, m, 2);
    assert_false(endpoint_step(e, &lost));
    assert_int_equal(e->cursor, 3);
    endpoint_free(e);
}

static void a_secret_of_another_endpoint(void **state) {
    struct delivery_secret secret = delivery_secret_new(), opened;
    char sealed[DELIVERY_SEALED_TEXT];
    unsigned char other[DELIVERY_SERVICE_SECRET] = {1};
    (void)state;
    delivery_secret_seal(&secret, service, ENDPOINT, sealed);
    assert_true(delivery_secret_open(sealed, service, ENDPOINT, &opened));
    assert_memory_equal(secret.bytes, opened.bytes, sizeof secret.bytes);
    assert_false(delivery_secret_open(sealed, service, WORKSPACE, &opened));
    assert_false(delivery_secret_open(sealed, other, ENDPOINT, &opened));
    assert_false(delivery_secret_open("x", service, ENDPOINT, &opened));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hmac),
        cmocka_unit_test(two_signatures_while_rotating),
        cmocka_unit_test(as_it_is_posted),
        cmocka_unit_test(a_head_as_json),
        cmocka_unit_test(what_is_no_head),
        cmocka_unit_test(what_is_not_wanted_is_passed_over),
        cmocka_unit_test(what_the_log_has_forgotten_is_counted),
        cmocka_unit_test(what_was_asked_for_goes_first_and_leaves_the_cursor),
        cmocka_unit_test(a_secret_of_another_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
