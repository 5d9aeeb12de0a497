#include "sql/statistics.h"

enum err_code statistics_refresh(struct db *db, int64_t *done, struct err *err) {
    struct db_result *r;
    if (db_run(db, "SELECT statistics_refresh()", 0, NULL, &r, err) != ERR_OK)
        return err->code;
    *done = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
