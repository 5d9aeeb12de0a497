#include "ops/runtime/process_metrics.h"

#include "ops/runtime/version.h"

#include <dirent.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void put_head(struct jbuf *out, const char *name, const char *type, const char *help) {
    jb_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_metric(struct jbuf *out, const char *name, const char *type, const char *help, int64_t v) {
    put_head(out, name, type, help);
    jb_printf(out, "%s %" PRId64 "\n", name, v);
}

static void put_cpu(struct jbuf *out) {
    static const char name[] = "process_cpu_seconds_total";
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) != 0)
        return;
    int64_t us = (int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
                 use.ru_stime.tv_usec;
    put_head(out, name, "counter", "Processor time that the process has used.");
    jb_printf(out, "%s %" PRId64 ".%06" PRId64 "\n", name, us / 1000000, us % 1000000);
}

/* Number `at` (from 1 on) of a line of /proc, behind the name in brackets, which may have blanks. -1: not
 * there. */
static int64_t proc_number(const char *path, int at) {
    char text[1024];
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    long long value = -1;
    if (f != NULL)
        fclose(f);
    text[n] = '\0';
    char *p = strrchr(text, ')');
    p = p != NULL ? p + 1 : text;
    for (char *word = strtok_r(p, " ", &p); word != NULL; word = strtok_r(NULL, " ", &p))
        if (--at == 0 && sscanf(word, "%lld", &value) != 1)
            return -1;
    return value;
}

static int64_t boot_time_s(void) {
    char line[256];
    long long at = -1;
    FILE *f = fopen("/proc/stat", "re");
    while (f != NULL && at < 0 && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "btime %lld", &at) != 1)
            at = -1;
    if (f != NULL)
        fclose(f);
    return at;
}

static void put_memory(struct jbuf *out) {
    int64_t page = sysconf(_SC_PAGESIZE), all = proc_number("/proc/self/statm", 1),
            resident = proc_number("/proc/self/statm", 2);
    if (all >= 0)
        put_metric(out, "process_virtual_memory_bytes", "gauge", "Address space of the process.", all * page);
    if (resident >= 0)
        put_metric(out, "process_resident_memory_bytes", "gauge", "Memory that the process has.",
                   resident * page);
}

/* The start of the process: ticks since the machine's start, word 22 of /proc/self/stat, so 20 behind the
 * name. */
static void put_start(struct jbuf *out) {
    int64_t ticks = proc_number("/proc/self/stat", 20), boot = boot_time_s(), hz = sysconf(_SC_CLK_TCK);
    if (ticks >= 0 && boot >= 0 && hz > 0)
        put_metric(out, "process_start_time_seconds", "gauge", "When the process has started.",
                   boot + ticks / hz);
}

static void put_files(struct jbuf *out) {
    struct rlimit most;
    int64_t open = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        open += e->d_name[0] != '.';
    if (dir != NULL) {
        closedir(dir);
        put_metric(out, "process_open_fds", "gauge", "Open files and sockets.",
                   open - 1); /* but this folder */
    }
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur != RLIM_INFINITY)
        put_metric(out, "process_max_fds", "gauge", "Files and sockets that may be open at most.",
                   (int64_t)most.rlim_cur);
}

void process_metrics_render(struct jbuf *out, bool ready) {
    put_head(out, "usher_build_info", "gauge",
             "Always 1; the labels say what was built, and on what it runs.");
    jb_printf(out, "usher_build_info{version=\"%s\",librdkafka=\"%s\"} 1\n", usher_version,
              rd_kafka_version_str());
    put_metric(out, "usher_ready", "gauge", "1 where /readyz says 200, else 0.", ready);
    put_cpu(out);
    put_memory(out);
    put_start(out);
    put_files(out);
}
