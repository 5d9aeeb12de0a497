#include "sql/ask/stalled.h"

#include "ops/runtime/log.h"

/* As idle_in_transaction_session_timeout, which does not see them. */
#define BETWEEN_SECONDS "10"
#define UNTAKEN_SECONDS "75" /* the largest commands have 60 */

enum err_code stalled_end(struct db *db, struct err *err) {
    char quoted[200];
    const char *params[] = {BETWEEN_SECONDS, UNTAKEN_SECONDS};
    struct db_result *r;
    if (db_run(db, SQL_STALLED_END, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r); i++)
        log_event(LOG_WARN, "stalled-session-ended", "app=%s",
                  log_quote(db_text(r, i, 0), quoted, sizeof quoted));
    db_results_free(&r, 1);
    return ERR_OK;
}
