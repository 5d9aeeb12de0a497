/* Prometheus metrics. Registered at start (before threads), updated with relaxed atomics from any thread,
 * rendered as text. */
#ifndef USHER_RUNTIME_METRICS_H
#define USHER_RUNTIME_METRICS_H

#include "ops/runtime/jbuf.h"

#include <stdint.h>

struct metric; /* one time series */

/* labels: ready label text without braces, e.g. "status=\"2xx\"", or NULL. Names end as Prometheus asks
 * (_total, _seconds). Registering the same name and labels again gives the same series. */
struct metric *metric_counter(const char *name, const char *labels, const char *help);
struct metric *metric_gauge(const char *name, const char *labels, const char *help);
/* Histogram of microseconds, shown in seconds, buckets 100us … 10s. */
struct metric *metric_histogram(const char *name, const char *labels, const char *help);

void metric_add(struct metric *m, int64_t n); /* counters and gauges */
void metric_set(struct metric *m, int64_t v); /* gauges */
void metric_observe_us(struct metric *m, int64_t us);
int64_t metric_value(const struct metric *m);

/* Gauges of one name whose labels are known only at run time. Whoever sets them bounds how many there are:
 * every pair of labels that was ever seen costs whoever stores them. */
struct metric_table;
struct metric_row {
    const char *labels; /* made of metric_label; never empty */
    int64_t value;
};
struct metric_table *metric_table(const char *name, const char *help);
/* These, and no others, from now on. Any thread. */
void metric_table_set(struct metric_table *t, const struct metric_row *rows, size_t n);
/* Appends name="value", behind a comma where something stands there; whatever the value is. */
void metric_label(struct jbuf *out, const char *name, const char *value);

void metrics_render(struct jbuf *out); /* text exposition format 0.0.4 */

#endif
