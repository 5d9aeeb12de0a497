/* Preloaded into PostgreSQL where nothing may be mounted: while the file exists that NO_ROOM_FLAG names, no
 * file below a folder base/ grows any more. PostgreSQL gets ENOSPC, as from a full disk. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int grows(int fd, off_t end) {
    char link[64], path[4096];
    struct stat st;
    const char *flag = getenv("NO_ROOM_FLAG");
    if (flag == NULL || access(flag, F_OK) != 0 || fstat(fd, &st) != 0 || end <= st.st_size)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return strstr(path, "/base/") != NULL;
}

static int refuse(void) {
    errno = ENOSPC;
    return -1;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
    return grows(fd, at + (off_t)n) ? refuse() : real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
    return pwrite64(fd, p, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *v, int nv, off_t at) {
    ssize_t (*real)(int, const struct iovec *, int, off_t) = dlsym(RTLD_NEXT, "pwritev64");
    off_t end = at;
    for (int i = 0; i < nv; i++)
        end += (off_t)v[i].iov_len;
    return grows(fd, end) ? refuse() : real(fd, v, nv, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int nv, off_t at) {
    return pwritev64(fd, v, nv, at);
}

int posix_fallocate64(int fd, off_t at, off_t n) {
    int (*real)(int, off_t, off_t) = dlsym(RTLD_NEXT, "posix_fallocate64");
    return grows(fd, at + n) ? ENOSPC : real(fd, at, n);
}

int posix_fallocate(int fd, off_t at, off_t n) {
    return posix_fallocate64(fd, at, n);
}
