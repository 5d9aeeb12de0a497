#include "tests/schemas/example.h"

#define USER_DOC                                                                                             \
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"ana@example.com\","        \
    "\"name\":{\"givenName\":\"Ana\",\"familyName\":\"L\xc3\xb3pez\"},\"active\":true}"

static void reply_check(const struct reply *r, const char *name) {
    struct jbuf b = {0};
    struct headers h;
    struct reply d;
    struct err err = {0};
    reply_encode(r, &b);
    headers_reply(&h, EX_WORKSPACE, r->txn.s, EX_TIME);
    ex_check(name, "usher.replies", "ingest-1-3312-20261122T101502Z", &h, b.p);
    assert_int_equal(reply_decode(b.p, b.n, &d, &err), ERR_OK);
    assert_string_equal(d.txn.s, r->txn.s);
    assert_int_equal(d.code, r->code);
    assert_string_equal(d.detail, r->detail);
    assert_string_equal(d.id.s, r->id.s);
    assert_int_equal(d.version, r->version);
    assert_int_equal(d.created_us, r->created_us);
    assert_int_equal(d.modified_us, r->modified_us);
    if (r->doc == NULL)
        assert_null(d.doc);
    else
        assert_string_equal(d.doc, r->doc);
    reply_clear(&d);
    jb_free(&b);
}

static void test_reply_applied(void **state) {
    (void)state;
    char doc[] = USER_DOC;
    struct reply r = {.txn = ex_uuid(EX_TXN),
                      .code = ERR_OK,
                      .id = ex_uuid(EX_USER),
                      .version = 3,
                      .created_us = EX_TIME - 86400000000,
                      .modified_us = EX_TIME,
                      .doc = doc};
    reply_check(&r, "replies.applied");
}

static void test_reply_refused(void **state) {
    (void)state;
    struct reply r = {.txn = ex_uuid(EX_TXN), .code = ERR_UNIQUENESS};
    strcpy(r.detail, "userName \"ana@example.com\" is already in use");
    strcpy(r.path, "userName");
    reply_check(&r, "replies.refused");
}

/* The document comes back byte for byte, whatever stands in it: no respelling of numbers, escapes or order.
 */
static void test_reply_document_exact(void **state) {
    (void)state;
    static const char *const docs[] = {
        "{}",
        "{\"a\":1.10,\"b\":\"\\u00e9\\\"}\",\"c\":[{\"d\":[]},{}]}",
        "{\"doc\":{\"doc\":{}},\"x\":\"\\\\\"}",
        "{ \"spaced\" : [ 1 , 2 ] }",
    };
    for (size_t i = 0; i < sizeof docs / sizeof docs[0]; i++) {
        struct reply r = {.txn = ex_uuid(EX_TXN), .doc = strdup(docs[i])}, d;
        struct jbuf b = {0};
        strcpy(r.detail, "a detail that says \"doc\":{ to confuse");
        reply_encode(&r, &b);
        assert_int_equal(reply_decode(b.p, b.n, &d, NULL), ERR_OK);
        assert_string_equal(d.doc, docs[i]);
        reply_clear(&d);
        reply_clear(&r);
        jb_free(&b);
    }
}

/* A detail may have been cut within a character. */
static void test_reply_cut_detail(void **state) {
    (void)state;
    static const struct {
        const char *given, *kept;
    } cases[] = {
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xc3", "caf"},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
        {"x\xe2\x82", "x"},
        {"x\xe2", "x"},
        {"\xf0\x9f\x8e\xa7", "\xf0\x9f\x8e\xa7"},
        {"y\xf0\x9f\x8e", "y"},
        {"y\xf0\x9f", "y"},
        {"plain", "plain"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply r = {.txn = ex_uuid(EX_TXN), .code = ERR_CONFLICT}, d;
        struct jbuf b = {0};
        strcpy(r.detail, cases[i].given);
        reply_encode(&r, &b);
        assert_int_equal(reply_decode(b.p, b.n, &d, NULL), ERR_OK);
        assert_string_equal(d.detail, cases[i].kept);
        jb_free(&b);
    }
}

static void test_reply_wrong(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "{\"v\":1}",
        "{\"v\":2,\"txn\":\"" EX_TXN "\",\"code\":\"OK\",\"detail\":null,\"id\":null,\"version\":0}",
        "{\"v\":1,\"txn\":\"x\",\"code\":\"OK\",\"detail\":null,\"id\":null,\"version\":0}",
        "{\"v\":1,\"txn\":\"" EX_TXN "\",\"code\":0,\"detail\":null,\"id\":null,\"version\":0}",
        "{\"v\":1,\"txn\":\"" EX_TXN "\",\"code\":\"OK\",\"detail\":1,\"id\":null,\"version\":0}",
        "{\"v\":1,\"txn\":\"" EX_TXN "\",\"code\":\"OK\",\"detail\":null,\"id\":\"x\",\"version\":0}",
        "{\"v\":1,\"txn\":\"" EX_TXN "\",\"code\":\"OK\",\"detail\":null,\"id\":null,\"version\":-1}",
        "{\"v\":1,\"txn\":\"" EX_TXN
        "\",\"code\":\"OK\",\"detail\":null,\"id\":null,\"version\":0,\"created\":1}",
        "{\"v\":1,\"txn\":\"" EX_TXN
        "\",\"code\":\"OK\",\"detail\":null,\"id\":null,\"version\":0,\"doc\":[]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct reply r;
        if (reply_decode(texts[i], strlen(texts[i]), &r, NULL) != ERR_DECODE)
            fail_msg("accepted: %s", texts[i]);
        assert_null(r.doc);
    }
}

/* What a tried command would have come to travels in the reply and stays with its outcome. */
static void test_reply_of_a_trial(void **state) {
    (void)state;
    struct reply r = {.txn = ex_uuid(EX_TXN), .id = ex_uuid(EX_USER), .dry = (char *)"{\"applies\":true}"}, d;
    struct jbuf b = {0};
    struct err err = {0};
    reply_encode(&r, &b);
    assert_int_equal(reply_decode(b.p, b.n, &d, &err), ERR_OK);
    assert_string_equal(d.dry, "{\"applies\":true}");
    assert_null(d.doc);
    reply_clear(&d);
    assert_null(d.dry);
    jb_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_applied),    cmocka_unit_test(test_reply_refused),
        cmocka_unit_test(test_reply_of_a_trial), cmocka_unit_test(test_reply_document_exact),
        cmocka_unit_test(test_reply_cut_detail), cmocka_unit_test(test_reply_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
