/* Settings of usher-ingest: one row each in settings.c, read once at start, constant afterwards.
 * ops/settings.md explains each. */
#ifndef USHER_INGEST_SETTINGS_H
#define USHER_INGEST_SETTINGS_H

#include "ops/runtime/config.h"
#include "ops/runtime/net_range.h"
#include "schemas/resource/resource_bounds.h"
#include "schemas/voice/voice_project.h"

#include <stddef.h>
#include <stdint.h>

extern const struct config_spec ingest_config;

/* The header in which proxies name the source of a request. */
enum proxy_header { PROXY_X_FORWARDED_FOR, PROXY_FORWARDED };

struct settings {
    const struct config *config;
    const char *listen;             /* host:port, [v6]:port */
    const char *pg;                 /* libpq connection string */
    const char *tls_cert, *tls_key; /* PEM files; both "" = plain HTTP */
    const char *public_url;         /* "" = http:// or https:// and the request's Host */
    struct net_ranges proxies;      /* proxies that are believed when they name the source of a request */
    enum proxy_header proxy_header; /* … in this header */
    int max_unauthorized;           /* requests of one source without a good credential, in 10 s */
    struct voice_projects voice;    /* the voice servers for which tokens are made … */
    int64_t voice_token_s;          /* … that are good for so long */
    int token_seconds;              /* an access token is good for so long */
    int session_seconds, session_idle_s; /* a session of the portal is good for so long, and so long unused */
    int owner_sessions;                  /* of one owner at once */
    int link_seconds, workspace_links;   /* links into the portal: how long, and how many unused */
    int polls, key_polls;                /* polls of streams that wait at once: of all, and of one key … */
    int64_t poll_us;                     /* … and so long */
    int viewers, owner_viewers;          /* live views at once, and those of one owner */
    int64_t assertion_seconds;           /* an assertion may be good for so long */
    long jwks_ms;                        /* to fetch public keys from a jwks_uri, which may lead … */
    struct net_ranges jwks_networks;     /* … here besides public addresses, to a server that … */
    const char *jwks_ca;                 /* … these authorities vouch for; "" = the system's */
    int32_t partitions;
    int64_t deadline_us;      /* from the arrival of a request until its txn is claimed as cancelled */
    int64_t bulk_deadline_us; /* the same for a Bulk and all its operations */
    int64_t audit_wait_us;    /* how long an answer waits for its record; then a 503 goes out instead */
    int cursor_seconds;       /* a cursor is good for so long (RFC 9865 section 4) */
    bool announce_events;     /* securityEvents in ServiceProviderConfig */
    int gate_threads, http_threads, max_in_flight, commands_per_workspace;
    int exports;                     /* of the audit, at once */
    int list_threads, lists_per_key; /* lists that run at once, and those of one key */
    int lists_waiting;               /* of one key */
    int64_t list_us;                 /* how long PostgreSQL may work on one */
    int64_t list_memory;             /* bytes of all their rows and answers */
    struct resource_bounds bounds;
    size_t max_body_bytes, max_body_values;
    size_t body_memory; /* of all bodies together */
    int connections, source_connections;
    int drain_ms;                                 /* from SIGTERM until the socket closes */
    int64_t head_us, body_us, answer_us, idle_us; /* how long a client may take */
    int body_threads;
    /* contains the start time of the process: request records are numbered per instance */
    char instance[160];
};

/* Checks what the table of settings cannot check: networks and schema files. */
enum err_code settings_judge(const struct config *c, struct err *err);
/* Exits with a message on a wrong setting. judge is asked for a run and for --check-config; it asks
 * settings_judge. */
void settings_load(struct settings *s, int argc, char **argv,
                   enum err_code (*judge)(const struct config *c, struct err *err));

#endif
