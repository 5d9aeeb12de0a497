/* The one place that knows libpq (db_impl.h). A connection has one owner thread. Statements are prepared on
 * first use and run in pipeline mode: queue any number with db_queue, then db_flush once: one round trip.
 * Results come back in the order of queueing. */
#ifndef USHER_SQL_DB_H
#define USHER_SQL_DB_H

#include "ops/runtime/err.h"
#include "sql/statement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_result; /* rows of one statement */

/* Opens lazily: never fails here; the first use connects (and re-connects after a loss). uri: libpq
 * connection string. app: application_name. options: extra session settings, e.g. "synchronous_commit=off";
 * "" for none. */
struct db *db_new(const char *uri, const char *app, const char *options);
void db_free(struct db *db);
/* Is it a connection string, and can the files that it names be read? ERR_CONFIG with the reason. Connects to
 * nobody. */
enum err_code db_check_uri(const char *uri, struct err *err);
/* What the connection string says, as libpq's environment variables (PGHOST, PGPASSWORD …): for programs that
 * are started, whose arguments everybody can see. ERR_CONFIG with the reason where it is none. */
enum err_code db_uri_environment(const char *uri, void (*put)(const char *name, const char *value, void *ctx),
                                 void *ctx, struct err *err);
/* From now on a failure to connect says why in the text of its error, and in full, for an operator's eyes.
 * Without it the text is one for everybody. */
void db_say_why(struct db *db);
enum err_code db_connect(struct db *db, struct err *err); /* if not connected: connects; ERR_DB_LOST */
bool db_connected(const struct db *db);
/* Number of successful connects so far: a changed value means that session state (advisory locks) is gone. */
unsigned db_generation(const struct db *db);

/* Parameters in text form; NULL = SQL NULL. Arrays are built with pg_array_*. params has as many as the
 * statement's comment tells. */
void db_queue(struct db *db, enum statement s, const char *const *params);
/* The same where the last parameter is in binary form, n bytes: a bytea (NULL = SQL NULL), or an array by
 * pg_array_uuids. */
void db_queue_bytes(struct db *db, enum statement s, const char *const *params, size_t n);
/* The same where each parameter may be in binary form: sizes[i] bytes of params[i]; -1: in text form. At most
 * DB_BINARY_PARAMS. */
#define DB_BINARY_PARAMS 32
void db_queue_binary(struct db *db, enum statement s, const char *const *params, const int *sizes);
/* The same for texts made at run time: sql is copied; a bounded number of texts is prepared and kept per
 * connection, the others are run unprepared. */
void db_queue_text(struct db *db, const char *sql, int nparams, const char *const *params);
/* Sends a sync, waits for all results of what was queued. results[i] for the i-th statement (i < n = number
 * queued; free with db_results_free). All statements since the last flush are one transaction unless they
 * contain BEGIN/COMMIT; after an error the rest is not run. On error: results are freed, an open transaction
 * is rolled back, err says what (ERR_DB_RETRY, ERR_DB_LOST, ERR_DB_DATA, ERR_DB_SLOW, ERR_DB_SYSTEM), *failed
 * (may be NULL) = index of the statement. */
enum err_code db_flush(struct db *db, struct db_result **results, size_t n, size_t *failed, struct err *err);
void db_results_free(struct db_result **results, size_t n);
/* One statement, one round trip. *out may be NULL. */
enum err_code db_run(struct db *db, enum statement s, const char *const *params, struct db_result **out,
                     struct err *err);
enum err_code db_run_text(struct db *db, const char *sql, int nparams, const char *const *params,
                          struct db_result **out, struct err *err);
/* How long connecting may take: 3 s, for programs that try again, until it is set. */
void db_connect_within(struct db *db, int seconds);
/* How long a statement of this connection may take from now on, and how long it may wait for us in an open
 * transaction, until it is set again or the connection is a new one: then DB_PATIENCE_MS. */
#define DB_PATIENCE_MS 10000
enum err_code db_set_patience(struct db *db, int ms, struct err *err);
/* While a statement of this connection runs, unwanted is asked every DB_WATCH_MS, on the thread that waits.
 * True: nobody wants the result any more. Then PostgreSQL is told to cancel the statement, db_flush ends with
 * ERR_DB_SLOW, and the connection is good for the next one. Telling it takes a connection and may block, so
 * this is only for threads that may. NULL: nobody is asked any more. */
#define DB_WATCH_MS 20
void db_watch(struct db *db, bool (*unwanted)(void *ctx), void *ctx);
/* When a statement of this process, of any connection, was last refused because PostgreSQL's disk is full
 * (SQLSTATE 53100), by the steady clock; 0: never. */
int64_t db_full_us(void);
/* Does it answer? One round trip. */
enum err_code db_ping(struct db *db, struct err *err);
/* A script of several statements without parameters (migrations), simple protocol. */
enum err_code db_script(struct db *db, const char *sql, struct err *err);
/* Rolls back if a transaction is open. */
void db_rollback(struct db *db);

size_t db_rows(const struct db_result *r);
const char *db_text(const struct db_result *r, size_t row, int col); /* "" for NULL; lives as long as r */
bool db_is_null(const struct db_result *r, size_t row, int col);
int64_t db_int(const struct db_result *r, size_t row, int col);
bool db_bool(const struct db_result *r, size_t row, int col);
char *db_bytes(const struct db_result *r, size_t row, int col, size_t *n); /* of a bytea; to be freed */
size_t db_affected(const struct db_result *r);

#endif
