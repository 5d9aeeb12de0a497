#include "ops/runtime/metrics.h"
#include "ops/runtime/metrics_http.h"
#include "ops/runtime/net.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_text_is_prometheus_format(void **state) {
    (void)state;
    metric_add(metric_counter("usher_requests_total", "status=\"2xx\"", "Requests answered"), 3);
    metric_set(metric_gauge("usher_in_flight", NULL, "Requests in flight"), -2);
    /* A second series of a name that has others registered in between still stands under the one HELP. */
    metric_add(metric_counter("usher_requests_total", "status=\"4xx\"", "Requests answered"), 1);
    struct jbuf out = {0};
    metrics_render(&out);
    assert_string_equal(out.p, "# HELP usher_requests_total Requests answered\n"
                               "# TYPE usher_requests_total counter\n"
                               "usher_requests_total{status=\"2xx\"} 3\n"
                               "usher_requests_total{status=\"4xx\"} 1\n"
                               "# HELP usher_in_flight Requests in flight\n"
                               "# TYPE usher_in_flight gauge\n"
                               "usher_in_flight -2\n");
    jb_free(&out);
}

static void a_table_has_the_rows_of_the_last_time(void **state) {
    (void)state;
    struct metric_table *t = metric_table("usher_fullest", "Of the fullest");
    struct jbuf out = {0}, label = {0};
    metric_label(&label, "workspace", "1");
    metric_label(&label, "name", "a \"b\" \\ c\nd");
    metric_table_set(t, (struct metric_row[]){{label.p, 3}, {"workspace=\"2\"", 2}}, 2);
    metrics_render(&out);
    assert_non_null(strstr(out.p, "# TYPE usher_fullest gauge\n"
                                  "usher_fullest{workspace=\"1\",name=\"a \\\"b\\\" \\\\ c\\nd\"} 3\n"
                                  "usher_fullest{workspace=\"2\"} 2\n"));
    metric_table_set(metric_table("usher_fullest", ""), (struct metric_row[]){{"workspace=\"2\"", 5}}, 1);
    jb_reset(&out);
    metrics_render(&out);
    assert_non_null(strstr(out.p, "gauge\nusher_fullest{workspace=\"2\"} 5\n"));
    assert_null(strstr(out.p, "workspace=\"1\""));
    metric_table_set(t, NULL, 0);
    jb_reset(&out);
    metrics_render(&out);
    assert_null(strstr(out.p, "usher_fullest{"));
    jb_free(&label);
    jb_free(&out);
}

static void histograms_are_cumulative_and_in_seconds(void **state) {
    (void)state;
    struct metric *m = metric_histogram("usher_answer_seconds", "op=\"get\"", "Time to answer");
    metric_observe_us(m, 100);      /* bounds are inclusive */
    metric_observe_us(m, 101);      /* -> 250 us */
    metric_observe_us(m, 2000000);  /* -> 2.5 s */
    metric_observe_us(m, 60000000); /* only +Inf */
    struct jbuf out = {0};
    metrics_render(&out);
    static const char *const lines[] = {
        "# TYPE usher_answer_seconds histogram\n",
        "\nusher_answer_seconds_bucket{op=\"get\",le=\"0.0001\"} 1\n",
        "\nusher_answer_seconds_bucket{op=\"get\",le=\"0.00025\"} 2\n",
        "\nusher_answer_seconds_bucket{op=\"get\",le=\"1\"} 2\n",
        "\nusher_answer_seconds_bucket{op=\"get\",le=\"2.5\"} 3\n",
        "\nusher_answer_seconds_bucket{op=\"get\",le=\"10\"} 3\n",
        "\nusher_answer_seconds_bucket{op=\"get\",le=\"+Inf\"} 4\n",
        "\nusher_answer_seconds_sum{op=\"get\"} 62.000201\n",
        "\nusher_answer_seconds_count{op=\"get\"} 4\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(out.p, lines[i]))
            fail_msg("missing: %s in: %s", lines[i], out.p);
    assert_int_equal(metric_value(m), 4);
    jb_free(&out);
}

static void the_same_name_and_labels_are_the_same_series(void **state) {
    (void)state;
    struct metric *a = metric_counter("usher_same_total", NULL, "x");
    assert_ptr_equal(a, metric_counter("usher_same_total", "", "x"));
    assert_ptr_not_equal(a, metric_counter("usher_same_total", "k=\"v\"", "x"));
}

static void *count(void *m) {
    for (int i = 0; i < 20000; i++)
        metric_add(m, 1);
    return NULL;
}

static void no_count_is_lost_between_threads(void **state) {
    (void)state;
    struct metric *m = metric_counter("usher_threads_total", NULL, "x");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count, m);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_value(m), 80000);
}

