/* Client connections: where they come from, and when they have been too slow. The HTTP library's own time-out
 * counts silence only, so a client that sends a byte a second would hold its connection for ever. */
#ifndef USHER_INGEST_HTTP_CLIENTS_H
#define USHER_INGEST_HTTP_CLIENTS_H

#include <stdint.h>
#include <sys/socket.h>

struct client {
    int fd;
    char ip[48];
    _Atomic int64_t due_us; /* when it is ended if nothing happens; 0 = never (we are the ones who work) */
    struct client *prev, *next;
};

enum client_phase {
    CLIENT_NEW,    /* connected; the header is due */
    CLIENT_HEADER, /* the request line is there, the header is not */
    CLIENT_BODY,
    CLIENT_WORK, /* ours */
    CLIENT_IDLE, /* kept alive; the next header is due */
};

struct client *client_open(int fd, const struct sockaddr *address);
void client_close(struct client *c); /* before the descriptor is closed */
void client_phase(struct client *c, enum client_phase phase);
/* Shuts down those that are overdue. */
void clients_tick(int64_t now_us);

#endif
