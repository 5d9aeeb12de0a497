/* An OAuth client that authenticates by an assertion (private_key_jwt), step by step: what the assertion says
 * is read; the key of usher that it names is looked up; claims and signature are judged, with keys that may
 * have to be fetched first; then the request is admitted as with a secret; at last the assertion is taken,
 * once for all ingests. */
#ifndef USHER_INGEST_API_ASSERTION_H
#define USHER_INGEST_API_ASSERTION_H

#include "ingest/request/request.h"

struct assertion;

/* Reads the text, without belief, and makes r->question: whose key it names. NULL: the error says why not. */
struct assertion *assertion_new(struct request *r, const char *text, struct err *err);
const char *assertion_client(const struct assertion *a); /* the id of a key */

/* The question was answered. STEP_GONE: the request is given to the gate again, to be admitted now that the
 * assertion is judged, or once more for the question when keys were fetched. */
enum step assertion_judge(struct request *r, struct assertion *a);
bool assertion_is_judged(const struct assertion *a);
/* What came of it: the hash of the key's token, or the error. */
enum err_code assertion_result(const struct assertion *a, unsigned char token_hash[TOKEN_HASH_SIZE],
                               struct err *err);

/* The request is admitted: takes the assertion. Then assertion_claimed says whether it was the first to do
 * so. */
enum step assertion_claim(struct request *r, struct assertion *a);
enum err_code assertion_claimed(const struct assertion *a, struct err *err);

#endif
