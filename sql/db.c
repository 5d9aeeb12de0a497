#include "sql/db.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that says nothing for this long is given up: the connection is closed, the outcome of what was
 * sent is unknown. */
#define DB_SILENCE_MS 15000
#define REPLAN_FIRST 8
#define REPLAN_US (10 * INT64_C(1000000))
#define DB_STATEMENTS_MAX 160
#define DB_TEXTS_MAX 96 /* of them, made at run time */

struct statement {
    const char *sql; /* identity: the pointer, or the text where it is a copy */
    char *copy;
    bool prepared;
};

struct pending {  /* one queued libpq query */
    int prepares; /* index of the statement that it prepares; -1: it is the caller's */
};

struct db {
    char *uri;
    char *app;
    char *options;
    PGconn *conn;
    unsigned generation;
    struct statement statements[DB_STATEMENTS_MAX];
    int nstatements, ntexts;
    struct pending *queue;
    size_t nqueue, cap;
    size_t ncaller; /* of the queued ones, the caller's */
    bool broken;    /* a send failed: flush reports it */
    int64_t retry_at_us;
    unsigned flushes, replan_at; /* since it connected */
    int64_t replan_due_us;
};

struct db_result {
    PGresult *pg;
};

struct db *db_new(const char *uri, const char *app, const char *options) {
    struct db *db = xcalloc(1, sizeof *db);
    db->uri = xstrdup(uri);
    db->app = xstrdup(app);
    db->options = xstrdup(options ? options : "");
    db->replan_at = REPLAN_FIRST;
    return db;
}

static void disconnect(struct db *db) {
    if (db->conn)
        PQfinish(db->conn);
    db->conn = NULL;
    for (int i = 0; i < db->nstatements; i++)
        free(db->statements[i].copy);
    db->nstatements = db->ntexts = 0;
    db->nqueue = db->ncaller = 0;
    db->broken = false;
    db->flushes = 0;
    db->replan_at = REPLAN_FIRST;
}

void db_free(struct db *db) {
    if (!db)
        return;
    disconnect(db);
    free(db->uri);
    free(db->app);
    free(db->options);
    free(db->queue);
    free(db);
}

bool db_connected(const struct db *db) {
    return db->conn != NULL;
}

unsigned db_generation(const struct db *db) {
    return db->generation;
}

/* The library's message without its trailing newline, without line breaks. */
static void message(const char *from, char *out, size_t size) {
    snprintf(out, size, "%s", from ? from : "");
    for (char *p = out; *p; p++)
        if (*p == '\n')
            *p = p[1] ? ' ' : '\0';
}

/* Notices ("… already exists, skipping") are of no use to anybody. */
static void ignore_notice(void *arg, const PGresult *r) {
    (void)arg;
    (void)r;
}

enum err_code db_connect(struct db *db, struct err *err) {
    if (db->conn)
        return ERR_OK;
    if (clock_mono_us() < db->retry_at_us)
        return err_set(err, ERR_DB_LOST, "The database cannot be reached");
    char options[1024];
    /* Only ever short look-ups by key: a plan that scans or hashes a table is a wrong guess from empty
     * statistics, and it would be kept. */
    snprintf(options, sizeof options,
             "-c search_path=usher -c statement_timeout=10s -c lock_timeout=5s -c "
             "idle_in_transaction_session_timeout=10s "
             "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c "
             "plan_cache_mode=force_generic_plan -c jit=off %s%s",
             *db->options ? "-c " : "", db->options);
    const char *keys[] = {
        "dbname",           "application_name",     "fallback_application_name", "options", "connect_timeout",
        "tcp_user_timeout", "target_session_attrs", "client_encoding",           NULL};
    const char *values[] = {db->uri, db->app, "usher", options, "3", "10000", "read-write", "UTF8", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1) != 0 || !PQenterPipelineMode(conn)) {
        char text[256], quoted[300];
        message(PQerrorMessage(conn), text, sizeof text);
        PQfinish(conn);
        db->retry_at_us = clock_mono_us() + 100000;
        log_event(LOG_WARN, "db-connect-failed", "app=%s error=%s", db->app,
                  log_quote(text, quoted, sizeof quoted));
        return err_set(err, ERR_DB_LOST, "The database cannot be reached");
    }
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    db->conn = conn;
    db->replan_due_us = clock_mono_us() + REPLAN_US;
    db->generation++;
    return ERR_OK;
}

/* SQLSTATE -> what to do (pitfalls: retries). */
static enum err_code code_of(const char *sqlstate) {
    if (!sqlstate || !*sqlstate)
        return ERR_DB_LOST;
    if (!strcmp(sqlstate, "40001") || !strcmp(sqlstate, "40P01") || !strcmp(sqlstate, "55P03") ||
        !strcmp(sqlstate, "57014"))
        return ERR_DB_RETRY;
    if (!strncmp(sqlstate, "08", 2) || !strncmp(sqlstate, "57P", 3) || !strcmp(sqlstate, "25006") ||
        !strcmp(sqlstate, "25P03"))
        return ERR_DB_LOST;
    if (!strncmp(sqlstate, "53", 2))
        return ERR_DB_RETRY;
    if (!strncmp(sqlstate, "22", 2) || !strncmp(sqlstate, "23", 2))
        return ERR_DB_DATA;
    return ERR_DB_BUG;
}

