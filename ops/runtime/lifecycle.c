#include "ops/runtime/lifecycle.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/notify.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_bool stopping;
static void (*on_hangup)(void *ctx);
static void *hangup_ctx;

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

/* Signals are blocked in all threads and taken in lifecycle_wait only. So no code runs in a signal handler.
 */
void lifecycle_init(void) {
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    json_object_seed(0);
    if (sodium_init() < 0) {
        fputs("no source of random numbers\n", stderr);
        exit(1);
    }
}

void lifecycle_on_hangup(void (*fn)(void *ctx), void *ctx) {
    on_hangup = fn;
    hangup_ctx = ctx;
}

bool lifecycle_stopping(void) {
    return atomic_load_explicit(&stopping, memory_order_acquire);
}

void lifecycle_stop(void) {
    /* The signal wakes the thread that waits. If none waits at that moment, the signal stays pending for the
     * next lifecycle_wait. */
    if (!atomic_exchange(&stopping, true))
        kill(getpid(), SIGTERM);
}

bool lifecycle_wait(int timeout_ms) {
    int64_t deadline = clock_mono_us() + (int64_t)timeout_ms * 1000;
    sigset_t set;
    stop_signals(&set);
    while (!lifecycle_stopping()) {
        int sig;
        if (timeout_ms < 0) {
            sig = sigwaitinfo(&set, NULL);
        } else {
            int64_t left = deadline - clock_mono_us();
            left = left > 0 ? left : 0;
            struct timespec ts = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
            sig = sigtimedwait(&set, NULL, &ts);
        }
        if (sig == SIGTERM || sig == SIGINT) {
            if (!atomic_exchange(&stopping, true))
                log_event(LOG_INFO, "stopping", "signal=%s", sig == SIGTERM ? "TERM" : "INT");
            notify_send("STOPPING=1");
        } else if (sig < 0 && errno == EAGAIN) {
            return false;
        } else if (sig == SIGHUP && on_hangup != NULL) {
            on_hangup(hangup_ctx);
        }
        /* After SIGHUP or an interruption, wait for the rest of the time. */
    }
    return true;
}

void lifecycle_linger(int ms) {
    int64_t until_us = clock_mono_us() + (int64_t)ms * 1000;
    sigset_t set;
    stop_signals(&set);
    for (int64_t left; (left = until_us - clock_mono_us()) > 0;) {
        struct timespec ts = {.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
        int sig = sigtimedwait(&set, NULL, &ts);
        if (sig == SIGTERM || sig == SIGINT)
            return;
    }
}

struct watchdog {
    int seconds, code;
};

static void *watch(void *arg) {
    struct watchdog w = *(struct watchdog *)arg;
    free(arg);
    struct timespec left = {.tv_sec = w.seconds};
    while (nanosleep(&left, &left) != 0)
        continue;
    log_event(LOG_ERROR, "stopped", "reason=hangs seconds=%d code=%d", w.seconds, w.code);
    _exit(w.code);
}

void lifecycle_watchdog(int seconds, int code) {
    pthread_t thread;
    struct watchdog *w = malloc(sizeof *w);
    if (w == NULL)
        _exit(code);
    *w = (struct watchdog){.seconds = seconds, .code = code};
    if (pthread_create(&thread, NULL, watch, w) != 0)
        _exit(code);
    pthread_detach(thread);
}

void lifecycle_ready(void) {
    notify_send("READY=1");
    const char *text = getenv("USHER_READY_FD");
    if (text == NULL || *text == '\0')
        return;
    char *end;
    long fd = strtol(text, &end, 10);
    if (*end != '\0' || fd < 0 || fd > 65535)
        return;
    static const char line[] = "ready\n";
    ssize_t ignored = write((int)fd, line, sizeof line - 1);
    (void)ignored;
    close((int)fd);
    unsetenv("USHER_READY_FD");
}
