#include "sql/db.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <assert.h>
#include <errno.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that says nothing for this long is given up: the connection is closed, the outcome of what was
 * sent is unknown. */
#define DB_SILENCE_MS 15000
/* A cancellation that PostgreSQL did not take is tried again after this. */
#define DB_CONNECT_S 3
#define DB_CANCEL_AGAIN_US INT64_C(1000000)
#define TELL_AGAIN_US (60 * INT64_C(1000000))
#define REPLAN_FIRST 8
#define REPLAN_MOST 65536
#define REPLAN_US (10 * INT64_C(1000000))
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

struct db *db_new(const char *uri, const char *app, const char *options) {
    struct db *db = xcalloc(1, sizeof *db);
    db->uri = xstrdup(uri);
    db->app = xstrdup(app);
    db->options = xstrdup(options != NULL ? options : "");
    db->replan_at = REPLAN_FIRST;
    db->silence_ms = DB_SILENCE_MS;
    db->connect_s = DB_CONNECT_S;
    return db;
}

static void disconnect(struct db *db) {
    if (db->conn != NULL)
        PQfinish(db->conn);
    db->conn = NULL;
    memset(db->prepared, 0, sizeof db->prepared);
    for (int i = 0; i < db->ntexts; i++)
        free(db->texts[i].sql);
    db->ntexts = 0;
    db->nqueue = 0;
    db->broken = false;
    db->flushes = 0;
    db->replan_at = REPLAN_FIRST;
    db->silence_ms = DB_SILENCE_MS;
}

void db_free(struct db *db) {
    if (db == NULL)
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
    snprintf(out, size, "%s", from != NULL ? from : "");
    for (char *p = out; *p != '\0'; p++)
        if (*p == '\n')
            *p = p[1] != '\0' ? ' ' : '\0';
}

/* Notices ("… already exists, skipping") are of no use to anybody. */
static void ignore_notice(void *arg, const PGresult *r) {
    (void)arg;
    (void)r;
}

static enum err_code not_reached(const struct db *db, struct err *err) {
    if (db->says_why && db->why[0] != '\0')
        return err_set(err, ERR_DB_LOST, "The database cannot be reached: %s", db->why);
    return err_set(err, ERR_DB_LOST, "The database cannot be reached");
}

enum err_code db_connect(struct db *db, struct err *err) {
    if (db->conn != NULL)
        return ERR_OK;
    if (clock_mono_us() < db->retry_at_us)
        return not_reached(db, err);
    char options[1024];
    /* Only ever short look-ups by key: a plan that scans or hashes a table is a wrong guess from empty
     * statistics, and it would be kept. */
    snprintf(options, sizeof options,
             "-c search_path=usher -c statement_timeout=10s -c lock_timeout=5s -c "
             "idle_in_transaction_session_timeout=10s "
             "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c "
             "plan_cache_mode=force_generic_plan -c jit=off %s%s",
             db->options[0] != '\0' ? "-c " : "", db->options);
    char connect_s[16];
    snprintf(connect_s, sizeof connect_s, "%d", db->connect_s);
    const char *keys[] = {
        "dbname",           "application_name",     "fallback_application_name", "options", "connect_timeout",
        "tcp_user_timeout", "target_session_attrs", "client_encoding",           NULL};
    const char *values[] = {db->uri, db->app,      "usher", options, connect_s,
                            "10000", "read-write", "UTF8",  NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1) != 0 || !PQenterPipelineMode(conn)) {
        char quoted[400];
        message(PQerrorMessage(conn), db->why, sizeof db->why);
        PQfinish(conn);
        db->retry_at_us = clock_mono_us() + 100000;
        if (!db->unreachable)
            log_event(LOG_WARN, "db-connect-failed", "app=%s error=%s", db->app,
                      log_quote(db->why, quoted, sizeof quoted));
        db->unreachable = true;
        return not_reached(db, err);
    }
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    db->conn = conn;
    db->replan_due_us = clock_mono_us() + REPLAN_US;
    db->generation++;
    if (db->unreachable)
        log_event(LOG_INFO, "db-connected", "app=%s", db->app);
    db->unreachable = false;
    return ERR_OK;
}

void db_say_why(struct db *db) {
    db->says_why = true;
}

void db_connect_within(struct db *db, int seconds) {
    db->connect_s = seconds;
}

enum err_code db_set_patience(struct db *db, int ms, struct err *err) {
    char text[32];
    const char *params[] = {text};
    snprintf(text, sizeof text, "%d", ms);
    enum err_code code = db_run(db, SQL_CONNECTION_SET_PATIENCE, params, NULL, err);
    if (code == ERR_OK)
        db->silence_ms = ms + DB_SILENCE_MS - DB_PATIENCE_MS;
    return code;
}

/* What an SQLSTATE asks for, by its beginning. Only what a value can be the cause of is said of a value.
 * Whatever is not named here is the system's: a missing column, a right, a full disk, a table that is broken.
 */
