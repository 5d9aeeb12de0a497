/* What the requests of keys add up to, by minute, hour or day, as the archive has counted it. In a
 * transaction of audit_begin. */
#ifndef USHER_SQL_ASK_ACTIVITY_H
#define USHER_SQL_ASK_ACTIVITY_H

#include "ops/runtime/arena.h"
#include "sql/db.h"

#define ACTIVITY_BUCKETS 20        /* of a histogram: less than 2^(i+7) us; the last has all others */
#define ACTIVITY_KEYS 2000         /* of one answer */
#define ACTIVITY_ROWS 25000        /* steps of all keys of one answer */
#define ACTIVITY_REFUSED 50        /* refused requests of one answer */
#define ACTIVITY_CADENCE 100       /* with more keys than that, nobody's cadence is asked */
#define ACTIVITY_SOURCES 100       /* addresses of one key … */
#define ACTIVITY_SOURCES_OF_ALL 10 /* … and of each, where all were asked for */

enum activity_step { ACTIVITY_MINUTE, ACTIVITY_HOUR, ACTIVITY_DAY, ACTIVITY_STEPS };
bool activity_step_parse(const char *name, enum activity_step *out);
const char *activity_step_name(enum activity_step step);
int64_t activity_step_us(enum activity_step step);

struct activity_sum {
    int64_t at_us; /* the beginning of its step */
    int64_t requests, operations, writes, ok, redirected, refused, limited, failed, bytes_in, bytes_out;
    int64_t latency[ACTIVITY_BUCKETS];
};
struct activity_source {
    const char *source;
    int64_t requests, first_us, last_us;
};
/* A key, an owner or an administrator. Times are 0 where there is none. */
struct activity_key {
    const char *id, *name, *kind;
    int64_t first_us, last_us, write_us;
    struct activity_sum *steps; /* those in which something was */
    struct activity_source *sources;
    size_t nsteps, nsources;
    bool has_cadence;                  /* else: too many keys, or no use in the last two days */
    int64_t bursts, burst_us, every_s; /* every_s -1: not known */
};
struct activity_refused {
    int64_t at_us;
    const char *event, *txn, *key_id, *key_name, *method, *path, *code, *detail, *source,
        *user_agent; /* or NULL */
    int status;
};

struct activity {
    /* asked */
    const char *workspace, *key; /* key NULL: all */
    int64_t from_us, to_us;      /* from is the beginning of a step; to is not in it */
    enum activity_step step;
    /* answered, in the arena */
    bool too_many; /* keys or steps; then nothing else is there */
    struct activity_key *keys;
    struct activity_refused *refused; /* the newest first */
    size_t nkeys, nrefused;
};
enum err_code activity_read(struct db *db, struct arena *a, struct activity *out, struct err *err);

/* Adds one to another. */
void activity_add(struct activity_sum *to, const struct activity_sum *one);
/* The time that `percent` of the requests took at most, in us, as far as the histogram tells; -1: there are
 * none. */
int64_t activity_percentile(const int64_t latency[ACTIVITY_BUCKETS], int percent);
/* Where bucket i ends, in us; 0: it does not. */
int64_t activity_bound_us(int i);

#endif
