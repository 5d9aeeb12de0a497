/* Commands and a producer that dies: what is pending is sent again by its successor, with the same ids
 * (producer.h). There is no broker, so that everything stays where it can be looked at. */
#include "ingest/log/pending.h"
#include "ingest/log/producer.h"
#include "ingest/log/publish.h"
#include "ingest/log/replies.h"
#include "ingest/request/command.h"
#include "ingest/scim/form.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct ingest ingest = {
    .settings = {.partitions = 12, .deadline_us = 60000000, .commands_per_workspace = 128}};

static const struct handler handler = {.forgets = true};

static struct request *write_request(void) {
    struct request *r = request_new(&ingest);
    r->handler = &handler;
    r->form = &scim_form;
    request_make_command(r, COMMAND_USER_DELETE);
    r->resource_id = uuid_v7();
    r->verdict.workspace = uuid_v7();
    r->verdict.key = uuid_v7();
    snprintf(r->verdict.key_name, sizeof r->verdict.key_name, "test");
    return r;
}

static void pending_commands_are_sent_again(void **state) {
    (void)state;
    struct err err = {0};
    struct jbuf scratch = {0};
    struct publish *p = publish_new(&ingest, &err);
    assert_non_null(p);
    struct request *answered = write_request(), *waiting = write_request();
    publish_request(p, answered, &scratch);
    publish_request(p, waiting, &scratch);
    assert_int_equal(pending_count(ingest.pending), 2);
    assert_ptr_equal(pending_take(ingest.pending, answered->txn.s), answered);

    int64_t replaced = metric_value(stats.producers_replaced), until = clock_mono_us() + 10000000;
    producer_break(publish_producer(p));
    while (metric_value(stats.producers_replaced) == replaced && clock_mono_us() < until)
        usleep(1000);
    while (producer_queued(publish_producer(p)) == 0 && clock_mono_us() < until)
        usleep(1000);
    assert_int_equal(metric_value(stats.producers_replaced), replaced + 1);
    assert_true(producer_queued(publish_producer(p)) >= 1);
    assert_int_equal(metric_value(stats.publish_failed), 0); /* nobody was told that it failed */
    assert_ptr_equal(pending_take(ingest.pending, waiting->txn.s), waiting);

    publish_close(p, 0);
    request_release(answered);
    request_release(waiting);
    jb_free(&scratch);
}

static void what_is_sent_again_is_the_same_command(void **state) {
    (void)state;
    struct err err = {0};
    struct jbuf scratch = {0};
    struct command c;
    struct publish *p = publish_new(&ingest, &err);
    struct request *r = write_request();
    publish_request(p, r, &scratch);
    assert_ptr_equal(pending_take(ingest.pending, r->txn.s), r);
    assert_int_equal(command_decode(r->command->encoded, r->command->encoded_len, &c, &err), ERR_OK);
    assert_string_equal(c.txn.s, r->txn.s);
    assert_string_equal(c.id.s, r->resource_id.s);
    assert_string_equal(c.actor.id, r->verdict.key.s);
    assert_string_equal(c.reason, "scim");
    assert_true(c.not_after_us > r->wall_us + ingest.settings.deadline_us);
    command_clear(&c);
    publish_close(p, 0);
    request_release(r);
    jb_free(&scratch);
}

/* A Bulk's operations: each its own command, in order, with what ties it to the Bulk. */
static void operations_of_a_bulk(void **state) {
    (void)state;
    struct err err = {0};
    struct jbuf scratch = {0};
    struct publish *p = publish_new(&ingest, &err);
    struct request *bulk = write_request(), *o[3];
    static const struct command_async async = {.txn = "x:1", .method = "DELETE"};
    bulk->async = true;
    for (size_t i = 0; i < 3; i++) {
        o[i] = write_request();
        o[i]->async = true;
        o[i]->command->async = &async;
        o[i]->command->fail_on = 2;
        o[i]->command->bulk = bulk->txn;
    }
    o[1]->answer.status = 400; /* answered already */
    publish_bulk(p, bulk, o, 3, &scratch);
    assert_int_equal(pending_count(ingest.pending), 2);
    assert_false(request_is_published(o[1]));
    for (size_t i = 0; i < 3; i += 2) {
        struct command c;
        assert_int_equal(command_decode(o[i]->command->encoded, o[i]->command->encoded_len, &c, &err),
                         ERR_OK);
        assert_string_equal(c.txn.s, o[i]->txn.s);
        assert_string_equal(c.bulk.s, bulk->txn.s);
        assert_int_equal(c.bulk_fail_on, 2);
        assert_string_equal(c.async.txn, "x:1");
        assert_string_equal(c.async.method, "DELETE");
        assert_int_equal(c.not_after_us, 0);                                    /* accepted is accepted */
        assert_int_equal(c.reply_partition, replies_partition(ingest.replies)); /* gives its place back */
        command_clear(&c);
        assert_ptr_equal(pending_take(ingest.pending, o[i]->txn.s), o[i]);
    }
    publish_close(p, 0);
    for (size_t i = 0; i < 3; i++)
        request_release(o[i]);
    request_release(bulk);
    jb_free(&scratch);
}

static int setup(void **state) {
    (void)state;
    stats_init();
    ingest.pending = pending_new();
    ingest.replies = replies_new(&ingest, NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    pending_free(ingest.pending);
    replies_close(ingest.replies);
    request_pool_free();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_commands_are_sent_again),
        cmocka_unit_test(what_is_sent_again_is_the_same_command),
        cmocka_unit_test(operations_of_a_bulk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
