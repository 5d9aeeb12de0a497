#include "ops/ctl/ctl_stream_count.h"

#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX INT64_C(4000000000) /* of one life of an ingest: a bit each */

static void note_gap(struct stream_gap *gaps, size_t *n, int64_t epoch, int64_t from, int64_t to) {
    if (*n < STREAM_GAPS_SHOWN)
        gaps[*n] = (struct stream_gap){epoch, from, to};
    (*n)++;
}

static void miss(struct stream_run *r, int64_t epoch, int64_t from, int64_t to) {
    r->missing += to - from + 1;
    note_gap(r->gaps, &r->ngaps, epoch, from, to);
}

void stream_run_add(struct stream_run *r, int64_t epoch, int64_t seq) {
    bool back = r->records > 0 && (epoch < r->epoch || (epoch == r->epoch && seq <= r->seq));
    r->records++;
    if (back) {
        r->again++;
        return;
    }
    if (r->records == 1) {
        r->first_epoch = epoch;
        r->first_seq = seq;
    } else if (epoch == r->epoch && seq > r->seq + 1) {
        miss(r, epoch, r->seq + 1, seq - 1);
    }
    r->epoch = epoch;
    r->seq = seq;
}

void stream_run_end(struct stream_run *r, int64_t epoch, int64_t seq, bool whole) {
    if (whole && r->records > 0 && r->first_epoch == 1 && r->first_seq > 1)
        miss(r, 1, 1, r->first_seq - 1);
    if (r->records > 0 && epoch == r->epoch && seq > r->seq)
        miss(r, epoch, r->seq + 1, seq);
    if (whole && r->records == 0 && seq > 0)
        miss(r, epoch, 1, seq);
}

bool stream_marks_add(struct stream_marks *m, int64_t n) {
    if (n < 1 || n > NUMBER_MAX)
        return false;
    size_t byte = (size_t)n / 8;
    unsigned char bit = (unsigned char)(1u << (n % 8));
    if (byte >= m->nbytes) {
        size_t more = byte + 1 > 2 * m->nbytes ? byte + 64 : 2 * m->nbytes;
        m->bits = xreallocarray(m->bits, more, 1);
        memset(m->bits + m->nbytes, 0, more - m->nbytes);
        m->nbytes = more;
    }
    m->records++;
    if (m->bits[byte] & bit)
        m->again++;
    m->bits[byte] |= bit;
    m->first = m->first == 0 || n < m->first ? n : m->first;
    m->last = n > m->last ? n : m->last;
    return true;
}

int64_t stream_marks_missing(const struct stream_marks *m, bool whole,
                             struct stream_gap gaps[STREAM_GAPS_SHOWN], size_t *ngaps) {
    int64_t missing = 0, from = 0;
    *ngaps = 0;
    for (int64_t n = whole ? 1 : m->first; n <= m->last; n++) {
        bool there = (m->bits[n / 8] >> (n % 8)) & 1;
        missing += there ? 0 : 1;
        if (!there && from == 0)
            from = n;
        if (there && from > 0) {
            note_gap(gaps, ngaps, 0, from, n - 1);
            from = 0;
        }
    }
    return missing;
}

void stream_marks_clear(struct stream_marks *m) {
    free(m->bits);
    memset(m, 0, sizeof *m);
}