static enum err_code lost(struct db *db, struct err *err) {
    char text[256], quoted[300];
    message(db->conn ? PQerrorMessage(db->conn) : "", text, sizeof text);
    log_event(LOG_WARN, "db-lost", "app=%s error=%s", db->app, log_quote(text, quoted, sizeof quoted));
    disconnect(db);
    return err_set(err, ERR_DB_LOST, "The database connection was lost");
}

static void enqueue(struct db *db, int prepares) {
    if (db->nqueue == db->cap) {
        db->cap = db->cap ? db->cap * 2 : 64;
        db->queue = xrealloc(db->queue, db->cap * sizeof *db->queue);
    }
    db->queue[db->nqueue++] = (struct pending){prepares};
    if (prepares < 0)
        db->ncaller++;
}

static int statement_add(struct db *db, const char *sql, char *copy) {
    db->statements[db->nstatements] = (struct statement){sql, copy, false};
    return db->nstatements++;
}

static int statement_index(struct db *db, const char *sql) {
    for (int i = 0; i < db->nstatements; i++)
        if (db->statements[i].sql == sql)
            return i;
    return db->nstatements < DB_STATEMENTS_MAX ? statement_add(db, sql, NULL) : -1;
}

static int text_index(struct db *db, const char *sql) {
    for (int i = 0; i < db->nstatements; i++)
        if (db->statements[i].copy && !strcmp(db->statements[i].copy, sql))
            return i;
    if (db->ntexts == DB_TEXTS_MAX || db->nstatements == DB_STATEMENTS_MAX)
        return -1;
    db->ntexts++;
    char *copy = xstrdup(sql);
    return statement_add(db, copy, copy);
}

static bool usable(struct db *db) {
    struct err ignored;
    if (!db->broken && db_connect(db, &ignored) != ERR_OK)
        db->broken = true;
    return !db->broken;
}

static void prepare(struct db *db, int i, const char *name) {
    if (db->statements[i].prepared)
        return;
    if (!PQsendPrepare(db->conn, name, db->statements[i].sql, 0, NULL))
        db->broken = true;
    enqueue(db, i);
    db->statements[i].prepared = true; /* taken back by the flush if it was not run */
}

/* i: the statement, -1 = run the text unprepared. */
static void send_statement(struct db *db, int i, const char *sql, int nparams, const char *const *params) {
    int sent;
    if (i < 0) {
        sent = PQsendQueryParams(db->conn, sql, nparams, NULL, params, NULL, NULL, 0);
    } else {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        prepare(db, i, name);
        sent = PQsendQueryPrepared(db->conn, name, nparams, params, NULL, NULL, 0);
    }
    if (!sent)
        db->broken = true;
}

void db_send(struct db *db, const char *sql, int nparams, const char *const *params) {
    if (usable(db))
        send_statement(db, statement_index(db, sql), sql, nparams, params);
    enqueue(db, -1);
}

void db_send_text(struct db *db, const char *sql, int nparams, const char *const *params) {
    if (usable(db))
        send_statement(db, text_index(db, sql), sql, nparams, params);
    enqueue(db, -1);
}

