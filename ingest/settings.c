#include "ingest/settings.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/trace.h"
#include "schemas/types/schema.h"
#include "schemas/types/schema_load.h"
#include "sql/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct config_row rows[] = {
    {"listen", CONFIG_ADDRESS, "127.0.0.1:8080", 0, 0, "address and port to serve HTTP on, host:port", false},
    {"pg", CONFIG_STR, NULL, 0, 0, "PostgreSQL connection string of the role usher_ingest", true},
    KAFKA_CONFIG_ROWS,
    {"tls-cert", CONFIG_FILE, "", 0, 0,
     "PEM file with the certificate and those between it and the root; empty: no TLS", false},
    {"tls-key", CONFIG_FILE, "", 0, 0, "PEM file with the certificate's private key", false},
    {"public-url", CONFIG_STR, "", 0, 0,
     "scheme and host in meta.location; empty: http:// (with a certificate https://) and the request's Host",
     false},
    {"trusted-proxies", CONFIG_STR, "", 0, 0,
     "networks (CIDR, between commas) of proxies that are believed when they name the source", false},
    {"proxy-header", CONFIG_STR, "x-forwarded-for", 0, 0,
     "header in which they name it, x-forwarded-for or forwarded; the other one is ignored", false},
    {"max-unauthorized-per-source", CONFIG_INT, "60", 1, 1000000,
     "requests without a good credential of one source in 10 s at most; over it 429", false},
    {"token-seconds", CONFIG_INT, "3600", 60, 86400, "seconds that an access token (OAuth) is good for",
     false},
    {"session-hours", CONFIG_INT, "8", 1, 168, "hours that a session of the portal is good for", false},
    {"session-idle-minutes", CONFIG_INT, "30", 1, 1440,
     "minutes after which a session that nobody uses is over", false},
    {"sessions-per-owner", CONFIG_INT, "20", 1, 1000,
     "sessions of one owner at once; a further one ends the one that was used longest ago", false},
    {"link-hours", CONFIG_INT, "24", 1, 168, "hours that a set-up link is good for", false},
    {"links-per-workspace", CONFIG_INT, "100", 1, 10000,
     "links into the portal that nobody has used yet, of one workspace; over it 409", false},
    {"live-views", CONFIG_INT, "200", 1, 10000, "live views of changes at once; over it 503", false},
    {"live-views-per-owner", CONFIG_INT, "10", 1, 1000, "live views of one owner at once; over it 429",
     false},
    {"assertion-seconds", CONFIG_INT, "3600", 30, 14400,
     "seconds that an OAuth client's assertion (private_key_jwt) may be good for at most", false},
    {"jwks-ms", CONFIG_INT, "2000", 50, 30000,
     "milliseconds to fetch an OAuth client's public keys from its jwks_uri, or to ask an OpenID provider, at most",
     false},
    {"jwks-networks", CONFIG_STR, "", 0, 0,
     "networks (CIDR, between commas) where a jwks_uri or an OpenID provider may be besides public addresses",
     false},
    {"jwks-ca", CONFIG_FILE, "", 0, 0,
     "PEM file of the authorities that such servers are trusted by; empty: the system's", false},
    {"signing-key", CONFIG_FILE, "", 0, 0,
     "PEM file with the EC key (P-256) that outcomes of asynchronous requests are signed with; empty: a new "
     "one with each start",
     false},
    {"signing-key-rsa", CONFIG_FILE, "", 0, 0,
     "PEM file with the RSA key that tokens of polled streams are signed with; empty: a new one with each start",
     false},
    {"polls", CONFIG_INT, "1000", 1, 100000, "polls of streams that wait for events at once; over it 503",
     false},
    {"polls-per-key", CONFIG_INT, "8", 1, 10000, "polls of one key that wait at once; over it 429", false},
    {"poll-seconds", CONFIG_INT, "20", 1, 300, "seconds that a poll waits for events at most", false},
    {"outcome-hours", CONFIG_INT, "192", 24, 87600,
     "how long workers keep outcomes of commands; older ones are answered as gone", false},
    {"schema-dir", CONFIG_STR, "", 0, 0,
     "folder of JSON files with schemas and resource types of your own; the same for ingest and worker",
     false},
    {"membership-type", CONFIG_STR, "GroupMembership", 0, 0,
     "name of the resource type of memberships, with an \"s\" its endpoint; empty: there is none", false},
    {"membership-listed", CONFIG_BOOL, "false", 0, 0,
     "the lists of /ResourceTypes and /Schemas have it; otherwise it is there for those who ask by name",
     false},
    {"deadline-ms", CONFIG_INT, "4000", 50, 60000, "milliseconds until a write is answered at the latest",
     false},
    {"bulk-deadline-ms", CONFIG_INT, "20000", 50, 300000,
     "milliseconds until a Bulk is answered at the latest", false},
    {"audit-wait-ms", CONFIG_INT, "700", 10, 60000,
     "milliseconds beyond the deadline that an answer waits for its audit record's acknowledgement", false},
    {"cursor-seconds", CONFIG_INT, "600", 1, 86400, "seconds that a cursor of a list is good for", false},
    VOICE_CONFIG_ROWS,
    {"voice-token-seconds", CONFIG_INT, "60", 5, 3600,
     "seconds within which somebody must have joined the voice server's room with a token", false},
    {"announce-events", CONFIG_BOOL, "false", 0, 0,
     "securityEvents in ServiceProviderConfig for all, not only for who asks with attributes=securityEvents",
     false},
    {"gate-threads", CONFIG_INT, "2", 1, 64, "threads with a PostgreSQL connection each", false},
    {"list-threads", CONFIG_INT, "4", 1, 64,
     "threads for lists, sorts and large rooms, with a PostgreSQL connection each", false},
    {"lists-per-key", CONFIG_INT, "2", 1, 64, "lists of one key that run at once; the others wait", false},
    {"lists-waiting", CONFIG_INT, "64", 1, 4096, "lists of one key that wait at most; over it 429", false},
    {"list-ms", CONFIG_INT, "2500", 20, 300000,
     "milliseconds that PostgreSQL works on a list at most, and not over 5/8 of deadline-ms; then 400 tooMany",
     false},
    {"list-memory", CONFIG_INT, "268435456", 4194304, 68719476736,
     "bytes of the rows and answers of all lists at most, a quarter of it for one; over it 503, or 400 tooMany",
     false},
    {"exports", CONFIG_INT, "4", 1, 64,
     "exports of the audit at once, one of a workspace, each with a thread and a PostgreSQL connection; over it 429",
     false},
    {"http-threads", CONFIG_INT, "2", 1, 64, "threads that read requests and write answers", false},
    {"max-body-bytes", CONFIG_INT, "8388608", 1024, 15728640, "bytes of a request body at most", false},
    RESOURCE_BOUNDS_CONFIG_ROWS,
    {"max-body-values", CONFIG_INT, "200000", 1000, 1000000,
     "texts, numbers and other single values in a JSON body at most, and as many objects and arrays", false},
    {"body-memory", CONFIG_INT, "268435456", 16777216, INT64_C(1) << 40,
     "bytes that all request bodies may take at once; over it 503", false},
    {"body-threads", CONFIG_INT, "2", 1, 64, "threads that work on bodies above 64 KiB", false},
    {"max-connections", CONFIG_INT, "5120", 64, 1000000,
     "client connections at once; beyond it a new one ends the one that is needed least", false},
    {"max-connections-per-source", CONFIG_INT, "512", 1, 1000000,
     "connections of one address (IPv6: one /64) at once; those of trusted proxies are not counted", false},
    {"head-seconds", CONFIG_INT, "10", 1, 3600, "seconds for the head of a request to come", false},
    {"body-seconds", CONFIG_INT, "60", 1, 3600, "seconds for the body of a request to come", false},
    {"answer-seconds", CONFIG_INT, "60", 1, 3600,
     "seconds for a client to take an answer, and as many again for each MiB of it", false},
    {"idle-seconds", CONFIG_INT, "60", 1, 86400, "seconds that a connection without a request is kept",
     false},
    {"max-in-flight", CONFIG_INT, "4096", 1, 1000000, "requests worked on at once; over it 503", false},
    {"commands-per-workspace", CONFIG_INT, "64", 1, 100000,
     "commands of one workspace on their way at once while other workspaces have some too", false},
    {"drain-seconds", CONFIG_INT, "5", 0, 20,
     "seconds from SIGTERM, from which on /readyz says 503, until the socket closes", false},
    {"instance", CONFIG_STR, "", 0, 0, "name of this process in audit records; empty: host and pid", false},
    {"log-level", CONFIG_LEVEL, "info", 0, 0, "debug, info, warn or error", false},
    {"log-repeat-ms", CONFIG_INT, "10000", 0, 3600000,
     "a kind of warning or error that repeats is written once in so long, ms; 0: always", false},
    TRACE_SETTINGS,
    {0},
};

