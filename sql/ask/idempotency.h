/* Requests with an Idempotency-Key. Each is written down before it is done, and again with its answer. A
 * client that repeats one gets the same answer, without a second effect. Answers are kept for a day. The
 * connection must commit durably. */
#ifndef USHER_SQL_ASK_IDEMPOTENCY_H
#define USHER_SQL_ASK_IDEMPOTENCY_H

#include "ops/runtime/arena.h"
#include "ops/runtime/id.h"
#include "sql/db.h"

#define FINGERPRINT_SIZE 32

enum idempotency_verdict {
    IDEMPOTENCY_FRESH,    /* to be done, under its own txn */
    IDEMPOTENCY_AGAIN,    /* to be done under `txn`, by which a worker may know it already */
    IDEMPOTENCY_RUNNING,  /* somebody is doing it now */
    IDEMPOTENCY_ANSWERED, /* done, under `txn`: status, headers, content */
    IDEMPOTENCY_OTHER,    /* the key was used with another request */
};

struct idempotency {
    const char *workspace, *principal; /* ids; the principal is the credential's */
    const char *key;                   /* of the client */
    unsigned char fingerprint[FINGERPRINT_SIZE];
    struct uuid txn; /* in: of this request; out: of the one that counts */
    int stale_s;     /* seconds after which a request that was begun is not being done any more */
    /* out */
    enum idempotency_verdict verdict;
    /* in, of a store: the answer; status 0 = nothing was done, the key is free again. Out, of an answered
     * one: texts in the arena. */
    int status;
    const char *headers; /* a JSON object */
    const char *content;
    struct arena *arena;
};

/* All of the list in one round trip and one transaction. On error nothing is known of any of them. */
enum err_code idempotency_claim(struct db *db, struct idempotency *const *list, size_t n, struct err *err);
/* The verdict becomes ANSWERED where another answer was kept before: that one is to be given. */
enum err_code idempotency_store(struct db *db, struct idempotency *const *list, size_t n, struct err *err);
/* Forgets those of yesterday, some thousands at a time. For the worker. */
enum err_code idempotency_prune(struct db *db, struct err *err);

#endif
