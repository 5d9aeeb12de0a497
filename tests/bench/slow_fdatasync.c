/* Preloaded into PostgreSQL: makes every flush take SLOW_FLUSH_US (default 1000) longer, as the disk of a
 * cloud machine does. Only a process named "postgres" is slowed, so that it may be inherited through a start
 * script. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void slow(void) {
    static long us = -1;
    if (us < 0) {
        const char *text = getenv("SLOW_FLUSH_US");
        us = strcmp(program_invocation_short_name, "postgres") ? 0 : text ? atol(text) : 1000;
    }
    if (us > 0)
        usleep((useconds_t)us);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    slow();
    return real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    slow();
    return real(fd);
}
