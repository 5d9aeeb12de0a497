#include "workers/settings.h"

#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/trace.h"
#include "schemas/resource/resource_bounds.h"
#include "sql/db.h"
#include "workers/archive/audit_key.h"
#include "workers/deliver/settings.h"
#include "workers/roles.h"

static const struct config_row rows[] = {
    {"pg", CONFIG_STR, NULL, 0, 0, "PostgreSQL, as a libpq connection string", true},
    KAFKA_CONFIG_ROWS,
    {"replication", CONFIG_INT, "-1", -1, 9,
     "replication factor of topics that are made; -1: the broker's default", false},
    {"schema-dir", CONFIG_STR, "", 0, 0,
     "folder of JSON files with schemas and resource types of your own; the same for ingest and worker",
     false},
    RESOURCE_BOUNDS_CONFIG_ROWS,
    {"max-keys", CONFIG_INT, "1000", 1, 100000, "keys of one workspace that are not revoked, at most", false},
    {"max-owners", CONFIG_INT, "100", 1, 10000,
     "credentials of owners and administrators of one workspace that are not revoked, at most", false},
    {"max-deliveries", CONFIG_INT, "50", 1, 10000, "endpoints for events over HTTP of one workspace, at most",
     false},
    {"batch-max", CONFIG_INT, "512", 1, 5000, "commands in one transaction at most", false},
    {"slice-rows", CONFIG_INT, "800", 1, 800,
     "memberships or users that one transaction of a large command changes at most; a command that changes more "
     "is done in slices",
     false},
    {"step-rows", CONFIG_INT, "5000", 1, 5000,
     "users that one transaction looks up at most before a large command of a room is decided", false},
    {"emit-hold-ms", CONFIG_INT, "100", 0, 1000,
     "how long a Kafka transaction stays open for further batches; read_committed readers wait that much "
     "longer",
     false},
    {"emit-queue-bytes", CONFIG_INT, "67108864", 1048576, 4294967296,
     "bytes of rows that are kept in memory until their Kafka transaction; beyond it they are read from the "
     "outbox",
     false},
    {"unemitted-seconds", CONFIG_INT, "30", 1, 86400,
     "how long a row of the outbox may wait for its Kafka transaction before the worker is not ready", false},
    {"stuck-seconds", CONFIG_INT, "30", 1, 86400,
     "how long a partition may stand still while commands wait in it before the worker is not ready", false},
    {"watchdog-seconds", CONFIG_INT, "300", 0, 86400,
     "a worker that does not go on for so long ends, to be started again; 0: it does not", false},
    {"roles", CONFIG_STR, "apply,archive,deliver", 0, 0,
     "what this process does: apply (commands), archive (records of usher.audit), deliver (events over HTTP); "
     "the same process may do all",
     false},
    DELIVER_CONFIG_ROWS,
    {"audit-key", CONFIG_FILE, "", 0, 0,
     "PEM file with the key (Ed25519) that heads of the archive are signed with; empty: a new key with each start",
     false},
    {"audit-key-old", CONFIG_FILE, "", 0, 0,
     "PEM file with the key before it, which signs beside it for a while; empty: none", false},
    {"audit-origin", CONFIG_STR, "usher", 0, 0,
     "how the names of signed heads begin, best the host of the public URL: NAME/audit/WORKSPACE/changes",
     false},
    {"checkpoint-seconds", CONFIG_INT, "10", 1, 60, "a tree of the archive that grows is signed so often",
     false},
    {"events-issuer", CONFIG_STR, "urn:usher", 0, 0,
     "claim iss of SCIM events: who says so, best the public URL", false},
    {"outcome-hours", CONFIG_INT, "192", 24, 87600,
     "how long outcomes of commands are kept; must exceed the retention of usher.commands (168)", false},
    {"metrics-listen", CONFIG_ADDRESS, "", 0, 0, "host:port of /metrics, /healthz and /readyz; empty: none",
     false},
    {"named-workspaces", CONFIG_INT, "10", 0, 100,
     "how many of the workspaces with the fewest seats left have metrics of their own", false},
    {"log-level", CONFIG_LEVEL, "info", 0, 0, "debug, info, warn or error", false},
    {"log-repeat-ms", CONFIG_INT, "10000", 0, 3600000,
     "a kind of warning or error that repeats is written once in so long, ms; 0: always", false},
    TRACE_SETTINGS,
    {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
};

static enum err_code judge_settings(const struct config *config, struct err *err) {
    static const char *const keys[] = {"audit-key", "audit-key-old"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct audit_key key;
        const char *file = config_str(config, keys[i]);
        if (*file != '\0' && audit_key_open(file, &key, err) != ERR_OK)
            return err->code;
    }
    if (db_check_uri(config_str(config, "pg"), err) != ERR_OK || trace_judge(config, err) != ERR_OK)
        return err->code;
    return roles_judge(config, err);
}

/* 0.3.0 signed the records of usher.events. */
static const char *const retired[] = {"signing-key", NULL};

const struct config_spec worker_config = {"usher-worker", rows, &kafka_pass, judge_settings, retired};
