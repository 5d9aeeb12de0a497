/* Statements on a connection: queued, flushed together, their results taken in order. */
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/db_impl.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cancellation that PostgreSQL did not take is tried again after this. */
#define DB_CANCEL_AGAIN_US INT64_C(1000000)
#define REPLAN_MOST 65536

static void enqueue(struct db *db, bool *prepares) {
    if (db->nqueue == db->cap) {
        db->cap = db->cap > 0 ? db->cap * 2 : 64;
        db->queue = xrealloc(db->queue, db->cap * sizeof *db->queue);
    }
    db->queue[db->nqueue++] = (struct pending){prepares};
}

/* The text's place among those that are kept, made if there is room; -1: there is none. */
static int text_index(struct db *db, const char *sql) {
    for (int i = 0; i < db->ntexts; i++)
        if (strcmp(db->texts[i].sql, sql) == 0)
            return i;
    if (db->ntexts == DB_TEXTS_MAX)
        return -1;
    db->texts[db->ntexts] = (struct text){xstrdup(sql), false};
    return db->ntexts++;
}

/* Connects if need be. Where that fails the flush reports it. */
static bool ensure_connected(struct db *db) {
    struct err ignored;
    if (!db->broken && db_connect(db, &ignored) != ERR_OK)
        db->broken = true;
    return !db->broken;
}

static void send_prepared(struct db *db, const char *name, const char *sql, bool *prepared, int nparams,
                          const char *const *params, const int *lengths, const int *formats) {
    if (!*prepared) {
        if (PQsendPrepare(db->conn, name, sql, 0, NULL) == 0)
            db->broken = true;
        enqueue(db, prepared);
        *prepared = true; /* taken back by the flush if it was not run */
    }
    if (PQsendQueryPrepared(db->conn, name, nparams, params, lengths, formats, 0) == 0)
        db->broken = true;
}

void db_queue(struct db *db, enum statement s, const char *const *params) {
    const struct statement_text *t = &statement_texts[s];
    if (ensure_connected(db))
        send_prepared(db, t->name, t->text, &db->prepared[s], t->nparams, params, NULL, NULL);
    enqueue(db, NULL);
}

void db_queue_binary(struct db *db, enum statement s, const char *const *params, const int *sizes) {
    const struct statement_text *t = &statement_texts[s];
    int lengths[DB_BINARY_PARAMS], formats[DB_BINARY_PARAMS];
    assert(t->nparams <= DB_BINARY_PARAMS);
    for (int i = 0; i < t->nparams; i++) {
        formats[i] = sizes[i] >= 0;
        lengths[i] = sizes[i] >= 0 ? sizes[i] : 0;
    }
    if (ensure_connected(db))
        send_prepared(db, t->name, t->text, &db->prepared[s], t->nparams, params, lengths, formats);
    enqueue(db, NULL);
}

void db_queue_bytes(struct db *db, enum statement s, const char *const *params, size_t n) {
    int sizes[DB_BINARY_PARAMS], last = statement_texts[s].nparams - 1;
    assert(last >= 0 && last < DB_BINARY_PARAMS && n <= INT_MAX);
    for (int i = 0; i < last; i++)
        sizes[i] = -1;
    sizes[last] = (int)n;
    db_queue_binary(db, s, params, sizes);
}

void db_queue_text(struct db *db, const char *sql, int nparams, const char *const *params) {
    char name[16];
    int i = ensure_connected(db) ? text_index(db, sql) : -1;
    snprintf(name, sizeof name, "text%d", i);
    if (i >= 0)
        send_prepared(db, name, sql, &db->texts[i].prepared, nparams, params, NULL, NULL);
    else if (!db->broken && PQsendQueryParams(db->conn, sql, nparams, NULL, params, NULL, NULL, 0) == 0)
        db->broken = true;
    enqueue(db, NULL);
}

void db_watch(struct db *db, bool (*unwanted)(void *ctx), void *ctx) {
    db->unwanted = unwanted;
    db->unwanted_ctx = ctx;
}

