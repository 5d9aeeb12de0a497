/* Messages over HTTP: where they may go, and what comes of an answer. The other sides are threads of the
 * test. */
#include "ops/runtime/post.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/net.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 100
#define PATIENCE_US 60000000

static struct post *poster(const struct net_ranges *allowed, long timeout_ms) {
    struct post_settings s = {.allowed = allowed, .http = true, .timeout_ms = timeout_ms, .connections = 16};
    struct post *p = post_new(&s);
    assert_non_null(p);
    return p;
}

static struct post_answer ask(struct post *p, const char *url) {
    struct post_message m = {.url = url, .headers = {"webhook-id: 1"}, .body = "{}", .n = 2};
    struct post_answer a;
    int ctx;
    int64_t until_us = clock_mono_us() + PATIENCE_US;
    post_start(p, &m, &ctx);
    while (!post_take(p, &a)) {
        assert_true(clock_mono_us() < until_us);
        post_work(p, WAIT_MS);
    }
    assert_ptr_equal(a.ctx, &ctx);
    return a;
}

/* Nothing listens on most of them; what counts is that no socket is opened, so the answer is the refusal and
 * not that nobody is there. A name is judged by what it resolves to, at the moment of connecting: "localhost"
 * stands for every name whose server gives another address than it gave before. */
static void addresses_inside_however_they_are_spelled(void **state) {
    static const char *const hosts[] = {"127.0.0.1",
                                        "localhost",
                                        "LOCALHOST",
                                        "127.1",
                                        "127.0.1",
                                        "0x7f.1",
                                        "0x7f000001",
                                        "0177.0.0.1",
                                        "2130706433",
                                        "017700000001",
                                        "0",
                                        "0.0.0.0",
                                        "[::]",
                                        "[::1]",
                                        "[0:0:0:0:0:0:0:1]",
                                        "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]",
                                        "10.0.0.1",
                                        "10.1",
                                        "0xa000001",
                                        "172.16.0.1",
                                        "192.168.0.1",
                                        "169.254.169.254",
                                        "2852039166",
                                        "100.64.0.1",
                                        "198.18.0.1",
                                        "224.0.0.1",
                                        "255.255.255.255",
                                        "[fd00::1]",
                                        "[fe80::1]",
                                        "[2002:7f00:1::]",
                                        "[64:ff9b::7f00:1]",
                                        "[2001:db8::1]"};
    struct post *p = poster(NULL, 5000);
    char url[100];
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        snprintf(url, sizeof url, "http://%s:9/x", hosts[i]);
        struct post_answer a = ask(p, url);
        if (a.status != 0 || strcmp(a.error, "the address is not a public one") != 0)
            fail_msg("%s: %d %s", hosts[i], a.status, a.error != NULL ? a.error : "");
    }
    post_free(p);
}

/* ---- a name whose addresses change ---- */

/* What the name server says of "rebound.example", in the place of the C library's own; NULL: nothing. */
static const char *const *says;
static int asked;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node == NULL || strcmp(node, "rebound.example") != 0)
        return real(node, service, hints, out);
    struct addrinfo numeric = *hints, **last = out;
    numeric.ai_flags = AI_NUMERICHOST;
    numeric.ai_family = AF_UNSPEC;
    asked++;
    for (size_t i = 0; says[i] != NULL; i++) {
        int code = real(says[i], service, &numeric, last);
        if (code != 0)
            return code;
        while (*last != NULL)
            last = &(*last)->ai_next;
    }
    return 0;
}

/* What a name stands for is judged at the socket: whatever it was a moment before, and whichever of its
 * addresses is taken. 127.0.0.2 is allowed here, and stands for one that is public. */
static void a_name_that_is_bound_anew(void **state) {
    static const struct {
        const char *const says[4];
        bool good;
    } times[] = {{{"127.0.0.2"}, true},        {{"127.0.0.1"}, false},
                 {{"127.0.0.2"}, true},        {{"::1", "10.0.0.1", "127.0.0.1"}, false},
                 {{"10.0.0.1"}, false},        {{"::ffff:127.0.0.1"}, false},
                 {{"169.254.169.254"}, false}, {{"127.0.0.2"}, true}};
    struct net_ranges allowed;
    struct err err = {0};
    char url[100];
    int port, fd = net_listen("127.0.0.2:0", 16, &port, &err);
    (void)state;
    assert_true(fd >= 0);
    assert_true(net_ranges_parse("127.0.0.2", &allowed, NULL));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct post *p = poster(&allowed, 500);
        says = times[i].says;
        snprintf(url, sizeof url, "http://rebound.example:%d/x", port);
        struct post_answer a = ask(p, url);
        assert_int_equal(a.status, 0); /* who listens does not answer */
        if ((strcmp(a.error, "the address is not a public one") == 0) == times[i].good)
            fail_msg("%s …: %s", times[i].says[0], a.error);
        post_free(p);
    }
    assert_true(asked >= (int)(sizeof times / sizeof *times));
    close(fd);
    net_ranges_free(&allowed);
}

