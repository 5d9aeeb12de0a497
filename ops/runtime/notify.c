#include "ops/runtime/notify.h"

#include "ops/runtime/clock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A name that begins with @ is abstract: a zero byte stands for the @. */
void notify_send(const char *text) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    size_t n = strlen(path);
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

void notify_status(const char *words) {
    static char last[300];
    char text[320];
    if (strncmp(words, last, sizeof last - 1) == 0 && last[0] != '\0')
        return;
    snprintf(last, sizeof last, "%s", words);
    snprintf(text, sizeof text, "STATUS=%s", last);
    for (char *p = text; *p != '\0'; p++)
        *p = *p == '\n' ? ' ' : *p;
    notify_send(text);
}

/* Half of WATCHDOG_USEC; 0: nobody watches this process. */
static int64_t watched_every_us(void) {
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
        return 0;
    return strtoll(usec, NULL, 10) / 2;
}

void notify_alive(void) {
    static atomic_llong due_us; /* 0: not asked so far; -1: nobody watches */
    long long due = atomic_load_explicit(&due_us, memory_order_relaxed);
    int64_t now_us = clock_mono_us();
    if (due < 0 || now_us < due)
        return;
    int64_t every_us = watched_every_us();
    if (!atomic_compare_exchange_strong(&due_us, &due, every_us > 0 ? now_us + every_us : -1) ||
        every_us <= 0)
        return;
    notify_send("WATCHDOG=1");
}
