/* Client connections: where they come from, how many there may be, and which are closed because their client
 * is too slow. The time-out of the HTTP library counts silence only, so a client that sends or takes a byte
 * each second could keep its connection for ever.
 *
 * A source (an IPv4 address, or an IPv6 /64, because one customer has all of it) has a number of connections
 * (max-connections-per-source); those of trusted proxies are not counted. When all together have reached
 * their number (max-connections), each new one ends the one that is needed least. So a new source always gets
 * in. */
#ifndef USHER_INGEST_HTTP_CLIENTS_H
#define USHER_INGEST_HTTP_CLIENTS_H

#include "ingest/http/tls.h"
#include "ingest/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* What a connection is about; in the order in which they are given up when there are too many. */
enum client_phase {
    CLIENT_IDLE,   /* kept alive; usher waits for the next header */
    CLIENT_NEW,    /* connected; usher waits for the header */
    CLIENT_HEADER, /* the request line was read, the header not yet */
    CLIENT_ANSWER, /* the answer is being sent */
    CLIENT_BODY,
    CLIENT_WORK, /* usher works on the request: never given up */
    CLIENT_PHASES
};

struct request;
struct source;

struct client {
    int fd;
    char ip[48];
    struct source *source; /* NULL: not counted */
    enum client_phase phase;
    bool closing;               /* shut down; the library closes it */
    struct tls_door door;       /* where TLS is spoken */
    struct request *request;    /* that it is about; NULL = none */
    int64_t due_us;             /* when the connection is closed, if nothing happens; 0 = never */
    struct client *prev, *next; /* those in the same phase, the longest in it first */
};

/* Before the first connection. limits must stay. */
void clients_open(const struct settings *limits);

/* May a connection from there come in? */
bool client_welcome(const struct sockaddr *address);
struct client *client_open(int fd, const struct sockaddr *address);
int clients_count(void);             /* that are open */
int clients_asking(void);            /* those of them whose request comes, or is to come as their first */
void client_close(struct client *c); /* call it before the descriptor is closed */
void client_phase(struct client *c, enum client_phase phase);
/* CLIENT_ANSWER, with so many bytes. */
void client_answers(struct client *c, size_t bytes);
/* Shuts down the connections that are too slow. */
void clients_tick(int64_t now_us);

#endif
