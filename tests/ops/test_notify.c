#include "ops/runtime/notify.h"

#include "ops/runtime/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The service manager's end: an abstract socket, whose name begins with @ in the environment. */
static int manager_open(const char *name) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(at.sun_path + 1, name + 1, strlen(name + 1));
    assert_true(fd >= 0);
    assert_int_equal(
        bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
        0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

/* "" where nothing has come. */
static const char *heard(int fd) {
    static char text[400];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void what_is_sent_comes(void **state) {
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "@usher-test-%ld", (long)getpid());
    int fd = manager_open(name);
    notify_send("READY=1");
    assert_string_equal(heard(fd), "READY=1");
    notify_status("waits for postgresql\ntopics");
    assert_string_equal(heard(fd), "STATUS=waits for postgresql topics");
    notify_status("waits for postgresql\ntopics"); /* the same is not told again */
    assert_string_equal(heard(fd), "");
    notify_status("ready");
    assert_string_equal(heard(fd), "STATUS=ready");
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_send("READY=1");
    assert_string_equal(heard(fd), "");
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

/* What notify_alive keeps is kept for the process, so each case has one of its own. */
static int alive_sends(const char *usec, const char *pid) {
    char name[64];
    snprintf(name, sizeof name, "@usher-test-alive-%ld", (long)getpid());
    pid_t child = fork();
    if (child == 0) {
        int fd = manager_open(name), n = 0;
        if (usec != NULL)
            setenv("WATCHDOG_USEC", usec, 1);
        if (pid != NULL)
            setenv("WATCHDOG_PID", pid, 1);
        for (int i = 0; i < 1000; i++)
            notify_alive();
        while (strcmp(heard(fd), "WATCHDOG=1") == 0)
            n++;
        _exit(n);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void alive_is_told_now_and_then(void **state) {
    (void)state;
    assert_int_equal(alive_sends(NULL, NULL), 0);
    assert_int_equal(alive_sends("60000000", NULL), 1);
    assert_int_equal(alive_sends("60000000", "1"), 0); /* somebody else is watched */
}

static void a_socket_is_inherited_once(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        char pid[16];
        int port = 0, got = 0, fd = net_listen("127.0.0.1:0", 5, &port, &err);
        snprintf(pid, sizeof pid, "%ld", (long)getpid());
        dup2(fd, 3);
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_PID", "1", 1); /* meant for another */
        if (net_inherited(&got) >= 0)
            _exit(1);
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_PID", pid, 1);
        if (net_inherited(&got) != 3 || got != port)
            _exit(2);
        _exit(net_inherited(&got) >= 0 || getenv("LISTEN_FDS") != NULL ? 3 : 0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_comes),
        cmocka_unit_test(alive_is_told_now_and_then),
        cmocka_unit_test(a_socket_is_inherited_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
