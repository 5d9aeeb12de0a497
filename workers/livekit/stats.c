#include "workers/livekit/stats.h"

struct livekit_stats livekit_stats;

void livekit_stats_init(void) {
#define LIVEKIT_STATS_REGISTER(member, kind, name, labels, help)                                             \
    livekit_stats.member = metric_##kind(name, labels, help);
    LIVEKIT_STATS(LIVEKIT_STATS_REGISTER)
#undef LIVEKIT_STATS_REGISTER
}
