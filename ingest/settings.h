/* Settings of usher-ingest: one row each in settings.c, read once at start, constant afterwards.
 * ops/settings.md explains each. */
#ifndef USHER_INGEST_SETTINGS_H
#define USHER_INGEST_SETTINGS_H

#include "ops/runtime/config.h"
#include "ops/runtime/net_range.h"

#include <stddef.h>
#include <stdint.h>

extern const struct config_spec ingest_config;

struct settings {
    const struct config *config;
    const char *listen;             /* host:port, [v6]:port */
    const char *pg;                 /* libpq connection string */
    const char *tls_cert, *tls_key; /* PEM files; both "" = plain HTTP */
    const char *public_url;         /* "" = http:// or https:// and the request's Host */
    struct net_ranges proxies;      /* whose word on the source of a request is taken */
    int token_seconds;              /* an access token is good for so long */
    int32_t partitions;
    int64_t deadline_us;      /* from a request's arrival to the claim of its txn as cancelled */
    int64_t bulk_deadline_us; /* the same of a Bulk and all its operations */
    int64_t audit_wait_us;    /* from the deadline, or the answer if that came later, to a 503 in its place */
    int cursor_seconds;       /* a cursor is good for so long (RFC 9865 section 4) */
    bool announce_events;     /* securityEvents in ServiceProviderConfig */
    int gate_threads, http_threads, max_in_flight;
    size_t max_body_bytes;
    char instance[160]; /* with the start time of this process: request records are numbered per instance */
};

/* What the table cannot say: networks that are none, schemas that are wrong. */
enum err_code settings_judge(const struct config *c, struct err *err);
/* Exits with a message on a wrong setting. judge is asked for a run and for --check-config; it asks
 * settings_judge. */
void settings_load(struct settings *s, int argc, char **argv,
                   enum err_code (*judge)(const struct config *c, struct err *err));

#endif