/* The name contains the start time, so that readers can tell two lives of one instance apart. */
static void name_instance(struct settings *s, const char *given) {
    char host[80] = "";
    if (given[0] == '\0' && gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "ingest");
    int64_t start_ms = clock_wall_us() / 1000;
    if (given[0] != '\0')
        snprintf(s->instance, sizeof s->instance, "%.100s-%" PRId64, given, start_ms);
    else
        snprintf(s->instance, sizeof s->instance, "%s-%ld-%" PRId64, host, (long)getpid(), start_ms);
}

static enum err_code read_networks(const struct config *c, const char *key, struct net_ranges *out,
                                   struct err *err) {
    const char *bad = NULL;
    if (net_ranges_parse(config_str(c, key), out, &bad))
        return ERR_OK;
    return err_set(err, ERR_CONFIG, "%s: \"%.*s\" is no network (CIDR)", key, (int)strcspn(bad, ", \t"), bad);
}

static enum err_code read_proxy_header(const struct config *c, enum proxy_header *out, struct err *err) {
    const char *text = config_str(c, "proxy-header");
    *out = strcasecmp(text, "forwarded") == 0 ? PROXY_FORWARDED : PROXY_X_FORWARDED_FOR;
    if (*out == PROXY_FORWARDED || strcasecmp(text, "x-forwarded-for") == 0)
        return ERR_OK;
    return err_set(err, ERR_CONFIG, "proxy-header: \"%.40s\" is neither x-forwarded-for nor forwarded", text);
}

