#include "ops/runtime/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool split_listen(const char *listen, char *host, size_t host_size, char *port, size_t port_size) {
    const char *colon = strrchr(listen, ':');
    if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    size_t n = (size_t)(colon - listen);
    const char *from = listen;
    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
        from++;
        n -= 2;
    }
    if (n >= host_size || strlen(colon + 1) >= port_size)
        return false;
    memcpy(host, from, n);
    host[n] = 0;
    strcpy(port, colon + 1);
    return strtol(port, NULL, 10) <= 65535;
}

static int bound_port(int fd) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    memset(&at, 0, sizeof at);
    socklen_t len = sizeof at;
    if (getsockname(fd, &at.any, &len) != 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static int open_one(const struct addrinfo *a, int backlog) {
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* To be freed by freeaddrinfo; NULL with err. */
static struct addrinfo *resolve(const char *listen, struct err *err) {
    char host[256], service[8];
    if (!split_listen(listen, host, sizeof host, service, sizeof service)) {
        (void)err_set(err, ERR_CONFIG, "\"%s\" is not host:port", listen);
        return NULL;
    }
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int code = getaddrinfo(host[0] ? host : NULL, service, &hints, &found);
    if (code == 0)
        return found;
    (void)err_set(err, ERR_CONFIG, "cannot resolve %s: %s", listen, gai_strerror(code));
    return NULL;
}

enum err_code net_check(const char *listen, struct err *err) {
    struct addrinfo *found = resolve(listen, err);
    if (found == NULL)
        return err->code;
    freeaddrinfo(found);
    return ERR_OK;
}

int net_listen(const char *listen, int backlog, int *port, struct err *err) {
    struct addrinfo *found = resolve(listen, err);
    if (found == NULL)
        return -1;
    int fd = -1;
    for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next)
        fd = open_one(a, backlog);
    if (fd < 0)
        (void)err_set(err, ERR_CONFIG, "cannot listen on %s: %s", listen, strerror(errno));
    freeaddrinfo(found);
    if (fd >= 0 && port != NULL)
        *port = bound_port(fd);
    return fd;
}

#define FIRST_INHERITED 3

int net_inherited(int *port) {
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    bool ours = pid != NULL && fds != NULL && strtol(pid, NULL, 10) == getpid() && strtol(fds, NULL, 10) >= 1;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (!ours || fcntl(FIRST_INHERITED, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(FIRST_INHERITED, F_SETFL, fcntl(FIRST_INHERITED, F_GETFL) | O_NONBLOCK) != 0)
        return -1;
    *port = bound_port(FIRST_INHERITED);
    return FIRST_INHERITED;
}
