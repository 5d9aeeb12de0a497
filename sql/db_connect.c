/* How a connection is opened, and closed. */
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/db_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that says nothing for this long is given up: the connection is closed, the outcome of what was
 * sent is unknown. */
#define DB_SILENCE_MS 15000
#define DB_CONNECT_S 3

struct db *db_new(const char *uri, const char *app, const char *options) {
    struct db *db = xcalloc(1, sizeof *db);
    db->uri = xstrdup(uri);
    db->app = xstrdup(app);
    db->options = xstrdup(options != NULL ? options : "");
    db->replan_at = DB_REPLAN_FIRST;
    db->silence_ms = DB_SILENCE_MS;
    db->connect_s = DB_CONNECT_S;
    return db;
}

void db_disconnect(struct db *db) {
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
    db->replan_at = DB_REPLAN_FIRST;
    db->silence_ms = DB_SILENCE_MS;
}

void db_free(struct db *db) {
    if (db == NULL)
        return;
    db_disconnect(db);
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

void db_message(const char *from, char *out, size_t size) {
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

enum err_code db_not_reached(const struct db *db, struct err *err) {
    if (db->says_why && db->why[0] != '\0')
        return err_set(err, ERR_DB_LOST, "The database cannot be reached: %s", db->why);
    return err_set(err, ERR_DB_LOST, "The database cannot be reached");
}

enum err_code db_connect(struct db *db, struct err *err) {
    if (db->conn != NULL)
        return ERR_OK;
    if (clock_mono_us() < db->retry_at_us)
        return db_not_reached(db, err);
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
        db_message(PQerrorMessage(conn), db->why, sizeof db->why);
        PQfinish(conn);
        db->retry_at_us = clock_mono_us() + 100000;
        if (!db->unreachable)
            log_event(LOG_WARN, "db-connect-failed", "app=%s error=%s", db->app,
                      log_quote(db->why, quoted, sizeof quoted));
        db->unreachable = true;
        return db_not_reached(db, err);
    }
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    db->conn = conn;
    db->replan_due_us = clock_mono_us() + DB_REPLAN_US;
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
