#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/log.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void arm(const char *setting) {
    if (setting)
        setenv("USHER_FAILPOINT", setting, 1);
    else
        unsetenv("USHER_FAILPOINT");
    log_init("test", "error");
    failpoint_init();
}

static void off_by_default(void **state) {
    (void)state;
    arm(NULL);
    assert_false(failpoints_armed);
    assert_false(failpoint("worker.polled"));
    arm("");
    assert_false(failpoints_armed);
}

static void error_comes_at_the_named_pass_of_the_named_point(void **state) {
    (void)state;
    arm("worker.polled=error");
    assert_true(failpoints_armed);
    assert_false(failpoint("worker.polled.more"));
    assert_false(failpoint("worker"));
    assert_true(failpoint("worker.polled"));
    assert_false(failpoint("worker.polled"));
    arm("a=error@3,b=error@*,a=error@5");
    for (int pass = 1; pass <= 6; pass++) {
        assert_int_equal(failpoint("a"), pass == 3 || pass == 5);
        assert_true(failpoint("b"));
    }
}

static void sleep_delays_and_does_not_fail(void **state) {
    (void)state;
    arm("a=sleep:30");
    int64_t start = clock_mono_us();
    assert_false(failpoint("a"));
    assert_true(clock_mono_us() - start >= 30000);
    start = clock_mono_us();
    assert_false(failpoint("a"));
    assert_true(clock_mono_us() - start < 25000);
}

/* What becomes of a process that passes point a twice, with this setting. */
static int fate(const char *setting) {
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        arm(setting);
        failpoint("a");
        failpoint("a");
        _exit(42);
    }
    int status;
    waitpid(pid, &status, WUNTRACED);
    if (WIFSTOPPED(status)) {
        assert_int_equal(WSTOPSIG(status), SIGSTOP);
        kill(pid, SIGCONT);
        waitpid(pid, &status, 0);
        assert_int_equal(WEXITSTATUS(status), 42);
        return 1000;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void kill_and_stop(void **state) {
    (void)state;
    assert_int_equal(fate("a=kill"), -SIGKILL);
    assert_int_equal(fate("a=kill@2"), -SIGKILL);
    assert_int_equal(fate("a=kill@3"), 42);
    assert_int_equal(fate("b=kill"), 42);
    assert_int_equal(fate("a=stop"), 1000);
}

static void a_setting_not_understood_ends_the_process(void **state) {
    (void)state;
    static const char *const bad[] = {"a",        "a=",       "=kill",    "a=explode",    "a=kill@",
                                      "a=kill@0", "a=kill@x", "a=sleep:", "a=sleep:soon", "a=kill,b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(fate(bad[i]), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_by_default),
        cmocka_unit_test(error_comes_at_the_named_pass_of_the_named_point),
        cmocka_unit_test(sleep_delays_and_does_not_fail),
        cmocka_unit_test(kill_and_stop),
        cmocka_unit_test(a_setting_not_understood_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
