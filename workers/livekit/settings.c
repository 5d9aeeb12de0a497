#include "workers/livekit/settings.h"

#include "ops/runtime/kafka_conf.h"
#include "schemas/voice/voice_project.h"

static const struct config_row rows[] = {
    KAFKA_CONFIG_ROWS,
    VOICE_CONFIG_ROWS,
    {"webhook-listen", CONFIG_ADDRESS, "127.0.0.1:7890", 0, 0,
     "host:port on which LiveKit's webhooks are taken", false},
    {"calls-at-once", CONFIG_INT, "32", 1, 1000, "calls to one LiveKit that are under way at once, at most",
     false},
    {"calls-per-room", CONFIG_INT, "4", 1, 100, "those of one room, at most", false},
    {"calls-waiting", CONFIG_INT, "100000", 100, 10000000,
     "people for whom a call waits, at most; beyond it their rooms are compared as a whole", false},
    {"call-ms", CONFIG_INT, "5000", 100, 60000, "milliseconds that LiveKit may take for a call", false},
    {"retry-max-ms", CONFIG_INT, "5000", 100, 300000,
     "milliseconds between two tries of a room's calls, or of a LiveKit that is away, at most", false},
    {"answer-max-bytes", CONFIG_INT, "67108864", 65536, 1073741824, "bytes of an answer of LiveKit at most",
     false},
    {"probe-ms", CONFIG_INT, "1000", 100, 60000,
     "LiveKit is asked so often whether it still has usher's rooms", false},
    {"reconcile-seconds", CONFIG_INT, "300", 5, 86400, "all rooms are compared so often", false},
    {"room-empty-seconds", CONFIG_INT, "86400", 10, 31536000,
     "seconds that LiveKit keeps an empty room; then it is made anew", false},
    {"metrics-listen", CONFIG_ADDRESS, "", 0, 0, "host:port of /metrics, /healthz and /readyz; empty: none",
     false},
    {"log-level", CONFIG_LEVEL, "info", 0, 0, "debug, info, warn or error", false},
    {"log-repeat-ms", CONFIG_INT, "10000", 0, 3600000,
     "a kind of warning or error that repeats is written once in so long, ms; 0: always", false},
    {NULL, CONFIG_STR, NULL, 0, 0, NULL, false},
};

static enum err_code judge_projects(const struct config *c, struct err *err) {
    struct voice_projects projects;
    if (voice_projects_load(c, &projects, err) != ERR_OK)
        return err->code;
    size_t n = projects.n;
    voice_projects_free(&projects);
    if (n > 0)
        return ERR_OK;
    return err_set(err, ERR_CONFIG, "no LiveKit is named: set livekit-url, or livekit-projects");
}

const struct config_spec livekit_config = {"usher-livekit", rows, &kafka_pass, judge_projects, NULL};