/* Sends what is buffered and waits until a result can be taken without blocking. */
static bool await_result(struct db *db) {
    for (;;) {
        int unsent = PQflush(db->conn);
        if (unsent < 0)
            return false;
        if (!PQisBusy(db->conn))
            return true;
        struct pollfd fd = {PQsocket(db->conn), (short)(POLLIN | (unsent ? POLLOUT : 0)), 0};
        int n = poll(&fd, 1, DB_SILENCE_MS);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        if (n > 0 && (fd.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(db->conn))
            return false;
    }
}

static PGresult *next_result(struct db *db) {
    return await_result(db) ? PQgetResult(db->conn) : NULL;
}

/* Takes the result of one queued query and the NULL that follows it. */
static bool take_one(struct db *db, PGresult **out) {
    *out = next_result(db);
    if (!*out)
        return false;
    if (!await_result(db))
        return false;
    PGresult *end = PQgetResult(db->conn);
    if (end) { /* cannot be: one statement, one result */
        PQclear(end);
        return false;
    }
    return true;
}

static bool take_sync(struct db *db) {
    PGresult *r = next_result(db);
    bool ok = r && PQresultStatus(r) == PGRES_PIPELINE_SYNC;
    PQclear(r);
    return ok;
}

static enum err_code refused(struct db *db, const PGresult *r, struct err *err) {
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    enum err_code code = code_of(state);
    char text[256], quoted[300];
    message(primary, text, sizeof text);
    log_event(code == ERR_DB_BUG ? LOG_ERROR : LOG_WARN, "db-refused", "app=%s sqlstate=%s error=%s", db->app,
              state ? state : "-", log_quote(text, quoted, sizeof quoted));
    return err_set(err, code, "%s", text);
}

/* The plans of prepared statements stay as they are made, and one made while a table was empty may read the
 * whole of it through the wrong index: to the planner all ways were equal. It looks at the tables' size when
 * it plans, so planning anew as they grow sets it right: after so many flushes, and after some time, because
 * it may be others who fill the tables. A few ms each time. */
static void replan(struct db *db) {
    PGresult *r = NULL;
    db->replan_at = db->flushes + (db->flushes < 256 ? db->flushes * 3 : 256);
    db->replan_due_us = clock_mono_us() + REPLAN_US;
    bool ok = PQsendQueryParams(db->conn, "DISCARD PLANS", 0, NULL, NULL, NULL, NULL, 0) &&
              PQpipelineSync(db->conn) && take_one(db, &r) && take_sync(db);
    PQclear(r);
    if (!ok)
        disconnect(db);
}

enum err_code db_flush(struct db *db, struct db_result **results, size_t n, size_t *failed, struct err *err) {
    enum err_code code = ERR_OK;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        results[i] = NULL;
    if (failed)
        *failed = n;
    if (db->broken || !db->conn || !PQpipelineSync(db->conn)) {
        db->retry_at_us = db->conn ? 0 : db->retry_at_us;
        return lost(db, err);
    }
    for (size_t i = 0; i < db->nqueue; i++) {
        PGresult *r;
        if (!take_one(db, &r)) {
            PQclear(r);
            db_results_free(results, n);
            return lost(db, err);
        }
        ExecStatusType status = PQresultStatus(r);
        bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        int prepares = db->queue[i].prepares;
        if (!ok && status != PGRES_PIPELINE_ABORTED && code == ERR_OK) {
            code = refused(db, r, err);
            if (failed)
                *failed = at;
        }
        if (prepares >= 0 && !ok)
            db->statements[prepares].prepared = false;
        if (prepares >= 0 || at >= n || !ok) {
            PQclear(r);
        } else {
            results[at] = xcalloc(1, sizeof **results);
            results[at]->pg = r;
        }
        if (prepares < 0)
            at++;
    }
    db->nqueue = db->ncaller = 0;
    if (!take_sync(db)) {
        db_results_free(results, n);
        return lost(db, err);
    }
    if (code != ERR_OK) {
        db_results_free(results, n);
        if (code == ERR_DB_LOST)
            disconnect(db);
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
    if (!db->conn || PQtransactionStatus(db->conn) == PQTRANS_IDLE)
        return;
    PGresult *r = NULL;
    db->nqueue = db->ncaller = 0;
    bool ok = PQsendQueryParams(db->conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0) &&
              PQpipelineSync(db->conn) && take_one(db, &r) && take_sync(db);
    PQclear(r);
    if (!ok)
        disconnect(db);
}

void db_results_free(struct db_result **results, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (results[i]) {
            PQclear(results[i]->pg);
            free(results[i]);
        }
        results[i] = NULL;
    }
}

enum err_code db_run(struct db *db, const char *sql, int nparams, const char *const *params,
                     struct db_result **out, struct err *err) {
    struct db_result *r = NULL;
    db_send(db, sql, nparams, params);
    enum err_code code = db_flush(db, &r, 1, NULL, err);
    if (out && code == ERR_OK)
        *out = r;
    else
        db_results_free(&r, 1);
    return code;
}

enum err_code db_script(struct db *db, const char *sql, struct err *err) {
    if (db_connect(db, err) != ERR_OK)
        return err->code;
    if (!PQexitPipelineMode(db->conn))
        return lost(db, err);
    PQsetnonblocking(db->conn, 0);
    PGresult *r = PQexec(db->conn, sql);
    ExecStatusType status = PQresultStatus(r);
    enum err_code code = ERR_OK;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        code = refused(db, r, err);
    PQclear(r);
    if (code != ERR_OK && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
        PQclear(PQexec(db->conn, "ROLLBACK"));
    if (PQstatus(db->conn) != CONNECTION_OK || PQsetnonblocking(db->conn, 1) != 0 ||
        !PQenterPipelineMode(db->conn))
        disconnect(db);
    return code;
}

size_t db_rows(const struct db_result *r) {
    return (size_t)PQntuples(r->pg);
}

const char *db_text(const struct db_result *r, size_t row, int col) {
    return PQgetvalue(r->pg, (int)row, col);
}

bool db_is_null(const struct db_result *r, size_t row, int col) {
    return PQgetisnull(r->pg, (int)row, col);
}

int64_t db_int(const struct db_result *r, size_t row, int col) {
    return strtoll(PQgetvalue(r->pg, (int)row, col), NULL, 10);
}

bool db_bool(const struct db_result *r, size_t row, int col) {
    return PQgetvalue(r->pg, (int)row, col)[0] == 't';
}

size_t db_affected(const struct db_result *r) {
    return (size_t)strtoull(PQcmdTuples(r->pg), NULL, 10);
}