/* Tells PostgreSQL, over a connection of its own, to cancel what this one runs. It returns when PostgreSQL
 * has sent the signal. So the signal cannot hit what is sent afterwards: a server process that waits for a
 * command ignores it. */
static bool cancel_statement(PGconn *conn, char *why, size_t size) {
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    PGcancelConn *cancel = PQcancelCreate(conn);
    bool told = PQcancelBlocking(cancel) != 0;
    db_message(PQcancelErrorMessage(cancel), why, size);
    PQcancelFinish(cancel);
#else
    PGcancel *cancel = PQgetCancel(conn);
    bool told = cancel != NULL && PQcancel(cancel, why, (int)size) != 0;
    PQfreeCancel(cancel);
#endif
    return told;
}

static void cancel_if_unwanted(struct db *db) {
    char why[256] = "", quoted[300];
    int64_t now_us = clock_mono_us();
    if (now_us < db->cancel_at_us || !db->unwanted(db->unwanted_ctx))
        return;
    db->cancel_at_us = now_us + DB_CANCEL_AGAIN_US;
    if (!cancel_statement(db->conn, why, sizeof why))
        log_event(LOG_WARN, "db-not-cancelled", "app=%s error=%s", db->app,
                  log_quote(why, quoted, sizeof quoted));
}

/* Sends what is buffered and waits until a result can be taken without blocking. */
static bool await_result(struct db *db) {
    int64_t silent_us = clock_mono_us() + (int64_t)db->silence_ms * 1000;
    for (;;) {
        int unsent = PQflush(db->conn);
        if (unsent < 0)
            return false;
        if (!PQisBusy(db->conn))
            return true;
        struct pollfd fd = {PQsocket(db->conn), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0};
        int n = poll(&fd, 1, db->unwanted != NULL ? DB_WATCH_MS : db->silence_ms);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0 && (fd.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(db->conn))
            return false;
        if (n > 0)
            silent_us = clock_mono_us() + (int64_t)db->silence_ms * 1000;
        else if (n == 0 && clock_mono_us() >= silent_us)
            return false;
        else if (db->unwanted != NULL)
            cancel_if_unwanted(db);
    }
}

static PGresult *next_result(struct db *db) {
    return await_result(db) ? PQgetResult(db->conn) : NULL;
}

/* Takes the result of one queued query and the NULL that follows it. */
static bool take_one(struct db *db, PGresult **out) {
    *out = next_result(db);
    if (*out == NULL)
        return false;
    if (!await_result(db))
        return false;
    PGresult *end = PQgetResult(db->conn);
    if (end != NULL) { /* cannot be: one statement, one result */
        PQclear(end);
        return false;
    }
    return true;
}

static bool take_sync(struct db *db) {
    PGresult *r = next_result(db);
    bool ok = r != NULL && PQresultStatus(r) == PGRES_PIPELINE_SYNC;
    PQclear(r);
    return ok;
}

/* The plans of prepared statements stay as they are made, and one made while a table was empty may read the
 * whole of it through the wrong index: to the planner all ways were equal. It looks at the tables' size when
 * it plans, so planning anew as they grow sets it right: each time after four times as many flushes, and
 * after some time, because it may be others who fill the tables. A few ms each time. */
static void replan(struct db *db) {
    PGresult *r = NULL;
    db->replan_at = db->flushes + (db->flushes < REPLAN_MOST ? db->flushes * 3 : REPLAN_MOST);
    db->replan_due_us = clock_mono_us() + DB_REPLAN_US;
    bool ok = PQsendQueryParams(db->conn, "DISCARD PLANS", 0, NULL, NULL, NULL, NULL, 0) &&
              PQpipelineSync(db->conn) && take_one(db, &r) && take_sync(db);
    PQclear(r);
    if (!ok)
        db_disconnect(db);
}

