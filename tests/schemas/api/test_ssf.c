#include "schemas/api/ssf.h"

#include "schemas/api/delivery.h"
#include "schemas/api/ssf_set.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RISC "https://schemas.openid.net/secevent/risc/event-type/"
#define CAEP "https://schemas.openid.net/secevent/caep/event-type/"
#define PROV "urn:ietf:params:scim:event:prov:"
#define STREAM "0193a1c2-4d5e-7f60-8a9b-0c1d2e3f4051"

static json_t *doc_of(const char *stream) {
    json_t *s = json_loads(stream, 0, NULL), *doc = json_object();
    assert_non_null(s);
    json_object_set_new(s, "delivered", ssf_delivered(json_object_get(s, "requested")));
    json_object_set_new(doc, "stream", s);
    json_object_set_new(doc, "url", json_string("https://r.example/"));
    json_object_set_new(doc, "signature", json_string("RS256"));
    return doc;
}

static size_t sets_of(const char *stream, const char *type, const char *uri, const char *about,
                      struct arena *a, struct ssf_set out[SSF_SETS_MAX]) {
    json_t *doc = doc_of(stream);
    const char *value = arena_printf(
        a, "{\"txn\":\"t\",\"sub_id\":{\"format\":\"scim\",\"uri\":\"%s\"},\"events\":{\"%s\":{}}}", uri,
        type);
    struct ssf_message m = {
        .type = type, .event = "w/events/7", .value = value, .about = about, .at_us = 5000000};
    size_t n = ssf_sets(STREAM, doc, &m, a, out);
    json_decref(doc);
    return n;
}

#define ASKS(events, format)                                                                                 \
    "{\"iss\":\"https://u\",\"aud\":\"r\",\"format\":\"" format "\",\"from\":0,\"removed\":[],"              \
    "\"requested\":[" events "]}"
#define TAIL "\"aud\":\"r\",\"iat\":5,\"jti\":\"w/events/7/"

static void one_change_is_several_events(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct ssf_set s[SSF_SETS_MAX];
    const char *all = ASKS("\"" CAEP "session-revoked\",\"" RISC "account-disabled\",\"" PROV
                           "deactivate\",\"" RISC "account-purged\"",
                           "email");
    assert_int_equal(sets_of(all, PROV "deactivate", "/Users/u1", "{\"email\":\"a@b\"}", a, s), 3);
    assert_string_equal(s[0].claims,
                        "{\"iss\":\"https://u\"," TAIL "scim/" STREAM
                        "\",\"txn\":\"t\",\"sub_id\":{\"format\":\"scim\",\"uri\":\"/Users/u1\"},"
                        "\"events\":{\"" PROV "deactivate\":{}}}");
    assert_string_equal(s[1].claims, "{\"iss\":\"https://u\"," TAIL "account-disabled/" STREAM
                                     "\",\"txn\":\"t\",\"sub_id\":{\"format\":\"email\",\"email\":\"a@b\"},"
                                     "\"events\":{\"" RISC "account-disabled\":{}}}");
    assert_string_equal(s[2].claims,
                        "{\"iss\":\"https://u\"," TAIL "session-revoked/" STREAM
                        "\",\"txn\":\"t\",\"sub_id\":{\"format\":\"email\",\"email\":\"a@b\"},"
                        "\"events\":{\"" CAEP
                        "session-revoked\":{\"event_timestamp\":5,\"initiating_entity\":\"admin\","
                        "\"reason_admin\":{\"en\":\"The account was deactivated\"}}}}");
    assert_string_equal(s[1].jti, "w/events/7/account-disabled/" STREAM);
    /* Rooms have no accounts. */
    assert_int_equal(sets_of(all, PROV "delete", "/Groups/g1", NULL, a, s), 0);
    assert_int_equal(sets_of(all, PROV "delete", "/Users/u1", NULL, a, s), 2);
    assert_int_equal(sets_of(all, PROV "activate", "/Users/u1", NULL, a, s), 0);
    assert_int_equal(sets_of(all, "usher.member.removed", "/Users/u1", NULL, a, s), 0);
    arena_free(a);
}

