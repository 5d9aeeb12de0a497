/* What a large command does to the members of a room, as lists of ids: 16 bytes and a few marks for each,
 * where a small one has objects. */
#ifndef USHER_WORKERS_APPLY_MEMBER_DIFF_H
#define USHER_WORKERS_APPLY_MEMBER_DIFF_H

#include "schemas/patch/patch.h"
#include "workers/apply/crowd.h"

struct member_diff {
    const struct uuid_bytes *removes, *adds; /* who is removed and added again stands in both */
    const bool *shown;                       /* for each of the adds: active, so that others see it */
    const char *const *unknown;              /* left out, and told so */
    size_t nremoves, nadds, nunknown;
    size_t leaving, coming; /* of them those whom others see */
};

/* The deltas, one after the other, against the room as it is stored, which the crowd tells. Refuses unknown
 * ids as members_resolve does. */
enum err_code member_diff_make(struct decision *d, struct crowd *crowd, const struct member_delta *deltas,
                               size_t n, struct member_diff *out);

#endif
