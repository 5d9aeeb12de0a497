#include "ops/runtime/fetch.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOT_PUBLIC "the address is not a public one"

/* What became of a fetch. */
struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int n;
    char why[200];
};

static void on_done(void *ctx, const char *text, size_t n, const char *why) {
    struct outcome *o = ctx;
    (void)text, (void)n;
    pthread_mutex_lock(&o->lock);
    o->n++;
    snprintf(o->why, sizeof o->why, "%s", why != NULL ? why : "fetched");
    pthread_cond_signal(&o->done);
    pthread_mutex_unlock(&o->lock);
}

static struct outcome *outcome_new(void) {
    struct outcome *o = xcalloc(1, sizeof *o);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->done, NULL);
    return o;
}

static void outcome_free(struct outcome *o) {
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->done);
    free(o);
}

static void outcome_wait(struct outcome *o) {
    pthread_mutex_lock(&o->lock);
    while (o->n == 0)
        pthread_cond_wait(&o->done, &o->lock);
    pthread_mutex_unlock(&o->lock);
    assert_int_equal(o->n, 1);
}

static struct fetch *fetcher(const struct net_ranges *allowed, long timeout_ms, size_t at_once) {
    struct fetch_settings s = {
        .allowed = allowed, .timeout_ms = timeout_ms, .max_bytes = 1000, .at_once = at_once};
    struct fetch *f = fetch_new(&s);
    assert_non_null(f);
    return f;
}

/* A socket that listens on this machine and answers nothing. */
static int listener(int family, int *port) {
    struct sockaddr_storage at = {.ss_family = (sa_family_t)family};
    socklen_t n = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (family == AF_INET) {
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        v6->sin6_addr = in6addr_loopback;
        v6->sin6_port = htons((uint16_t)*port);
    }
    if (bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
    return fd;
}

static bool was_called(int fd) {
    int client = fd >= 0 ? accept(fd, NULL, NULL) : -1;
    if (client < 0)
        return false;
    close(client);
    return true;
}

static const char *fetch_one(struct fetch *f, const char *url, char why[200]) {
    struct outcome *o = outcome_new();
    assert_true(fetch_start(f, url, on_done, o));
    outcome_wait(o);
    memcpy(why, o->why, 200);
    outcome_free(o);
    return why;
}

/* Each leads to this machine or into its networks, by number or by name. */
static void private_addresses_however_they_are_spelled(void **state) {
    (void)state;
    static const char *const hosts[] = {
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "017700000001",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fe80::1]",
        "[ff02::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "2852039166",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1", /* digits in circles */
    };
    int port = 0, v4 = listener(AF_INET, &port), v6 = listener(AF_INET6, &port);
    assert_true(v4 >= 0);
    struct fetch *f = fetcher(NULL, 5000, 8);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char url[200], why[200];
        snprintf(url, sizeof url, "https://%s:%d/x", hosts[i], port);
        fetch_one(f, url, why);
        if (strcmp(why, "fetched") == 0 || was_called(v4) || was_called(v6))
            fail_msg("%s: %s", url, why);
        /* "127.0.0.1." and the like may be names that nobody knows: then nothing is connected to either */
        if (strcmp(why, NOT_PUBLIC) != 0 && strstr(why, "resolve") == NULL && strstr(why, "URL") == NULL)
            fail_msg("%s: %s", url, why);
    }
    fetch_close(f);
    close(v4);
    close(v6);
}

/* So the test above sees a connection where there is one. */
static void what_is_allowed_is_connected_to(void **state) {
    (void)state;
    struct net_ranges allowed;
    char url[100];
    int port = 0, fd = listener(AF_INET, &port);
    assert_true(net_ranges_parse("127.0.0.0/8", &allowed, NULL));
    struct fetch *f = fetcher(&allowed, 200, 8);
    struct outcome *o = outcome_new();
    int64_t begin_us = clock_mono_us();
    snprintf(url, sizeof url, "https://127.0.0.1:%d/x", port);
    assert_true(fetch_start(f, url, on_done, o));
    outcome_wait(o); /* the server never answers */
    assert_non_null(strstr(o->why, "imeout"));
    assert_true(clock_mono_us() - begin_us >= 190000);
    assert_true(was_called(fd));
    outcome_free(o);
    fetch_close(f);
    net_ranges_free(&allowed);
    close(fd);
}

static void https_and_nothing_else(void **state) {
    (void)state;
    static const char *const urls[] = {"http://93.184.216.34/",
                                       "file:///etc/passwd",
                                       "ftp://93.184.216.34/",
                                       "gopher://93.184.216.34/",
                                       "dict://93.184.216.34/",
                                       "",
                                       "x"};
    struct fetch *f = fetcher(NULL, 2000, 8);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char why[200];
        fetch_one(f, urls[i], why);
        if (strstr(why, "rotocol") == NULL && strstr(why, "URL") == NULL && strstr(why, "resolve") == NULL)
            fail_msg("%s: %s", urls[i], why);
    }
    fetch_close(f);
}

static void addresses_are_judged(void **state) {
    (void)state;
    static const char *const outside[] = {"8.8.8.8",    "93.184.216.34", "100.128.0.1",  "172.32.0.1",
                                          "198.20.0.1", "2606:4700::1",  "2a00:1450::1", "::ffff:8.8.8.8"};
    static const char *const inside[] = {"0.1.2.3",
                                         "10.255.255.255",
                                         "100.127.255.255",
                                         "127.255.255.255",
                                         "169.254.1.1",
                                         "172.31.255.255",
                                         "192.0.0.255",
                                         "192.168.0.0",
                                         "198.19.255.255",
                                         "224.0.0.0",
                                         "240.0.0.1",
                                         "::",
                                         "::1",
                                         "fe80::1",
                                         "fc00::1",
                                         "fdff::1",
                                         "2001:0:1::1",
                                         "2001:db8::1",
                                         "2002::1",
                                         "64:ff9b::808:808",
                                         "4000::1",
                                         "::ffff:10.0.0.1"};
    struct fetch *f = fetcher(NULL, 1000, 1);
    struct net_address a;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_true(net_address_parse(outside[i], strlen(outside[i]), &a));
        if (!fetch_allows(f, &a))
            fail_msg("%s", outside[i]);
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        assert_true(net_address_parse(inside[i], strlen(inside[i]), &a));
        if (fetch_allows(f, &a))
            fail_msg("%s", inside[i]);
    }
    fetch_close(f);
}

/* Beyond the bound a fetch does not begin. Those under way end when the thread does. */
static void a_bound_and_an_end(void **state) {
    (void)state;
    struct net_ranges allowed;
    char url[100];
    int port = 0, fd = listener(AF_INET, &port);
    assert_true(net_ranges_parse("127.0.0.1", &allowed, NULL));
    struct fetch *f = fetcher(&allowed, 60000, 2);
    struct outcome *o[2] = {outcome_new(), outcome_new()};
    snprintf(url, sizeof url, "https://127.0.0.1:%d/x", port);
    for (int i = 0; i < 2; i++)
        assert_true(fetch_start(f, url, on_done, o[i]));
    assert_false(fetch_start(f, url, on_done, NULL));
    fetch_close(f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(o[i]->n, 1);
        assert_string_not_equal(o[i]->why, "fetched");
        outcome_free(o[i]);
    }
    net_ranges_free(&allowed);
    close(fd);
    fetch_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_however_they_are_spelled),
        cmocka_unit_test(what_is_allowed_is_connected_to),
        cmocka_unit_test(https_and_nothing_else),
        cmocka_unit_test(addresses_are_judged),
        cmocka_unit_test(a_bound_and_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
