#include "ops/runtime/clock.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Each case runs in a process of its own, as a stop is for good; its exit code is returned, or minus the
 * signal that ended it. */
static int in_a_process(int (*body)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        log_init("test", "error");
        lifecycle_init();
        close(STDERR_FILENO);
        _exit(body());
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_times_out(void) {
    int64_t start = clock_mono_us();
    bool stopped = lifecycle_wait(30);
    int64_t took = clock_mono_us() - start;
    return !stopped && !lifecycle_stopping() && took >= 30000 && took < 2000000 ? 0 : 1;
}

static int hangup_and_broken_pipe_do_not_stop(void) {
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGPIPE);
    return lifecycle_wait(20) ? 1 : 0;
}

static int term_stops(void) {
    kill(getpid(), SIGTERM);
    return lifecycle_wait(-1) && lifecycle_stopping() && lifecycle_wait(-1) ? 0 : 1;
}

static int interrupt_stops(void) {
    kill(getpid(), SIGINT);
    return lifecycle_wait(1000) ? 0 : 1;
}

static void *stop_soon(void *arg) {
    usleep(20000);
    lifecycle_stop();
    return arg;
}

static int a_thread_can_stop(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, stop_soon, NULL);
    bool stopped = lifecycle_wait(-1);
    pthread_join(thread, NULL);
    return stopped ? 0 : 1;
}

static int watchdog_bites(void) {
    lifecycle_watchdog(1, 9);
    sleep(30);
    return 1;
}

static int ready_is_told_once(void) {
    int ends[2];
    char number[16], line[16] = "";
    if (pipe(ends) != 0)
        return 1;
    snprintf(number, sizeof number, "%d", ends[1]);
    setenv("USHER_READY_FD", number, 1);
    lifecycle_ready();
    lifecycle_ready();
    /* The end of file shows that our end was closed. */
    return read(ends[0], line, sizeof line) == 6 && strcmp(line, "ready\n") == 0 &&
                   read(ends[0], line, 1) == 0
               ? 0
               : 2;
}

static void stops(void **state) {
    (void)state;
    assert_int_equal(in_a_process(wait_times_out), 0);
    assert_int_equal(in_a_process(hangup_and_broken_pipe_do_not_stop), 0);
    assert_int_equal(in_a_process(term_stops), 0);
    assert_int_equal(in_a_process(interrupt_stops), 0);
    assert_int_equal(in_a_process(a_thread_can_stop), 0);
}

static void a_stop_that_hangs_is_ended(void **state) {
    (void)state;
    assert_int_equal(in_a_process(watchdog_bites), 9);
}

static void readiness_is_told(void **state) {
    (void)state;
    assert_int_equal(in_a_process(ready_is_told_once), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops),
        cmocka_unit_test(a_stop_that_hangs_is_ended),
        cmocka_unit_test(readiness_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
