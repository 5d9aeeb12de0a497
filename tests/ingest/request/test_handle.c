/* The steps of a handler of the test's own: what comes after what, and what is the same for all handlers. */
#include "ingest/request/command.h"
#include "ingest/request/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ingest ingest;
static struct request *r;
static int rows, replies, accepted, answered;

static enum step on_rows(struct request *q) {
    (void)q;
    rows++;
    return STEP_PUBLISH;
}

static enum step on_reply(struct request *q) {
    (void)q;
    replies++;
    return STEP_READ;
}

static void on_accepted(struct request *q) {
    accepted++;
    q->answer.status = 202;
}

static const struct handler handler = {.on_rows = on_rows, .on_reply = on_reply, .on_accepted = on_accepted};

static void form_error(struct request *q, const char *detail, const char *path) {
    (void)path;
    jb_raw(&q->answer.body, detail);
}

static const char *form_challenge(struct request *q, enum err_code code) {
    (void)q, (void)code;
    return NULL;
}

static const struct form form = {.type = "text/test", .error = form_error, .challenge = form_challenge};

static void owner_answered(struct request *q) {
    assert_int_equal(q->answer.status, 202);
    answered++;
}

static const struct owner owner = {.answered = owner_answered};

static void what_was_asked_goes_to_the_handler(void **state) {
    (void)state;
    assert_int_equal(handle_rows(r, ERR_OK), STEP_PUBLISH);
    assert_int_equal(rows, 1);
}

static void a_failed_question_is_the_answer(void **state) {
    (void)state;
    assert_int_equal(handle_rows(r, ERR_DB_LOST), STEP_ANSWERED);
    assert_int_equal(rows, 0);
    assert_int_equal(r->answer.status, 503);
    assert_int_equal(r->answer.code, ERR_UNAVAILABLE);
}

/* What was published may be done: nobody is told that it is not. */
static void a_failed_question_after_the_command(void **state) {
    (void)state;
    char text[100];
    request_make_command(r, COMMAND_USER_PATCH)->encoded = arena_strdup(r->arena, "{}");
    assert_int_equal(handle_rows(r, ERR_DB_LOST), STEP_ANSWERED);
    assert_int_equal(r->answer.code, ERR_OUTCOME_UNKNOWN);
    snprintf(text, sizeof text, "It was done, but cannot be shown now; ask for txn %s", r->txn.s);
    assert_string_equal(r->answer.body.p, text);
}

static void a_reply_goes_to_the_handler(void **state) {
    (void)state;
    struct uuid id = r->resource_id = uuid_v7();
    request_make_command(r, COMMAND_USER_PATCH)->reply = (struct reply){.code = ERR_OK};
    assert_int_equal(handle_reply(r), STEP_READ);
    assert_int_equal(replies, 1);
    assert_true(uuid_eq(&r->resource_id, &id));
    r->command->reply.id = uuid_v7(); /* of an account that was there already */
    assert_int_equal(handle_reply(r), STEP_READ);
    assert_true(uuid_eq(&r->resource_id, &r->command->reply.id));
}

/* (ASan sees it if the document is not freed.) */
static void a_reply_s_document_goes_with_the_request(void **state) {
    (void)state;
    request_make_command(r, COMMAND_USER_PATCH)->reply = (struct reply){.code = ERR_OK, .doc = strdup("{}")};
    assert_int_equal(handle_reply(r), STEP_READ);
    assert_string_equal(r->command->reply.doc, "{}");
}

static void a_refusal_is_answered_as_it_is(void **state) {
    (void)state;
    request_make_command(r, COMMAND_USER_PATCH)->reply =
        (struct reply){.code = ERR_UNIQUENESS, .detail = "Taken"};
    assert_int_equal(handle_reply(r), STEP_ANSWERED);
    assert_int_equal(replies, 0);
    assert_int_equal(r->answer.status, 409);
    assert_string_equal(r->answer.body.p, "Taken");
}

static void all_that_are_accepted_are_finished(void **state) {
    (void)state;
    struct request *other = request_new(&ingest);
    r->owner = other->owner = &owner;
    other->handler = &handler;
    r->next = other;
    handle_accepted(r);
    assert_int_equal(accepted, 2);
    assert_int_equal(answered, 2);
    handle_accepted(NULL);
    assert_int_equal(accepted, 2);
    request_release(other);
}

static void options(void **state) {
    (void)state;
    r->route.allow = "GET, OPTIONS";
    assert_int_equal(options_handler.begin(r), STEP_ANSWERED);
    assert_int_equal(r->answer.status, 204);
    assert_string_equal(r->answer.allow, "GET, OPTIONS");
}

static int setup(void **state) {
    (void)state;
    r = request_new(&ingest);
    r->handler = &handler;
    r->form = &form;
    rows = replies = accepted = answered = 0;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    request_release(r);
    request_pool_free();
    return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_was_asked_goes_to_the_handler),       CASE(a_failed_question_is_the_answer),
        CASE(a_failed_question_after_the_command),      CASE(a_reply_goes_to_the_handler),
        CASE(a_reply_s_document_goes_with_the_request), CASE(a_refusal_is_answered_as_it_is),
        CASE(all_that_are_accepted_are_finished),       CASE(options),
    };
    return cmocka_run_group_tests_name("ingest/handle", tests, NULL, NULL);
}
