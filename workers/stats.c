#include "workers/stats.h"

#include "ops/runtime/trace.h"

struct worker_stats worker_stats;

void worker_stats_init(void) {
#define WORKER_STATS_REGISTER(member, kind, name, labels, help)                                              \
    worker_stats.member = metric_##kind(name, labels, help);
    WORKER_STATS(WORKER_STATS_REGISTER)
#undef WORKER_STATS_REGISTER
#define WORKER_TABLES_REGISTER(member, name, help) worker_stats.member = metric_table(name, help);
    WORKER_TABLES(WORKER_TABLES_REGISTER)
#undef WORKER_TABLES_REGISTER
    trace_stats_init("worker");
}
