/* What PostgreSQL refuses, and what that asks for. */
#include "ops/runtime/clock.h"
#include "ops/runtime/log.h"
#include "sql/db_impl.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TELL_AGAIN_US (60 * INT64_C(1000000))
#define DISK_FULL "53100"

static atomic_llong full_us;

int64_t db_full_us(void) {
    return atomic_load(&full_us);
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

enum err_code db_lost(struct db *db, struct err *err) {
    char text[256], quoted[300];
    if (db->conn == NULL) { /* there was none; db_connect has told why, once */
        db_disconnect(db);
        return db_not_reached(db, err);
    }
    db_message(PQerrorMessage(db->conn), text, sizeof text);
    log_event(LOG_WARN, "db-lost", "app=%s error=%s", db->app, log_quote(text, quoted, sizeof quoted));
    db_disconnect(db);
    return err_set(err, ERR_DB_LOST, "The database connection was lost");
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

enum err_code db_refused(struct db *db, const PGresult *r, struct err *err) {
    const char *field = PQresultErrorField(r, PG_DIAG_SQLSTATE), *state = field != NULL ? field : "-";
    enum err_code code = code_of(field);
    if (strcmp(state, DISK_FULL) == 0)
        atomic_store(&full_us, clock_mono_us());
    char text[256], quoted[300];
    db_message(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), text, sizeof text);
    bool meant = code == ERR_DB_SLOW && db->cancel_at_us != 0;
    enum log_level level = code == ERR_DB_SYSTEM ? LOG_ERROR : LOG_WARN;
    log_event(meant || !refusal_is_news(db, state, text) ? LOG_DEBUG : level, "db-refused",
              "app=%s sqlstate=%s error=%s", db->app, state, log_quote(text, quoted, sizeof quoted));
    return err_set(err, code, "%s", text);
}
