/* What a browser is shown when signing in by a provider has failed: text, and one of a few fixed addresses.
 */
#include "ingest/portal/oidc_page.h"

#include "ingest/request/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest;
static struct arena *arena;

static struct request request_with(enum oidc_reason *reason) {
    return (struct request){
        .in = &ingest, .arena = arena, .form = &oidc_form, .work = reason, .head = {.host = "127.0.0.1"}};
}

static bool leads_to(const struct request *r, const char *address) {
    char due[120];
    snprintf(due, sizeof due, "<meta http-equiv=\"refresh\" content=\"0;url=%s\">", address);
    return strstr(r->answer.body.p, due) != NULL;
}

static void each_reason_has_its_address(void **state) {
    static const struct {
        enum oidc_reason reason;
        const char *address;
    } rows[] = {
        {OIDC_REASON_OFF, "/portal?signin=off"},
        {OIDC_REASON_STATE, "/portal?signin=state"},
        {OIDC_REASON_PROVIDER, "/portal?signin=provider"},
        {OIDC_REASON_REFUSED, "/portal?signin=refused"},
        {OIDC_REASON_UNKNOWN, "/portal?signin=unknown"},
        {OIDC_REASON_UNVERIFIED, "/portal?signin=unverified"},
        {OIDC_REASON_BUSY, "/portal?signin=busy"},
        {OIDC_REASON_NONE, "/portal?signin=refused"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum oidc_reason reason = rows[i].reason;
        struct request r = request_with(&reason);
        answer_error(&r, ERR_FORBIDDEN, "why");
        assert_int_equal(r.answer.status, 403);
        assert_true(leads_to(&r, rows[i].address));
        assert_true(r.answer.no_store);
        assert_null(r.answer.location);
        assert_null(r.answer.authenticate);
        jb_free(&r.answer.body);
    }
}

/* Before anything is known of the request, too. */
static void without_a_reason(void **state) {
    struct request r = request_with(NULL);
    (void)state;
    answer_error(&r, ERR_RATE_LIMITED, NULL);
    assert_true(leads_to(&r, "/portal?signin=busy"));
    answer_error(&r, ERR_UNAVAILABLE, NULL);
    assert_true(leads_to(&r, "/portal?signin=busy"));
    answer_error(&r, ERR_UNAUTHORIZED, NULL);
    assert_true(leads_to(&r, "/portal?signin=refused"));
    jb_free(&r.answer.body);
}

static void text_stays_text(void **state) {
    struct request r = request_with(NULL);
    (void)state;
    answer_error(&r, ERR_FORBIDDEN, "<script>alert(\"1\")</script> & more");
    assert_null(strstr(r.answer.body.p, "<script"));
    assert_non_null(strstr(r.answer.body.p, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more"));
    assert_non_null(strstr(r.answer.policy, "default-src 'none'"));
    assert_non_null(strstr(r.answer.cookie, "Max-Age=0"));
    jb_free(&r.answer.body);
}

static int setup(void **state) {
    (void)state;
    ingest.settings.public_url = "";
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reason_has_its_address),
        cmocka_unit_test(without_a_reason),
        cmocka_unit_test(text_stays_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
