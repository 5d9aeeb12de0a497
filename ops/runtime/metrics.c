#include "ops/runtime/metrics.h"

#include "ops/runtime/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

/* Upper bounds in microseconds, and their text in seconds for Prometheus. +Inf follows the last. */
static const struct {
    int64_t us;
    const char *le;
} buckets[] = {
    {100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
    {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"}, {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},  {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"},
};
#define NBUCKETS (sizeof buckets / sizeof *buckets)

struct metric {
    struct metric *next;   /* in the family, in order of registration */
    char *labels;          /* "" for none */
    _Atomic int64_t value; /* of a histogram: the number of observations */
    _Atomic int64_t sum_us;
    _Atomic int64_t counts[NBUCKETS]; /* not cumulative */
};

/* All series of one name: Prometheus wants them together, under one HELP and TYPE. */
struct family {
    struct family *next;
    char *name, *help;
    enum kind kind;
    struct metric *series;
    struct metric_table *table; /* instead of series */
};

struct metric_table {
    char *name;
    struct jbuf lines; /* as they are rendered */
};

/* The lock guards the lists and the lines of tables; values are atomics. A family or series is never removed,
 * so it lives as long as the process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families;

static struct family *family_of(const char *name, const char *help, enum kind kind) {
    struct family **at = &families;
    for (; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    struct family *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(name);
    f->help = xstrdup(help ? help : "");
    f->kind = kind;
    *at = f;
    return f;
}

static struct metric *registered(const char *name, const char *labels, const char *help, enum kind kind) {
    labels = labels != NULL ? labels : "";
    pthread_mutex_lock(&lock);
    struct metric **at = &family_of(name, help, kind)->series;
    while (*at != NULL && strcmp((*at)->labels, labels) != 0)
        at = &(*at)->next;
    if (*at == NULL) {
        *at = xcalloc(1, sizeof **at);
        (*at)->labels = xstrdup(labels);
    }
    struct metric *m = *at;
    pthread_mutex_unlock(&lock);
    return m;
}

struct metric *metric_counter(const char *name, const char *labels, const char *help) {
    return registered(name, labels, help, COUNTER);
}

struct metric *metric_gauge(const char *name, const char *labels, const char *help) {
    return registered(name, labels, help, GAUGE);
}

struct metric *metric_histogram(const char *name, const char *labels, const char *help) {
    return registered(name, labels, help, HISTOGRAM);
}

void metric_add(struct metric *m, int64_t n) {
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void metric_set(struct metric *m, int64_t v) {
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

void metric_observe_us(struct metric *m, int64_t us) {
    size_t i = 0;
    while (i < NBUCKETS && us > buckets[i].us)
        i++;
    if (i < NBUCKETS)
        atomic_fetch_add_explicit(&m->counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->sum_us, us, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->value, 1, memory_order_relaxed);
}

int64_t metric_value(const struct metric *m) {
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

/* ---- tables ---- */

struct metric_table *metric_table(const char *name, const char *help) {
    pthread_mutex_lock(&lock);
    struct family *f = family_of(name, help, GAUGE);
    if (f->table == NULL) {
        f->table = xcalloc(1, sizeof *f->table);
        f->table->name = f->name;
    }
    pthread_mutex_unlock(&lock);
    return f->table;
}

void metric_table_set(struct metric_table *t, const struct metric_row *rows, size_t n) {
    struct jbuf lines = {0};
    for (size_t i = 0; i < n; i++)
        jb_printf(&lines, "%s{%s} %lld\n", t->name, rows[i].labels, (long long)rows[i].value);
    pthread_mutex_lock(&lock);
    struct jbuf before = t->lines;
    t->lines = lines;
    pthread_mutex_unlock(&lock);
    jb_free(&before);
}

/* The format has three characters that are escaped; all others stand as they are. */
void metric_label(struct jbuf *out, const char *name, const char *value) {
    jb_printf(out, "%s%s=\"", out->n > 0 ? "," : "", name);
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\n')
            jb_raw(out, "\\n");
        else if (*p == '\\' || *p == '"')
            jb_printf(out, "\\%c", *p);
        else
            jb_mem(out, p, 1);
    }
    jb_raw(out, "\"");
}

/* ---- rendering ---- */

static void put_sample(struct jbuf *out, const char *name, const char *suffix, const char *labels,
                       const char *le) {
    const char *comma = labels[0] != '\0' && le != NULL ? "," : "";
    jb_printf(out, "%s%s", name, suffix);
    if (le != NULL)
        jb_printf(out, "{%s%sle=\"%s\"}", labels, comma, le);
    else if (labels[0])
        jb_printf(out, "{%s}", labels);
    jb_raw(out, " ");
}

static void render_histogram(struct jbuf *out, const char *name, const struct metric *m) {
    /* The total is read first. An observation that is made meanwhile shows in a bucket but not in the total,
     * so +Inf shows the larger of the two. */
    int64_t total = metric_value(m), below = 0;
    for (size_t i = 0; i < NBUCKETS; i++) {
        below += atomic_load_explicit(&m->counts[i], memory_order_relaxed);
        put_sample(out, name, "_bucket", m->labels, buckets[i].le);
        jb_printf(out, "%lld\n", (long long)below);
    }
    total = total < below ? below : total;
    put_sample(out, name, "_bucket", m->labels, "+Inf");
    jb_printf(out, "%lld\n", (long long)total);
    put_sample(out, name, "_sum", m->labels, NULL);
    int64_t sum = atomic_load_explicit(&m->sum_us, memory_order_relaxed);
    jb_printf(out, "%lld.%06lld\n", (long long)(sum / 1000000), (long long)(sum % 1000000));
    put_sample(out, name, "_count", m->labels, NULL);
    jb_printf(out, "%lld\n", (long long)total);
}

void metrics_render(struct jbuf *out) {
    pthread_mutex_lock(&lock);
    for (const struct family *f = families; f != NULL; f = f->next) {
        jb_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, kind_names[f->kind]);
        if (f->table != NULL)
            jb_mem(out, f->table->lines.p, f->table->lines.n);
        for (const struct metric *m = f->series; m != NULL; m = m->next) {
            if (f->kind == HISTOGRAM) {
                render_histogram(out, f->name, m);
                continue;
            }
            put_sample(out, f->name, "", m->labels, NULL);
            jb_printf(out, "%lld\n", (long long)metric_value(m));
        }
    }
    pthread_mutex_unlock(&lock);
}
