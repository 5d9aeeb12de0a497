/* What the parts of db.h share: the connection as it is. libpq is known here and in the files that include
 * this. */
#ifndef USHER_SQL_DB_IMPL_H
#define USHER_SQL_DB_IMPL_H

#include "sql/db.h"

#include <libpq-fe.h>

#define DB_TEXTS_MAX 96 /* kept prepared, of those made at run time */

struct text {
    char *sql;
    bool prepared;
};

struct pending {    /* one queued libpq query */
    bool *prepares; /* it prepares the statement that this belongs to; NULL: it is the caller's */
};

struct db {
    char *uri;
    char *app;
    char *options;
    PGconn *conn;
    unsigned generation;
    bool prepared[SQL_STATEMENTS];
    struct text texts[DB_TEXTS_MAX];
    int ntexts;
    struct pending *queue;
    size_t nqueue, cap;
    bool broken; /* a send failed: flush reports it */
    int64_t retry_at_us;
    int silence_ms, connect_s;
    bool unreachable; /* said so */
    bool says_why;
    char why[300];               /* of the last failure to connect */
    unsigned flushes, replan_at; /* since it connected */
    int64_t replan_due_us;
    bool (*unwanted)(void *ctx); /* db_watch */
    void *unwanted_ctx;
    int64_t cancel_at_us; /* not 0: what runs was cancelled, and is cancelled again then */
    char refusal[300];    /* what PostgreSQL refused last, and when the log was told */
    int64_t refusal_us;
};

struct db_result {
    PGresult *pg;
};

/* Closes the connection and forgets what belonged to it: statements, plans, what was queued. */
void db_disconnect(struct db *db);
/* The library's message without its trailing newline, without line breaks. */
void db_message(const char *from, char *out, size_t size);
/* Sets the error of a database that cannot be reached: ERR_DB_LOST. */
enum err_code db_not_reached(const struct db *db, struct err *err);
/* The connection is gone: says so in the log, closes it, sets the error: ERR_DB_LOST. */
enum err_code db_lost(struct db *db, struct err *err);
/* PostgreSQL has refused a statement: says so in the log, sets the error that its SQLSTATE asks for. */
enum err_code db_refused(struct db *db, const PGresult *r, struct err *err);
/* When the plans of the connection are made anew: in so many flushes, or after so long. */
#define DB_REPLAN_FIRST 8
#define DB_REPLAN_US (10 * INT64_C(1000000))

#endif
