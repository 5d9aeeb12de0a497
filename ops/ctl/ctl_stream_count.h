/* Are the numbers of a stream whole? They are gapless within an epoch, and a new epoch goes on beyond all
 * that were given out (schemas/README.md, section 4). */
#ifndef USHER_CTL_STREAM_COUNT_H
#define USHER_CTL_STREAM_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_GAPS_SHOWN 20

struct stream_gap {
    int64_t epoch, from, to; /* both are missing, and all between them */
};

/* The numbers of one stream, in the order in which they are read. */
struct stream_run {
    int64_t records, first_epoch, first_seq, epoch, seq; /* of the first and of the last one */
    int64_t again;                                       /* came twice, or out of order */
    int64_t missing;
    struct stream_gap gaps[STREAM_GAPS_SHOWN]; /* the first of them */
    size_t ngaps;                              /* all of them */
};
void stream_run_add(struct stream_run *r, int64_t epoch, int64_t seq);
/* All is read. The last number that was given out; whole: the topic has its beginning still, so that number 1
 * must be there. */
void stream_run_end(struct stream_run *r, int64_t epoch, int64_t seq, bool whole);

/* The numbers of one instance's requests, in any order. To be cleared. */
struct stream_marks {
    unsigned char *bits;
    size_t nbytes;
    int64_t records, first, last, again;
};
/* False: the number is none. */
bool stream_marks_add(struct stream_marks *m, int64_t n);
/* How many are missing between the first, or 1 where whole, and the last; the gaps as above, with epoch 0. */
int64_t stream_marks_missing(const struct stream_marks *m, bool whole,
                             struct stream_gap gaps[STREAM_GAPS_SHOWN], size_t *ngaps);
void stream_marks_clear(struct stream_marks *m);

#endif