enum err_code db_flush(struct db *db, struct db_result **results, size_t n, size_t *failed, struct err *err) {
    enum err_code code = ERR_OK;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = NULL;
    if (failed != NULL)
        *failed = n;
    db->cancel_at_us = 0;
    if (db->broken || db->conn == NULL || !PQpipelineSync(db->conn)) {
        db->retry_at_us = db->conn != NULL ? 0 : db->retry_at_us;
        return db_lost(db, err);
    }
    for (size_t i = 0; i < db->nqueue; i++) {
        PGresult *r;
        if (!take_one(db, &r)) {
            PQclear(r);
            db_results_free(results, n);
            return db_lost(db, err);
        }
        ExecStatusType status = PQresultStatus(r);
        bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        bool *prepares = db->queue[i].prepares;
        if (!ok && status != PGRES_PIPELINE_ABORTED && code == ERR_OK) {
            code = db_refused(db, r, err);
            if (failed != NULL)
                *failed = at;
        }
        if (prepares != NULL && !ok)
            *prepares = false;
        if (prepares != NULL || at >= n || !ok) {
            PQclear(r);
        } else {
            results[at] = xcalloc(1, sizeof **results);
            results[at]->pg = r;
        }
        if (prepares == NULL)
            at++;
    }
    db->nqueue = 0;
    if (!take_sync(db)) {
        db_results_free(results, n);
        return db_lost(db, err);
    }
    if (code != ERR_OK) {
        db_results_free(results, n);
        if (code == ERR_DB_LOST || code == ERR_DB_SYSTEM) /* and the plans with it */
            db_disconnect(db);
        else
            db_rollback(db);
    } else {
        db->flushes++;
        bool due = db->flushes >= db->replan_at || clock_mono_us() >= db->replan_due_us;
        if (due && PQtransactionStatus(db->conn) == PQTRANS_IDLE)
            replan(db);
    }
    return code;
}

void db_rollback(struct db *db) {
    if (db->conn == NULL || PQtransactionStatus(db->conn) == PQTRANS_IDLE)
        return;
    PGresult *r = NULL;
    db->nqueue = 0;
    bool ok = PQsendQueryParams(db->conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0) &&
              PQpipelineSync(db->conn) && take_one(db, &r) && take_sync(db);
    PQclear(r);
    if (!ok)
        db_disconnect(db);
}

/* The one result of what was queued. */
static enum err_code run(struct db *db, struct db_result **out, struct err *err) {
    struct db_result *r = NULL;
    enum err_code code = db_flush(db, &r, 1, NULL, err);
    if (out != NULL && code == ERR_OK)
        *out = r;
    else
        db_results_free(&r, 1);
    return code;
}

enum err_code db_run(struct db *db, enum statement s, const char *const *params, struct db_result **out,
                     struct err *err) {
    db_queue(db, s, params);
    return run(db, out, err);
}

enum err_code db_run_text(struct db *db, const char *sql, int nparams, const char *const *params,
                          struct db_result **out, struct err *err) {
    db_queue_text(db, sql, nparams, params);
    return run(db, out, err);
}

enum err_code db_ping(struct db *db, struct err *err) {
    return db_run(db, SQL_CONNECTION_PING, NULL, NULL, err);
}

enum err_code db_script(struct db *db, const char *sql, struct err *err) {
    if (db_connect(db, err) != ERR_OK)
        return err->code;
    if (!PQexitPipelineMode(db->conn))
        return db_lost(db, err);
    PQsetnonblocking(db->conn, 0);
    PGresult *r = PQexec(db->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    enum err_code code = ERR_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        code = db_refused(db, r, err);
    PQclear(r);
    if (code != ERR_OK && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
        PQclear(PQexec(db->conn, "ROLLBACK"));
    if (PQstatus(db->conn) != CONNECTION_OK || PQsetnonblocking(db->conn, 1) != 0 ||
        !PQenterPipelineMode(db->conn))
        db_disconnect(db);
    return code;
}
