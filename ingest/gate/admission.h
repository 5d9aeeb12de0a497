/* Who is asking, and may he: tokens of a whole batch in one round trip, then the checks that need no
 * database. */
#ifndef USHER_INGEST_GATE_ADMISSION_H
#define USHER_INGEST_GATE_ADMISSION_H

#include "ingest/request/request.h"

#define GATE_BATCH 256

/* The distinct tokens of a batch. */
struct admission {
    struct admit_ask ask[GATE_BATCH];
    struct admit_verdict verdict[GATE_BATCH];
    int granted[GATE_BATCH]; /* units not yet used up */
    size_t n;
    enum err_code code; /* of the round trip */
};

/* In three steps, the middle one of which is the round trip and looks at no request. Refused requests are
 * answered; those that go on are moved to the front, in order, and counted. */
size_t admission_collect(struct admission *a, struct request **requests, size_t n);
void admission_ask(struct admission *a, struct db *db);
size_t admission_judge(struct admission *a, struct request **requests, size_t n);

/* The same for the units of Bulks beyond their first, each Bulk's all or none. */
void admission_collect_units(struct admission *a, struct request **requests, size_t n);
size_t admission_judge_units(struct admission *a, struct request **requests, size_t n);

#endif