/* Sends one request and takes the whole answer. */
static char *http(int port, const char *method, const char *path) {
    static char answer[65536];
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    dprintf(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
        n += (size_t)got;
    answer[n] = 0;
    close(fd);
    return answer;
}

/* -1: the answer has no such sample. */
static double number_of(const char *answer, const char *sample) {
    const char *at = strstr(answer, sample);
    return at != NULL ? strtod(at + strlen(sample), NULL) : -1;
}

static bool ask_ready(void *ctx, char *why, size_t n) {
    if (*(bool *)ctx)
        return true;
    snprintf(why, n, "no partition assigned");
    return false;
}

static void the_listener_serves_metrics_health_and_readiness(void **state) {
    (void)state;
    bool ready = false;
    struct err err = {0};
    struct metrics_http *h = metrics_http_start("127.0.0.1:0", ask_ready, &ready, &err);
    assert_non_null(h);
    int port = metrics_http_port(h);
    metric_add(metric_counter("usher_served_total", NULL, "x"), 5);
    char *answer = http(port, "GET", "/metrics");
    assert_non_null(strstr(answer, "HTTP/1.1 200"));
    assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
    assert_non_null(strstr(answer, "\nusher_served_total 5\n"));
    assert_non_null(strstr(answer, "\nusher_ready 0\n"));
    assert_non_null(strstr(answer, "\nusher_build_info{version=\""));
    assert_true(number_of(answer, "\nprocess_resident_memory_bytes ") > 1000000);
    assert_true(number_of(answer, "\nprocess_open_fds ") > 3);
    assert_true(number_of(answer, "\nprocess_max_fds ") >= number_of(answer, "\nprocess_open_fds "));
    assert_true(number_of(answer, "\nprocess_cpu_seconds_total ") >= 0);
    double started_s = number_of(answer, "\nprocess_start_time_seconds ");
    assert_true(started_s > 0 && started_s <= (double)time(NULL) + 2);
    assert_non_null(strstr(http(port, "GET", "/healthz"), "HTTP/1.1 200"));
    answer = http(port, "GET", "/readyz");
    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "no partition assigned"));
    ready = true;
    assert_non_null(strstr(http(port, "GET", "/readyz"), "HTTP/1.1 200"));
    assert_non_null(strstr(http(port, "GET", "/metrics"), "\nusher_ready 1\n"));
    assert_non_null(strstr(http(port, "GET", "/else"), "HTTP/1.1 404"));
    assert_non_null(strstr(http(port, "POST", "/metrics"), "HTTP/1.1 405"));

    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%d", port);
    assert_null(metrics_http_start(taken, NULL, NULL, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.detail, taken));
    metrics_http_stop(h);
    metrics_http_stop(NULL);
}

static void wrong_addresses_are_refused_by_name(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "no.such.host.invalid:80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        assert_int_equal(net_listen(bad[i], 1, NULL, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.detail, bad[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_prometheus_format),
        cmocka_unit_test(a_table_has_the_rows_of_the_last_time),
        cmocka_unit_test(histograms_are_cumulative_and_in_seconds),
        cmocka_unit_test(the_same_name_and_labels_are_the_same_series),
        cmocka_unit_test(no_count_is_lost_between_threads),
        cmocka_unit_test(the_listener_serves_metrics_health_and_readiness),
        cmocka_unit_test(wrong_addresses_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
