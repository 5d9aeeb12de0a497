#include "ops/runtime/log.h"

#include "ops/runtime/clock.h"

#include <ctype.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 4096 /* at most PIPE_BUF, so that lines of several processes on one pipe don't mix */

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static char system_name[32] = "usher";
static enum log_level least = LOG_INFO;
static atomic_long dropped;

/* ---- what repeats ---- */

#define KINDS 64 /* of warnings and errors; a further one is always written */

/* A kind of line may be written while it has a token. It begins with `burst`, and gets one in repeat_us. */
struct kind {
    char event[40];
    enum log_level level;
    int tokens;
    int64_t filled_us;
    long left_out;
};

static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kind kinds[KINDS];
static size_t nkinds;
static int burst = LOG_BURST;
static int64_t repeat_us = LOG_REPEAT_US;

void log_limit(int most, long us) {
    pthread_mutex_lock(&kinds_lock);
    burst = most;
    repeat_us = us;
    nkinds = 0;
    pthread_mutex_unlock(&kinds_lock);
}

static struct kind *kind_of_line(enum log_level level, const char *event, int64_t now_us) {
    for (size_t i = 0; i < nkinds; i++)
        if (kinds[i].level == level && strncmp(kinds[i].event, event, sizeof kinds[i].event - 1) == 0)
            return &kinds[i];
    if (nkinds == KINDS)
        return NULL;
    struct kind *k = &kinds[nkinds++];
    *k = (struct kind){.level = level, .tokens = burst, .filled_us = now_us};
    snprintf(k->event, sizeof k->event, "%s", event);
    return k;
}

static void refill(struct kind *k, int64_t now_us) {
    int64_t more = (now_us - k->filled_us) / repeat_us;
    if (more >= burst - k->tokens) {
        k->tokens = burst;
        k->filled_us = now_us;
    } else {
        k->tokens += (int)more;
        k->filled_us += more * repeat_us;
    }
}

/* May the line be written? *left_out: how many of its kind were not since the last one that was. */
static bool may_write(enum log_level level, const char *event, long *left_out) {
    int64_t now_us = clock_mono_us();
    bool may = true;
    *left_out = 0;
    if (level < LOG_WARN)
        return true;
    pthread_mutex_lock(&kinds_lock);
    struct kind *k = repeat_us > 0 ? kind_of_line(level, event, now_us) : NULL;
    if (k != NULL) {
        refill(k, now_us);
        may = k->tokens > 0;
        if (may) {
            k->tokens--;
            *left_out = k->left_out;
            k->left_out = 0;
        } else {
            k->left_out++;
        }
    }
    pthread_mutex_unlock(&kinds_lock);
    return may;
}

/* ---- lines ---- */

void log_init(const char *sys, const char *level) {
    snprintf(system_name, sizeof system_name, "%s", sys);
    for (unsigned i = 0; level && i < sizeof level_names / sizeof *level_names; i++)
        if (strcmp(level, level_names[i]) == 0)
            least = (enum log_level)i;
}

_Bool log_is_level(const char *name) {
    for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strcmp(name, level_names[i]) == 0)
            return 1;
    return 0;
}

_Bool log_enabled(enum log_level level) {
    return level >= least;
}

/* Logging never blocks, because threads of HTTP and Kafka call it. If the reader of stderr has no room, the
 * line is dropped and counted. A pipe that polls writable takes PIPE_BUF bytes in one write. */
static bool put_line(const char *line, size_t n) {
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) && write(STDERR_FILENO, line, n) == (ssize_t)n;
}

/* Control bytes, DEL, and the control characters of Latin-1 as UTF-8 has them (0xC2 0x80 to 0x9F). */
static void blank_controls(char *line, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)line[i];
        bool c1 = c >= 0x80 && c < 0xa0 && i > 0 && (unsigned char)line[i - 1] == 0xc2;
        if (c1)
            line[i - 1] = ' ';
        if (c < 0x20 || c == 0x7f || c1)
            line[i] = ' ';
    }
}

void log_event(enum log_level level, const char *event, const char *fmt, ...) {
    if (!log_enabled(level))
        return;
    char line[LINE_SIZE], ts[RFC3339_SIZE];
    long left_out;
    if (!may_write(level, event, &left_out))
        return;
    /* The last byte is reserved for the end of the line, also where the text is cut. */
    size_t size = sizeof line - 1, n;
    long lost = atomic_load_explicit(&dropped, memory_order_relaxed);
    n = (size_t)snprintf(line, size, "ts=%s level=%s sys=%s event=%s", rfc3339_us(clock_wall_us(), ts),
                         level_names[level], system_name, event);
    if (n < size - 1 && fmt[0]) {
        line[n++] = ' ';
        va_list ap;
        va_start(ap, fmt);
        int more = vsnprintf(line + n, size - n, fmt, ap);
        va_end(ap);
        n += more > 0 ? (size_t)more : 0;
    }
    if (n > size - 1)
        n = size - 1;
    if (left_out > 0 && n + 32 < size)
        n += (size_t)snprintf(line + n, size - n, " left_out=%ld", left_out);
    if (lost && n + 32 < size)
        n += (size_t)snprintf(line + n, size - n, " lines_dropped=%ld", lost);
    blank_controls(line, n);
    line[n++] = '\n';
    if (!put_line(line, n))
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    else if (lost)
        atomic_fetch_sub_explicit(&dropped, lost, memory_order_relaxed);
}

char *log_quote(const char *value, char *out, unsigned size) {
    static const char hex[] = "0123456789abcdef";
    if (size < 3) {
        if (size)
            out[0] = 0;
        return out;
    }
    char *p = out, *end = out + size - 2; /* room for the closing quote and NUL */
    *p++ = '"';
    for (const unsigned char *s = (const unsigned char *)(value != NULL ? value : ""); *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') {
            if (end - p < 2)
                break;
            *p++ = '\\';
            *p++ = (char)*s;
        } else if (*s < 0x20 || *s == 0x7f) {
            if (end - p < 4)
                break;
            *p++ = '\\';
            *p++ = 'x';
            *p++ = hex[*s >> 4];
            *p++ = hex[*s & 15];
        } else {
            if (p >= end)
                break;
            *p++ = (char)*s;
        }
    }
    *p++ = '"';
    *p = 0;
    return out;
}

char *log_word(const char *value, char *out, unsigned size) {
    size_t n = value != NULL ? strlen(value) : 0;
    if (n == 0 || n >= size)
        return log_quote(value, out, size);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)value[i]) && strchr("-._:/+", value[i]) == NULL)
            return log_quote(value, out, size);
    memcpy(out, value, n + 1);
    return out;
}
