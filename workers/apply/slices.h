/* Carries out large commands slice by slice, after they were decided (ops/DESIGN.md, "Slices"). */
#ifndef USHER_WORKERS_APPLY_SLICES_H
#define USHER_WORKERS_APPLY_SLICES_H

#include "workers/apply/batch.h"

struct slice {
    bool last;                  /* nothing of the command is left, also where nothing was left before */
    size_t rows;                /* so many memberships or users were looked at */
    struct record_list records; /* what it put on the streams; rows to be freed */
};

/* One transaction of the workspace's large command: at most `rows` of it. Its records go out as those of a
 * batch do; texts: holds theirs. Errors as those of apply_batch. */
enum err_code apply_slice(const struct apply *a, const char *workspace, size_t rows, struct arena *texts,
                          struct slice *out, struct err *err);

#endif
