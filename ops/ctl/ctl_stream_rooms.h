/* The part of `stream verify` about usher.rooms: partition by partition it is read beside usher.membership,
 * and compared (ctl_stream_fold.h). */
#ifndef USHER_CTL_STREAM_ROOMS_H
#define USHER_CTL_STREAM_ROOMS_H

#include "ops/ctl/ctl.h"
#include "ops/ctl/ctl_stream_fold.h"

/* Opens a consumer of its own. only: this partition; negative: all of them. each: is called for every
 * workspace of a partition once that is judged. A partition is not where a trial broker has forgotten how its
 * snapshot begins. ERR_KAFKA. */
enum err_code stream_rooms_verify(struct ctl *c, int32_t only, int partitions,
                                  void (*each)(void *ctx, const char *workspace,
                                               const struct fold_verdict *verdict),
                                  void *ctx, struct err *err);

#endif
