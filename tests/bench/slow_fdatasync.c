/* Preloaded into PostgreSQL: makes every flush take SLOW_FLUSH_US (default 1000) longer, as the disk of a
 * cloud machine does. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*flush_fn)(int fd);

static int slow_flush(flush_fn real, int fd) {
    const char *text = getenv("SLOW_FLUSH_US");
    usleep(text ? (useconds_t)atol(text) : 1000);
    return real(fd);
}

int fdatasync(int fd) {
    static flush_fn real;
    if (!real)
        real = (flush_fn)dlsym(RTLD_NEXT, "fdatasync");
    return slow_flush(real, fd);
}

int fsync(int fd) {
    static flush_fn real;
    if (!real)
        real = (flush_fn)dlsym(RTLD_NEXT, "fsync");
    return slow_flush(real, fd);
}
