/* Who may connect, who is given up for a new connection, and who is closed because it is too slow. */
#include "ingest/http/clients.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static struct settings settings = {.connections = 8,
                                   .source_connections = 3,
                                   .head_us = 10 * SECOND,
                                   .body_us = 20 * SECOND,
                                   .answer_us = 30 * SECOND,
                                   .idle_us = 40 * SECOND};

/* A connection, and its other end, by which is seen whether it was shut down. */
struct pair {
    struct client *client;
    int ours, theirs;
};

static struct sockaddr_storage address(const char *text) {
    struct sockaddr_storage a = {0};
    struct sockaddr_in *v4 = (void *)&a;
    struct sockaddr_in6 *v6 = (void *)&a;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        a.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        a.ss_family = AF_INET6;
    }
    return a;
}

static bool welcome(const char *from) {
    struct sockaddr_storage a = address(from);
    return client_welcome((const void *)&a);
}

static struct pair come_in(const char *from) {
    struct sockaddr_storage a = address(from);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return (struct pair){client_open(fds[0], (const void *)&a), fds[0], fds[1]};
}

static bool ended(const struct pair *p) {
    char byte;
    return recv(p->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

static void go(struct pair *p) {
    client_close(p->client);
    close(p->ours);
    close(p->theirs);
}

static void a_source_has_a_number_of_connections(void **state) {
    (void)state;
    static const char *const networks[][2] = {
        {"192.0.2.1", "192.0.2.2"}, {"::ffff:192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}};
    for (size_t n = 0; n < 3; n++) {
        struct pair p[3];
        int64_t refused = metric_value(stats.closed_source);
        for (size_t i = 0; i < 3; i++) {
            assert_true(welcome(networks[n][0]));
            p[i] = come_in(networks[n][0]);
        }
        assert_false(welcome(networks[n][0]));
        assert_true(welcome(networks[n][1]));
        assert_int_equal(metric_value(stats.closed_source), refused + 1);
        go(&p[1]);
        assert_true(welcome(networks[n][0]));
        go(&p[0]);
        go(&p[2]);
    }
}

/* One customer has a whole /64. */
static void an_ipv6_network_is_one_source(void **state) {
    (void)state;
    struct pair p[3] = {come_in("2001:db8::1"), come_in("2001:db8::2"), come_in("2001:db8::ffff:0:3")};
    assert_false(welcome("2001:db8::4"));
    for (size_t i = 0; i < 3; i++)
        go(&p[i]);
}

static void a_trusted_proxy_is_not_counted(void **state) {
    (void)state;
    struct pair p[5];
    assert_true(net_ranges_parse("203.0.113.7/32", &settings.proxies, NULL));
    for (size_t i = 0; i < 5; i++) {
        assert_true(welcome("203.0.113.7"));
        p[i] = come_in("203.0.113.7");
    }
    for (size_t i = 0; i < 5; i++)
        go(&p[i]);
    net_ranges_free(&settings.proxies);
    settings.proxies = (struct net_ranges){0};
}

/* Idle ones first, the longest idle first; never one that usher works for. */
static void a_new_source_always_gets_in(void **state) {
    (void)state;
    static const enum client_phase phases[8] = {CLIENT_WORK,   CLIENT_BODY, CLIENT_IDLE,   CLIENT_NEW,
                                                CLIENT_ANSWER, CLIENT_IDLE, CLIENT_HEADER, CLIENT_WORK};
    static const size_t order[6] = {2, 5, 3, 6, 4, 1};
    static const char *const from[4] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    struct pair p[8], more[6];
    for (size_t i = 0; i < 8; i++) {
        p[i] = come_in(from[i / 2]);
        client_phase(p[i].client, phases[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        assert_false(ended(&p[order[i]]));
        assert_true(welcome("198.51.100.1"));
        assert_true(ended(&p[order[i]]));
        more[i] = come_in("192.0.2.9");
        client_phase(more[i].client, CLIENT_WORK);
    }
    assert_false(welcome("198.51.100.1")); /* usher works for all of them */
    for (size_t i = 0; i < 8; i++)
        go(&p[i]);
    for (size_t i = 0; i < 6; i++)
        go(&more[i]);
    assert_int_equal(metric_value(stats.connections), 0);
}

static void who_is_too_slow_is_closed(void **state) {
    (void)state;
    static const struct {
        enum client_phase phase;
        int64_t after;
    } slow[] = {{CLIENT_NEW, 10},    {CLIENT_HEADER, 10}, {CLIENT_BODY, 20},
                {CLIENT_ANSWER, 30}, {CLIENT_IDLE, 40},   {CLIENT_WORK, 0}};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        struct pair p = come_in("192.0.2.1");
        client_phase(p.client, slow[i].phase);
        int64_t now_us = clock_mono_us();
        clients_tick(now_us + (slow[i].after - 1) * SECOND);
        assert_false(ended(&p));
        clients_tick(now_us + (slow[i].after + 1) * SECOND);
        assert_int_equal(ended(&p), slow[i].after != 0);
        client_phase(p.client, CLIENT_WORK); /* too late: nothing changes */
        go(&p);
    }
}

static void a_large_answer_has_more_time(void **state) {
    (void)state;
    struct pair large = come_in("192.0.2.1"), small = come_in("192.0.2.1");
    client_answers(large.client, (size_t)3 << 20);
    client_answers(small.client, 1000);
    int64_t now_us = clock_mono_us();
    clients_tick(now_us + 31 * SECOND);
    assert_true(ended(&small));
    assert_false(ended(&large));
    clients_tick(now_us + 121 * SECOND);
    assert_true(ended(&large));
    go(&large);
    go(&small);
}

static int begin(void **state) {
    (void)state;
    stats_init();
    clients_open(&settings);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_has_a_number_of_connections),
        cmocka_unit_test(an_ipv6_network_is_one_source),
        cmocka_unit_test(a_trusted_proxy_is_not_counted),
        cmocka_unit_test(a_new_source_always_gets_in),
        cmocka_unit_test(who_is_too_slow_is_closed),
        cmocka_unit_test(a_large_answer_has_more_time),
    };
    return cmocka_run_group_tests_name("ingest/clients", tests, begin, NULL);
}