static void no_other_protocol(void **state) {
    static const char *const urls[] = {"file:///etc/passwd", "gopher://127.0.0.1:9/x", "ftp://127.0.0.1/x",
                                       "dict://127.0.0.1:9/x"};
    struct net_ranges allowed;
    (void)state;
    assert_true(net_ranges_parse("127.0.0.0/8", &allowed, NULL));
    struct post *p = poster(&allowed, 5000);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct post_answer a = ask(p, urls[i]);
        assert_int_equal(a.status, 0);
        assert_non_null(a.error);
    }
    post_free(p);
    struct post_settings s = {.allowed = &allowed, .http = false, .timeout_ms = 5000, .connections = 1};
    p = post_new(&s);
    assert_int_equal(ask(p, "http://127.0.0.1:9/x").status, 0);
    post_free(p);
    net_ranges_free(&allowed);
}

/* ---- answers ---- */

struct other_side {
    int fd, port;
    const char *says; /* to the one connection that comes; NULL: nothing */
    size_t more;      /* bytes behind that */
    char heard[2000];
    pthread_t thread;
};

static void *answer(void *arg) {
    struct other_side *o = arg;
    int fd = -1;
    while (fd < 0)
        fd = accept(o->fd, NULL, NULL);
    size_t n = 0;
    while (strstr(o->heard, "\r\n\r\n{}") == NULL && n + 1 < sizeof o->heard) {
        ssize_t got = recv(fd, o->heard + n, sizeof o->heard - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    if (o->says != NULL) {
        (void)send(fd, o->says, strlen(o->says), MSG_NOSIGNAL);
        for (size_t i = 0; i < o->more; i += sizeof o->heard)
            if (send(fd, o->heard, sizeof o->heard, MSG_NOSIGNAL) < 0)
                break;
    } else {
        (void)recv(fd, o->heard, sizeof o->heard - 1, 0); /* until the other side goes */
    }
    close(fd);
    return NULL;
}

static struct post_answer ask_for(struct other_side *o, long timeout_ms) {
    struct net_ranges allowed;
    struct err err = {0};
    char url[100];
    o->fd = net_listen("127.0.0.1:0", 4, &o->port, &err);
    assert_true(o->fd >= 0);
    assert_int_equal(pthread_create(&o->thread, NULL, answer, o), 0);
    assert_true(net_ranges_parse("127.0.0.1", &allowed, NULL));
    struct post *p = poster(&allowed, timeout_ms);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x?y=1", o->port);
    struct post_answer a = ask(p, url);
    post_free(p);
    pthread_join(o->thread, NULL);
    close(o->fd);
    net_ranges_free(&allowed);
    return a;
}

static void an_answer(void **state) {
    struct other_side o = {.says = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\na\x01"
                                   "bc"};
    (void)state;
    struct post_answer a = ask_for(&o, 5000);
    assert_int_equal(a.status, 429);
    assert_null(a.error);
    assert_int_equal(a.retry_after_s, 7);
    assert_string_equal(a.shown, "a?bc");
    assert_non_null(strstr(o.heard, "POST /x?y=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(o.heard, "webhook-id: 1\r\n"));
    assert_null(strstr(o.heard, "Expect"));
}

static void a_redirect_is_an_answer(void **state) {
    struct other_side o = {
        .says = "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
    (void)state;
    assert_int_equal(ask_for(&o, 5000).status, 307);
}

/* Its status counts, though it is not read to its end. */
static void an_answer_that_is_too_large(void **state) {
    struct other_side o = {.says = "HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", .more = 90000};
    (void)state;
    struct post_answer a = ask_for(&o, 20000);
    assert_int_equal(a.status, 200);
    assert_int_equal(strlen(a.shown), POST_SHOWN);
}

static void no_answer_in_time(void **state) {
    struct other_side o = {.says = NULL};
    (void)state;
    struct post_answer a = ask_for(&o, 300);
    assert_int_equal(a.status, 0);
    assert_non_null(a.error);
}

static void when_to_come_back(void **state) {
    (void)state;
    assert_int_equal(post_retry_after("120", 0), 120);
    assert_int_equal(post_retry_after("Wed, 21 Oct 2015 07:28:30 GMT", 1445412480), 30);
    assert_int_equal(post_retry_after("Wed, 21 Oct 2015 07:28:30 GMT", 1445412600), 0);
    assert_int_equal(post_retry_after("-5", 0), -1);
    assert_int_equal(post_retry_after("soon", 0), -1);
    assert_int_equal(post_retry_after("", 0), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_inside_however_they_are_spelled),
        cmocka_unit_test(a_name_that_is_bound_anew),
        cmocka_unit_test(no_other_protocol),
        cmocka_unit_test(an_answer),
        cmocka_unit_test(a_redirect_is_an_answer),
        cmocka_unit_test(an_answer_that_is_too_large),
        cmocka_unit_test(no_answer_in_time),
        cmocka_unit_test(when_to_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
