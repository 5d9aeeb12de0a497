/* A record of usher.audit, read: whose it is, which tree it belongs to, and what is searched for in it. */
#ifndef USHER_WORKERS_ARCHIVE_ENTRY_H
#define USHER_WORKERS_ARCHIVE_ENTRY_H

#include "ops/runtime/arena.h"
#include "sql/ask/archive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What Kafka gives. */
struct entry_source {
    int32_t partition;
    int64_t offset, time_us;
    const char *event; /* ce_id; "" if there is none */
    bool of_stream;    /* ce_type says that it is about the stream itself: a stub, or a new epoch */
    const void *value;
    size_t n;
    bool unstorable; /* PostgreSQL does not take what is in it */
};

struct entry {
    struct archive_leaf leaf; /* but its n; texts are the arena's, the bytes those of the source */
    int32_t partition;
    int64_t offset;
    /* Of a request. */
    const char *key; /* id, or the nil UUID */
    int64_t requests, operations, bytes_in, bytes_out;
    bool is_write, supersedes;
};

/* False: nobody can read it, and `why` says what is wrong; then only leaf.bytes, leaf.event, partition and
 * offset are set. */
bool entry_read(const struct entry_source *source, int32_t partitions, struct arena *a, struct entry *out,
                const char **why);

#endif