static const struct {
    const char *beginning;
    enum err_code code;
} states[] = {
    {"40001", ERR_DB_RETRY}, /* not serializable */
    {"40P01", ERR_DB_RETRY}, /* deadlock */
    {"55P03", ERR_DB_RETRY}, /* a lock that did not come in time */
    {"57014", ERR_DB_SLOW},  /* cancelled, or out of time */
    {"08", ERR_DB_LOST},     /* the connection */
    {"57P", ERR_DB_LOST},    /* the server is going down, or coming up */
    {"25006", ERR_DB_LOST},  /* it became a stand-by, which only reads */
    {"25P03", ERR_DB_LOST},  /* it ended a transaction that stood still */
    {"0A000", ERR_DB_LOST},  /* plans of this connection are no good any more: another one makes new ones */
    {"26000", ERR_DB_LOST},  /* … or are gone */
    {"UF001", ERR_DB_FENCED}, {"22", ERR_DB_DATA}, /* values */
    {"23", ERR_DB_DATA},                           /* constraints */
    {"54", ERR_DB_DATA},                           /* too large for a row or an index */
};

static enum err_code code_of(const char *sqlstate) {
    if (sqlstate == NULL || sqlstate[0] == '\0')
        return ERR_DB_LOST;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strncmp(sqlstate, states[i].beginning, strlen(states[i].beginning)) == 0)
            return states[i].code;
    return ERR_DB_SYSTEM;
}

static enum err_code lost(struct db *db, struct err *err) {
    char text[256], quoted[300];
    if (db->conn == NULL) { /* there was none; db_connect has told why, once */
        disconnect(db);
        return not_reached(db, err);
    }
    message(PQerrorMessage(db->conn), text, sizeof text);
    log_event(LOG_WARN, "db-lost", "app=%s error=%s", db->app, log_quote(text, quoted, sizeof quoted));
    disconnect(db);
    return err_set(err, ERR_DB_LOST, "The database connection was lost");
}

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
    message(PQcancelErrorMessage(cancel), why, size);
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

/* What is tried again and again, and refused for the same reason, is told once a minute. */
static bool refusal_is_news(struct db *db, const char *state, const char *text) {
    char refusal[sizeof db->refusal];
    int64_t now_us = clock_mono_us();
    snprintf(refusal, sizeof refusal, "%s %s", state, text);
    if (strcmp(refusal, db->refusal) == 0 && now_us < db->refusal_us + TELL_AGAIN_US)
        return false;
    memcpy(db->refusal, refusal, sizeof refusal);
    db->refusal_us = now_us;
    return true;
}

static enum err_code refused(struct db *db, const PGresult *r, struct err *err) {
    const char *field = PQresultErrorField(r, PG_DIAG_SQLSTATE), *state = field != NULL ? field : "-";
    enum err_code code = code_of(field);
    char text[256], quoted[300];
    message(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), text, sizeof text);
    bool meant = code == ERR_DB_SLOW && db->cancel_at_us != 0;
    enum log_level level = code == ERR_DB_SYSTEM ? LOG_ERROR : LOG_WARN;
    log_event(meant || !refusal_is_news(db, state, text) ? LOG_DEBUG : level, "db-refused",
              "app=%s sqlstate=%s error=%s", db->app, state, log_quote(text, quoted, sizeof quoted));
    return err_set(err, code, "%s", text);
}

/* The plans of prepared statements stay as they are made, and one made while a table was empty may read the
 * whole of it through the wrong index: to the planner all ways were equal. It looks at the tables' size when
 * it plans, so planning anew as they grow sets it right: each time after four times as many flushes, and
 * after some time, because it may be others who fill the tables. A few ms each time. */
static void replan(struct db *db) {
    PGresult *r = NULL;
    db->replan_at = db->flushes + (db->flushes < REPLAN_MOST ? db->flushes * 3 : REPLAN_MOST);
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
    if (failed != NULL)
        *failed = n;
    db->cancel_at_us = 0;
    if (db->broken || db->conn == NULL || !PQpipelineSync(db->conn)) {
        db->retry_at_us = db->conn != NULL ? 0 : db->retry_at_us;
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
        bool *prepares = db->queue[i].prepares;
        if (!ok && status != PGRES_PIPELINE_ABORTED && code == ERR_OK) {
            code = refused(db, r, err);
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
        return lost(db, err);
    }
    if (code != ERR_OK) {
        db_results_free(results, n);
        if (code == ERR_DB_LOST || code == ERR_DB_SYSTEM) /* and the plans with it */
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
    if (db->conn == NULL || PQtransactionStatus(db->conn) == PQTRANS_IDLE)
        return;
    PGresult *r = NULL;
    db->nqueue = 0;
    bool ok = PQsendQueryParams(db->conn, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0) &&
              PQpipelineSync(db->conn) && take_one(db, &r) && take_sync(db);
    PQclear(r);
    if (!ok)
        disconnect(db);
}

void db_results_free(struct db_result **results, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (results[i] != NULL) {
            PQclear(results[i]->pg);
            free(results[i]);
        }
        results[i] = NULL;
    }
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

char *db_bytes(const struct db_result *r, size_t row, int col, size_t *n) {
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(r->pg, (int)row, col), n);
    char *copy = xmalloc(*n + 1);
    if (bytes == NULL)
        abort();
    memcpy(copy, bytes, *n);
    PQfreemem(bytes);
    return copy;
}

size_t db_affected(const struct db_result *r) {
    return (size_t)strtoull(PQcmdTuples(r->pg), NULL, 10);
}
