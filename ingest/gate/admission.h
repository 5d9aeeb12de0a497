/* Admission: looks the credentials of a whole batch up in one round trip, then makes the checks that need no
 * database. */
#ifndef USHER_INGEST_GATE_ADMISSION_H
#define USHER_INGEST_GATE_ADMISSION_H

#include "ingest/request/request.h"

#define GATE_BATCH 256

/* The distinct tokens of a batch. */
struct admission {
    struct admit_ask ask[GATE_BATCH];
    struct admit_verdict verdict[GATE_BATCH];
    int granted[GATE_BATCH]; /* rate units that are left */
    size_t n;
    struct rates *rates;
    bool leased;        /* units may come from leases: not those of Bulks, which are many at once */
    enum err_code code; /* of the round trip */
};

/* Three steps. The middle one is the round trip and must not look at a request. Requests that are refused are
 * answered or wait for units. Those that go on are moved to the front, in order; the result is their number.
 */
size_t admission_collect(struct admission *a, struct request **requests, size_t n);
void admission_ask(struct admission *a, struct db *db);
size_t admission_judge(struct admission *a, struct request **requests, size_t n);

/* The same for the rate units that Bulks need after the first one. A Bulk gets all its units or none. */
void admission_collect_units(struct admission *a, struct request **requests, size_t n);
size_t admission_judge_units(struct admission *a, struct request **requests, size_t n);

/* The sentence for a credential whose state is not ADMIT_OK. */
const char *admission_refusal(const struct admit_verdict *v);

#endif
