/* What the parts of one usher-ingest process share. main makes it before any thread starts. The parts do not
 * look into each other; ingest/README.md describes the way of a request through them. */
#ifndef USHER_INGEST_INGEST_H
#define USHER_INGEST_INGEST_H

#include "ingest/settings.h"

#include <stdatomic.h>

struct ingest {
    struct settings settings;
    const struct route_table *routes; /* all that is served */
    struct bodies *bodies;            /* the memory that bodies take */
    struct gate *gate;
    struct lists *lists;
    struct exports *exports;
    struct large *large; /* works on requests with large bodies */
    struct bulks *bulks;
    struct pending *pending;
    struct publish *publish;
    struct window *window; /* made and freed by publish */
    struct audit *audit;
    struct replies *replies;
    struct health *health;
    struct key_sets *key_sets;   /* public keys of OAuth clients */
    struct throttle *throttle;   /* counts wrong tokens by source */
    struct delay *delay;         /* holds answers to wrong tokens back */
    struct providers *providers; /* OpenID providers that people sign in by (portal/providers.h) */
    struct changes *changes;     /* those who watch a workspace (portal/changes.h) */
    struct polls *polls;         /* polls of streams that wait (api/polls.h) */
    struct tls *tls;             /* NULL: plain HTTP */
    struct server *server;
    atomic_bool open;     /* connections are taken */
    atomic_bool draining; /* /readyz says 503, and each answer ends its connection; all is served as before */
    atomic_bool stopping; /* new requests are refused, those in flight are answered */
    atomic_bool no_room;  /* PostgreSQL's disk is full (http/health.h): no change is taken */
    atomic_int in_flight; /* suspended requests */
    atomic_bool untidy;   /* memory was used for large things and may go back to the system (gate/large.c) */
    atomic_int failed;    /* not 0: the process ends with a failure */
};

#endif
