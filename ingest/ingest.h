/* What the parts of one usher-ingest process share. Made by main before any thread starts; the parts are
 * opaque to each other. A request's way through them: server (guard, route) -> gate (admit, read or write) ->
 * publish -> pending -> replies -> audit -> server (answer). */
#ifndef USHER_INGEST_INGEST_H
#define USHER_INGEST_INGEST_H

#include "ingest/settings.h"

#include <stdatomic.h>

struct ingest {
    struct settings settings;
    const struct route_table *routes; /* all that is served */
    struct gate *gate;
    struct bulks *bulks;
    struct pending *pending;
    struct publish *publish;
    struct audit *audit;
    struct replies *replies;
    struct health *health;
    struct throttle *throttle; /* sources of wrong tokens */
    struct delay *delay;       /* their answers */
    struct tls *tls;           /* NULL: plain HTTP */
    struct server *server;
    atomic_bool stopping; /* new requests are refused, those in flight are answered */
    atomic_int in_flight; /* suspended requests */
    atomic_int failed;    /* not 0: the process ends with it */
};

#endif
