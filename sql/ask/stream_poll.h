/* Polls of streams (ops/DESIGN.md, "Deliveries"): what is read and written for one, in one transaction, and
 * who of those that wait has got something. */
#ifndef USHER_SQL_ASK_STREAM_POLL_H
#define USHER_SQL_ASK_STREAM_POLL_H

#include "sql/ask/delivery.h"

struct stream_poll {
    const char *workspace, *id, *key; /* key: of whom the stream must be */
    /* As it stands; texts are the arena's. */
    const char *doc; /* NULL: there is no such stream */
    int64_t cursor, newest, version;
    const char *done; /* JSON: tokens above the cursor that are done */
};
/* Begins the transaction, in which nobody else polls the stream. */
enum err_code stream_poll_open(struct db *db, struct stream_poll *p, struct arena *a, struct err *err);
/* The next messages behind a number. */
enum err_code stream_poll_messages(struct db *db, const struct stream_poll *p, int64_t after, int most,
                                   int bytes, struct arena *a, struct delivery_message **out, size_t *n,
                                   struct err *err);
/* Ends it. cursor: all up to it are done; done: those above, the text of an array. lost: messages that the
 * log had forgotten. errors: JSON, what the receiver could not take: [{"number","event","type","error"}]. */
enum err_code stream_poll_close(struct db *db, const struct stream_poll *p, int64_t cursor, const char *done,
                                int64_t lost, const char *errors, struct err *err);
/* The same where nothing has changed. */
enum err_code stream_poll_leave(struct db *db, struct err *err);

/* Which of those that wait must be looked at: news[i]. p: as each was seen last. */
enum err_code stream_poll_news(struct db *db, const struct stream_poll *const *p, size_t n, bool *news,
                               struct err *err);

#endif