/* Scheme and host: what clients are sent to begins with it. */
static enum err_code check_public_url(const char *url, struct err *err) {
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    if (*url == '\0' || (host != NULL && *host != '\0' && *host != '/' && strpbrk(host, " \t?#\"<>") == NULL))
        return ERR_OK;
    return err_set(err, ERR_CONFIG, "public-url: \"%.200s\" is not like https://scim.example.com", url);
}

enum err_code settings_judge(const struct config *c, struct err *err) {
    static const char *const networks[] = {"trusted-proxies", "jwks-networks"};
    enum proxy_header header;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        struct net_ranges ranges;
        if (read_networks(c, networks[i], &ranges, err) != ERR_OK)
            return err->code;
        net_ranges_free(&ranges);
    }
    if (read_proxy_header(c, &header, err) != ERR_OK ||
        check_public_url(config_str(c, "public-url"), err) != ERR_OK ||
        db_check_uri(config_str(c, "pg"), err) != ERR_OK || trace_judge(c, err) != ERR_OK)
        return err->code;
    struct voice_projects voice;
    if (voice_projects_load(c, &voice, err) != ERR_OK)
        return err->code;
    voice_projects_free(&voice);
    if (schema_add_memberships(config_str(c, "membership-type"), config_bool(c, "membership-listed"), err) !=
        ERR_OK)
        return err->code;
    return schema_load_folder(config_str(c, "schema-dir"), err);
}

const struct config_spec ingest_config = {"usher-ingest", rows, &kafka_pass, settings_judge, NULL};

