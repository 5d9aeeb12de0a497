/* What who delivers events over HTTP writes and reads (ops/DESIGN.md, "Deliveries"): the log of messages, and
 * endpoints that are claimed, sent to and settled. */
#ifndef USHER_SQL_ASK_DELIVERY_H
#define USHER_SQL_ASK_DELIVERY_H

#include "ops/runtime/arena.h"
#include "sql/db.h"

/* ---- the log ---- */

struct delivery_place {
    const char *topic;
    int32_t partition;
    int64_t next;
};
/* Where these go on, into `next`; one that is new begins where its `next` says. */
enum err_code delivery_places(struct db *db, struct delivery_place *places, size_t n, struct err *err);
/* The topic does not hold the place any more: it goes on at `next`. */
enum err_code delivery_begin_again(struct db *db, const struct delivery_place *was, int64_t next,
                                   struct err *err);

struct delivery_record {
    const char *workspace;
    int64_t at_us;
    const char *type, *event, *value;
    const char *user;        /* id of the one that it is about; NULL: none */
    const char *traceparent; /* of the request that it comes from; NULL: none is kept */
};
/* Which of the records' workspaces have endpoints: wanted[i] of each record. */
enum err_code delivery_wanted(struct db *db, const struct delivery_record *records, size_t n, bool *wanted,
                              struct err *err);
/* Numbers and keeps the records of workspaces that have endpoints, and moves the places from `next` to `to`,
 * in one transaction. ERR_DB_FENCED: somebody else has moved them. touched: is called for each workspace of
 * which something was kept. */
enum err_code delivery_take(struct db *db, const struct delivery_place *places, const int64_t *to,
                            size_t nplaces, const struct delivery_record *records, size_t n,
                            void (*touched)(const char *workspace, void *ctx), void *ctx, struct err *err);
/* Makes the tables of the next days and drops those older than `keep`. */
enum err_code delivery_days(struct db *db, int keep, int *gone, struct err *err);
/* Notes the addresses of the next users of a workspace that has its first stream. *n: so many were looked at;
 * less than `most`: there is nothing left of it. */
enum err_code delivery_fill(struct db *db, int most, int *n, struct err *err);

/* ---- endpoints ---- */

struct delivery_claimed {
    char workspace[37], id[37];
    const char *doc, *secrets;
    int64_t cursor, newest, turn, version, failures, failing_since_us;
    bool is_due;   /* messages behind the cursor are to be sent; else only what was asked for */
    int64_t asked; /* the message that is to be sent once more; 0: a trial, -1: none */
};
/* Takes up to `most` endpoints that are due; of one workspace `each`; workspace NULL: of all. Texts and rows
 * are the arena's. */
enum err_code delivery_claim(struct db *db, const char *holder, const char *const *workspaces,
                             size_t nworkspaces, int most, int each, int seconds, struct arena *a,
                             struct delivery_claimed **out, size_t *n, struct err *err);

struct delivery_message {
    char id[37]; /* of the endpoint */
    int64_t number, at_us;
    bool is_asked;
    const char *type, *event;
    const char *value;       /* NULL: the endpoint does not want it */
    const char *about;       /* {"email":…,"was":…}, of the user that it is about; NULL: not known */
    const char *traceparent; /* by delivery_traces; NULL: none */
};
/* In the order of endpoints and numbers. */
enum err_code delivery_messages(struct db *db, const struct delivery_claimed *of, size_t nof, int most,
                                int bytes, struct arena *a, struct delivery_message **out, size_t *n,
                                struct err *err);

/* Looks up the contexts of these messages, each of one of the endpoints in `of`. */
enum err_code delivery_traces(struct db *db, const struct delivery_claimed *of, size_t nof, struct arena *a,
                              struct delivery_message *messages, size_t n, struct err *err);

/* What an attempt has come to. */
struct delivery_attempt {
    int64_t at_us, number, duration_us;
    const char *event, *type;
    int status;
    const char *error; /* NULL: it went well */
    const char *answer;
};
struct delivery_outcome {
    char workspace[37], id[37];
    int64_t turn, version, cursor, wait_us, lost;
    int failed;       /* 1: failed, 0: went well, -1: neither */
    int64_t answered; /* what was asked for and is done; -1: nothing */
    bool frees;
    const struct delivery_attempt *attempt; /* NULL: there was none */
    bool goes_on;                           /* out: it may go on with what it has in hand … */
    int64_t newest;                         /* out: … and how many there are */
};
enum err_code delivery_settle(struct db *db, const char *holder, int seconds, struct delivery_outcome *of,
                              size_t n, struct err *err);
enum err_code delivery_free_all(struct db *db, const char *holder, struct err *err);
struct delivery_late {
    char workspace[37], id[37];
    int64_t since_us; /* its next message is so old */
};
/* Endpoints whose next message is older than half of the `keep` days that messages are kept: the latest of
 * them into out, `most` at most, and *n of these; *total: how many there are. */
enum err_code delivery_late(struct db *db, int keep, struct delivery_late *out, size_t most, size_t *n,
                            int64_t *total, struct err *err);
enum err_code delivery_state(struct db *db, int64_t *failing, int64_t *disabled, int64_t *waiting,
                             struct err *err);

#endif
