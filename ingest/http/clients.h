/* Client connections: their addresses, and which are too slow. The time-out of the HTTP library counts
 * silence only, so a client that sends a byte each second could keep its connection for ever. */
#ifndef USHER_INGEST_HTTP_CLIENTS_H
#define USHER_INGEST_HTTP_CLIENTS_H

#include <stdint.h>
#include <sys/socket.h>

struct client {
    int fd;
    char ip[48];
    void *request; /* for the server: the request that is read or worked on; NULL = none */
    /* when the connection is closed, if nothing happens; 0 = never, because usher works on the request */
    _Atomic int64_t due_us;
    struct client *prev, *next;
};

enum client_phase {
    CLIENT_NEW,    /* connected; usher waits for the header */
    CLIENT_HEADER, /* the request line was read, the header not yet */
    CLIENT_BODY,
    CLIENT_WORK, /* usher works on the request */
    CLIENT_IDLE, /* kept alive; usher waits for the next header */
};

struct client *client_open(int fd, const struct sockaddr *address);
void client_close(struct client *c); /* call it before the descriptor is closed */
void client_phase(struct client *c, enum client_phase phase);
/* Shuts down the connections that are too slow. */
void clients_tick(int64_t now_us);

#endif
