/* Trees that have stopped and of which an operator has said that they shall go on (usherctl audit resume):
 * what was put aside of them is added. */
#ifndef USHER_WORKERS_ARCHIVE_RESUME_H
#define USHER_WORKERS_ARCHIVE_RESUME_H

#include "workers/archive/book.h"

/* Of these partitions, all that there are. After any error the places are to be read anew. */
enum err_code resume_trees(struct book *b, const int32_t *partitions, size_t n, struct err *err);

#endif