static void a_subject_is_named_as_the_stream_wants(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct ssf_set s[SSF_SETS_MAX];
    static const struct {
        const char *stream, *about, *subject;
    } cases[] = {
        {ASKS("\"" RISC "account-enabled\"", "email"), NULL,
         "{\"format\":\"iss_sub\",\"iss\":\"https://u\",\"sub\":\"u1\"}"},
        {ASKS("\"" RISC "account-enabled\"", "email"), "{\"email\":null}",
         "{\"format\":\"iss_sub\",\"iss\":\"https://u\",\"sub\":\"u1\"}"},
        {ASKS("\"" RISC "account-enabled\"", "iss_sub"), "{\"email\":\"a@b\"}",
         "{\"format\":\"iss_sub\",\"iss\":\"https://u\",\"sub\":\"u1\"}"},
        {ASKS("\"" RISC "account-enabled\"", "scim"), "{\"email\":\"a@b\"}",
         "{\"format\":\"scim\",\"uri\":\"/Users/u1\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sets_of(cases[i].stream, PROV "activate", "/Users/u1", cases[i].about, a, s), 1);
        assert_non_null(strstr(s[0].claims, cases[i].subject));
    }
    arena_free(a);
}

static void an_address_that_changes(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct ssf_set s[SSF_SETS_MAX];
    const char *stream = ASKS("\"" RISC "identifier-changed\"", "iss_sub");
    assert_int_equal(
        sets_of(stream, PROV "patch:notice", "/Users/u1", "{\"email\":\"n@b\",\"was\":\"o@b\"}", a, s), 1);
    assert_non_null(strstr(s[0].claims,
                           "\"sub_id\":{\"format\":\"email\",\"email\":\"o@b\"},\"events\":{\"" RISC
                           "identifier-changed\":{\"new-value\":\"n@b\"}}"));
    assert_int_equal(
        sets_of(stream, PROV "patch:notice", "/Users/u1", "{\"email\":\"n@b\",\"was\":null}", a, s), 0);
    arena_free(a);
}

static void who_was_removed_and_what_was_before(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct ssf_set s[SSF_SETS_MAX];
    static const char *const removed[] = {"{\"format\":\"email\",\"email\":\"A@b\"}",
                                          "{\"format\":\"scim\",\"uri\":\"/Users/u1\"}",
                                          "{\"format\":\"iss_sub\",\"iss\":\"https://u\",\"sub\":\"u1\"}"};
    for (size_t i = 0; i < 3; i++) {
        const char *stream =
            arena_printf(a,
                         "{\"iss\":\"https://u\",\"aud\":\"r\",\"format\":\"scim\",\"from\":0,"
                         "\"removed\":[%s],\"requested\":[\"" PROV "activate\"]}",
                         removed[i]);
        assert_int_equal(sets_of(stream, PROV "activate", "/Users/u1", "{\"email\":\"a@b\"}", a, s), 0);
        assert_int_equal(sets_of(stream, PROV "activate", "/Users/u2", "{\"email\":\"c@b\"}", a, s), 1);
    }
    const char *later = "{\"iss\":\"https://u\",\"aud\":\"r\",\"format\":\"scim\",\"from\":5000001,"
                        "\"removed\":[],\"requested\":[\"" PROV "activate\"]}";
    assert_int_equal(sets_of(later, PROV "activate", "/Users/u1", NULL, a, s), 0);
    arena_free(a);
}

static void a_verification_is_for_one_stream(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct ssf_set s[SSF_SETS_MAX];
    struct jbuf value = {0};
    json_t *doc = doc_of(ASKS("", "email"));
    ssf_put_verification(&value, STREAM, "t", "a \"state\"");
    struct ssf_message m = {.type = SSF_VERIFICATION, .event = "w/verification/t", .value = value.p};
    assert_int_equal(ssf_sets(STREAM, doc, &m, a, s), 1);
    assert_non_null(strstr(s[0].claims,
                           "\"sub_id\":{\"format\":\"opaque\",\"id\":\"" STREAM
                           "\"},\"events\":{\"" SSF_VERIFICATION "\":{\"state\":\"a \\\"state\\\"\"}}"));
    assert_int_equal(ssf_sets("another", doc, &m, a, s), 0);
    json_decref(doc);
    jb_free(&value);
    arena_free(a);
}

/* Told of the stream alone whose status it is, and only while it has that; also where what happened before
 * is not told. */
static void a_new_status(void **state) {
    (void)state;
    struct arena *a = arena_new();
    struct ssf_set s[SSF_SETS_MAX];
    struct jbuf value = {0};
    json_t *doc = doc_of(ASKS("", "email"));
    json_object_set_new(doc, "state", json_string("paused"));
    json_object_set_new(json_object_get(doc, "stream"), "from", json_integer(9));
    ssf_put_updated(&value, STREAM, "t", "paused", "failing");
    struct ssf_message m = {.type = SSF_UPDATED, .event = "w/stream-updated/t", .value = value.p};
    assert_int_equal(ssf_sets(STREAM, doc, &m, a, s), 1);
    assert_string_equal(s[0].type, SSF_UPDATED);
    assert_non_null(strstr(s[0].claims, "\"sub_id\":{\"format\":\"opaque\",\"id\":\"" STREAM
                                        "\"},\"events\":{\"" SSF_UPDATED
                                        "\":{\"status\":\"paused\",\"reason\":\"failing\"}}"));
    assert_int_equal(ssf_sets("another", doc, &m, a, s), 0);
    json_object_set_new(doc, "state", json_string("enabled"));
    assert_int_equal(ssf_sets(STREAM, doc, &m, a, s), 0);
    jb_reset(&value);
    ssf_put_updated(&value, STREAM, "t", "enabled", NULL);
    m.value = value.p;
    assert_int_equal(ssf_sets(STREAM, doc, &m, a, s), 1);
    assert_non_null(strstr(s[0].claims, "{\"status\":\"enabled\"}"));
    json_decref(doc);
    jb_free(&value);
    arena_free(a);
}

static void what_is_read_from_the_log(void **state) {
    (void)state;
    json_t *requested =
               json_loads("[\"" RISC "account-purged\",\"" CAEP "session-revoked\",\"urn:x\",7]", 0, NULL),
           *delivered = ssf_delivered(requested), *sources = ssf_sources(delivered);
    char *text = json_dumps(sources, JSON_COMPACT);
    assert_string_equal(text, "[\"" SSF_VERIFICATION "\",\"" SSF_UPDATED "\",\"" PROV "delete\",\"" PROV
                              "deactivate\"]");
    assert_int_equal(json_array_size(delivered), 2);
    free(text);
    json_decref(sources);
    json_decref(delivered);
    json_decref(requested);
}

static void a_header_is_sealed_for_its_stream(void **state) {
    (void)state;
    const unsigned char service[DELIVERY_SERVICE_SECRET] = "a secret of the service";
    struct jbuf sealed = {0}, open = {0};
    delivery_text_seal("Bearer x", service, STREAM, &sealed);
    assert_null(strstr(sealed.p, "Bearer"));
    assert_true(delivery_text_open(sealed.p, service, STREAM, &open));
    assert_string_equal(open.p, "Bearer x");
    assert_false(delivery_text_open(sealed.p, service, "another", &open));
    assert_false(delivery_text_open("AAAA", service, STREAM, &open));
    jb_reset(&open);
    assert_true(delivery_text_open("", service, STREAM, &open));
    assert_int_equal(open.n, 0);
    jb_free(&sealed);
    jb_free(&open);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_change_is_several_events),
        cmocka_unit_test(a_subject_is_named_as_the_stream_wants),
        cmocka_unit_test(an_address_that_changes),
        cmocka_unit_test(who_was_removed_and_what_was_before),
        cmocka_unit_test(a_verification_is_for_one_stream),
        cmocka_unit_test(a_new_status),
        cmocka_unit_test(what_is_read_from_the_log),
        cmocka_unit_test(a_header_is_sealed_for_its_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
