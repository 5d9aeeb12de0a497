#include "sql/ask/sight.h"

#include <stdio.h>

#define STRING(x) #x
#define TEXT(x) STRING(x)

enum err_code sight_seats(struct db *db, int most, struct arena *a, struct sight_seats *out,
                          struct err *err) {
    char most_text[16];
    const char *params[] = {TEXT(SIGHT_FULL_PERCENT), most_text};
    struct db_result *r = NULL;
    snprintf(most_text, sizeof most_text, "%d", most);
    if (db_run(db, SQL_SIGHT_SEATS, params, &r, err) != ERR_OK)
        return err->code;
    *out = (struct sight_seats){.used = db_int(r, 0, 0), .limit = db_int(r, 0, 1), .full = db_int(r, 0, 2)};
    out->n = db_is_null(r, 0, 3) ? 0 : db_rows(r);
    out->fullest = arena_alloc(a, (out->n + 1) * sizeof *out->fullest);
    for (size_t i = 0; i < out->n; i++)
        out->fullest[i] = (struct sight_workspace){.id = arena_strdup(a, db_text(r, i, 3)),
                                                   .name = arena_strdup(a, db_text(r, i, 4)),
                                                   .used = db_int(r, i, 5),
                                                   .limit = db_int(r, i, 6)};
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code sight_credentials(struct db *db, struct arena *a, struct sight_credentials out[SIGHT_KINDS],
                                struct err *err) {
    const char *params[] = {TEXT(SIGHT_EXPIRY_DAYS)};
    struct db_result *r = NULL;
    if (db_run(db, SQL_SIGHT_CREDENTIALS, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < SIGHT_KINDS; i++)
        out[i] = (struct sight_credentials){.many = db_int(r, i, 1),
                                            .soonest_us = db_int(r, i, 2),
                                            .workspace = arena_strdup(a, db_text(r, i, 3)),
                                            .name = arena_strdup(a, db_text(r, i, 4))};
    db_results_free(&r, 1);
    return ERR_OK;
}
