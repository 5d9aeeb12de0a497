#include "ingest/http/clients.h"

#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)

/* The lock also makes sure that clients_tick shuts no descriptor down that was closed and is used again. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct client *clients;

/* IDLE: longer than the time-out of the library for silence. */
static const int64_t patience_us[] = {
    [CLIENT_NEW] = 10 * SECOND, [CLIENT_HEADER] = 10 * SECOND, [CLIENT_BODY] = 60 * SECOND,
    [CLIENT_WORK] = 0,          [CLIENT_IDLE] = 75 * SECOND,
};

static void format_ip(const struct sockaddr *address, char *out, size_t size) {
    const void *from = NULL;
    if (address != NULL && address->sa_family == AF_INET)
        from = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address != NULL && address->sa_family == AF_INET6)
        from = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (from == NULL || inet_ntop(address->sa_family, from, out, (socklen_t)size) == NULL)
        out[0] = '\0';
    if (strncmp(out, "::ffff:", 7) == 0 && strchr(out, '.') != NULL)
        memmove(out, out + 7, strlen(out + 7) + 1);
}

struct client *client_open(int fd, const struct sockaddr *address) {
    struct client *c = xcalloc(1, sizeof *c);
    c->fd = fd;
    format_ip(address, c->ip, sizeof c->ip);
    client_phase(c, CLIENT_NEW);
    pthread_mutex_lock(&lock);
    c->next = clients;
    if (clients != NULL)
        clients->prev = c;
    clients = c;
    pthread_mutex_unlock(&lock);
    metric_add(stats.connections, 1);
    return c;
}

void client_close(struct client *c) {
    pthread_mutex_lock(&lock);
    *(c->prev != NULL ? &c->prev->next : &clients) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    pthread_mutex_unlock(&lock);
    free(c);
    metric_add(stats.connections, -1);
}

void client_phase(struct client *c, enum client_phase phase) {
    int64_t patience = patience_us[phase];
    atomic_store_explicit(&c->due_us, patience != 0 ? clock_mono_us() + patience : 0, memory_order_relaxed);
}

void clients_tick(int64_t now_us) {
    pthread_mutex_lock(&lock);
    for (struct client *c = clients; c != NULL; c = c->next) {
        int64_t due = atomic_load_explicit(&c->due_us, memory_order_relaxed);
        if (due == 0 || due > now_us)
            continue;
        shutdown(c->fd, SHUT_RDWR);
        atomic_store_explicit(&c->due_us, 0, memory_order_relaxed);
        metric_add(stats.reaped, 1);
    }
    pthread_mutex_unlock(&lock);
}