void settings_load(struct settings *s, int argc, char **argv,
                   enum err_code (*judge)(const struct config *c, struct err *err)) {
    static struct config_spec spec;
    spec = ingest_config;
    spec.judge = judge;
    const struct config *c = config_load(&spec, argc, argv);
    s->config = c;
    s->listen = config_str(c, "listen");
    s->pg = config_str(c, "pg");
    s->tls_cert = config_str(c, "tls-cert");
    s->tls_key = config_str(c, "tls-key");
    s->public_url = config_str(c, "public-url");
    (void)read_networks(c, "trusted-proxies", &s->proxies, NULL);
    (void)read_proxy_header(c, &s->proxy_header, NULL);
    s->max_unauthorized = (int)config_int(c, "max-unauthorized-per-source");
    s->token_seconds = (int)config_int(c, "token-seconds");
    s->session_seconds = (int)config_int(c, "session-hours") * 3600;
    s->session_idle_s = (int)config_int(c, "session-idle-minutes") * 60;
    s->owner_sessions = (int)config_int(c, "sessions-per-owner");
    s->link_seconds = (int)config_int(c, "link-hours") * 3600;
    s->workspace_links = (int)config_int(c, "links-per-workspace");
    s->polls = (int)config_int(c, "polls");
    s->key_polls = (int)config_int(c, "polls-per-key");
    s->poll_us = config_int(c, "poll-seconds") * INT64_C(1000000);
    s->viewers = (int)config_int(c, "live-views");
    s->owner_viewers = (int)config_int(c, "live-views-per-owner");
    s->assertion_seconds = config_int(c, "assertion-seconds");
    s->jwks_ms = (long)config_int(c, "jwks-ms");
    (void)read_networks(c, "jwks-networks", &s->jwks_networks, NULL);
    s->jwks_ca = config_str(c, "jwks-ca");
    (void)voice_projects_load(c, &s->voice, NULL); /* was judged */
    s->voice_token_s = config_int(c, "voice-token-seconds");
    s->partitions = (int32_t)config_int(c, "partitions");
    s->deadline_us = config_int(c, "deadline-ms") * 1000;
    s->bulk_deadline_us = config_int(c, "bulk-deadline-ms") * 1000;
    s->audit_wait_us = config_int(c, "audit-wait-ms") * 1000;
    s->cursor_seconds = (int)config_int(c, "cursor-seconds");
    s->announce_events = config_bool(c, "announce-events");
    s->gate_threads = (int)config_int(c, "gate-threads");
    s->exports = (int)config_int(c, "exports");
    s->list_threads = (int)config_int(c, "list-threads");
    s->lists_per_key = (int)config_int(c, "lists-per-key");
    s->lists_waiting = (int)config_int(c, "lists-waiting");
    s->list_us = config_int(c, "list-ms") * 1000;
    s->list_memory = config_int(c, "list-memory");
    s->http_threads = (int)config_int(c, "http-threads");
    s->max_body_bytes = (size_t)config_int(c, "max-body-bytes");
    s->bounds.max_bytes = (size_t)config_int(c, "max-resource-bytes");
    s->bounds.max_values = (size_t)config_int(c, "max-values");
    s->max_body_values = (size_t)config_int(c, "max-body-values");
    s->body_memory = (size_t)config_int(c, "body-memory");
    s->connections = (int)config_int(c, "max-connections");
    s->source_connections = (int)config_int(c, "max-connections-per-source");
    s->head_us = config_int(c, "head-seconds") * 1000000;
    s->body_us = config_int(c, "body-seconds") * 1000000;
    s->answer_us = config_int(c, "answer-seconds") * 1000000;
    s->drain_ms = (int)config_int(c, "drain-seconds") * 1000;
    s->idle_us = config_int(c, "idle-seconds") * 1000000;
    s->body_threads = (int)config_int(c, "body-threads");
    s->max_in_flight = (int)config_int(c, "max-in-flight");
    s->commands_per_workspace = (int)config_int(c, "commands-per-workspace");
    name_instance(s, config_str(c, "instance"));
    log_init("ingest", config_str(c, "log-level"));
    log_limit(LOG_BURST, config_int(c, "log-repeat-ms") * 1000);
    config_log(c);
    failpoint_init();
}
