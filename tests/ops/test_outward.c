/* A name with several addresses, of which some are inside. */
#include "ops/runtime/outward.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Answers one request. */
static void *serve(void *arg) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    const int *listener = arg;
    char request[2000];
    int client = accept(*listener, NULL, NULL);
    if (client < 0)
        return NULL; /* nobody has come */
    assert_true(recv(client, request, sizeof request, 0) > 0);
    assert_int_equal(send(client, answer, sizeof answer - 1, MSG_NOSIGNAL), sizeof answer - 1);
    close(client);
    return NULL;
}

static int listen_here(int *port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static size_t ignore(char *bytes, size_t size, size_t n, void *ctx) {
    (void)bytes, (void)ctx;
    return size * n;
}

/* Asks a name that has these addresses; of them 127.0.0.0/8 is allowed. */
static CURLcode ask(const char *addresses, int port, struct outward *o) {
    const struct outward_rules rules = {
        .protocols = "http", .agent = "test", .timeout_ms = 20000, .connect_ms = 10000};
    char url[100], pin[200];
    struct net_ranges allowed;
    struct reach reach;
    assert_true(net_ranges_parse("127.0.0.0/8", &allowed, NULL));
    reach_init(&reach, &allowed);
    *o = (struct outward){.reach = &reach};
    CURL *e = curl_easy_init();
    outward_prepare(e, &rules, o);
    snprintf(url, sizeof url, "http://provider.example:%d/", port);
    snprintf(pin, sizeof pin, "provider.example:%d:%s", port, addresses);
    struct curl_slist *pins = curl_slist_append(NULL, pin);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_RESOLVE, pins);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, ignore);
    CURLcode code = curl_easy_perform(e);
    curl_easy_cleanup(e);
    curl_slist_free_all(pins);
    reach_clear(&reach);
    net_ranges_free(&allowed);
    return code;
}

static void one_address_that_is_allowed_is_enough(void **state) {
    (void)state;
    static const char *const names[] = {"[::1],127.0.0.1", "127.0.0.1,[::1]", "10.0.0.1,127.0.0.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct outward o;
        pthread_t server;
        int port, fd = listen_here(&port);
        assert_int_equal(pthread_create(&server, NULL, serve, &fd), 0);
        CURLcode code = ask(names[i], port, &o);
        shutdown(fd, SHUT_RDWR);
        pthread_join(server, NULL);
        close(fd);
        assert_int_equal(code, CURLE_OK);
        assert_false(o.refused);
    }
}

static void none_is_too_few(void **state) {
    (void)state;
    static const char *const names[] = {"[::1]", "10.0.0.1", "[::1],10.0.0.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct outward o;
        assert_int_not_equal(ask(names[i], 9, &o), CURLE_OK);
        assert_true(o.refused);
    }
}

/* Then the address was not the trouble. */
static void nobody_there_is_another_matter(void **state) {
    (void)state;
    struct outward o;
    int port, fd = listen_here(&port);
    close(fd);
    assert_int_not_equal(ask("[::1],127.0.0.1", port, &o), CURLE_OK);
    assert_false(o.refused);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_that_is_allowed_is_enough),
        cmocka_unit_test(none_is_too_few),
        cmocka_unit_test(nobody_there_is_another_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
