#include "sql/ask/slots.h"

#include <stdio.h>

enum err_code slots_try(struct db *db, int lock_class, int slot, bool *taken, struct err *err) {
    char class_text[16], slot_text[16];
    snprintf(class_text, sizeof class_text, "%d", lock_class);
    snprintf(slot_text, sizeof slot_text, "%d", slot);
    const char *params[] = {class_text, slot_text};
    struct db_result *r;
    enum err_code code = db_run(db, SQL_SLOTS_TRY, params, &r, err);
    if (code != ERR_OK)
        return code;
    *taken = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code slots_take(struct db *db, int lock_class, int max, int *slot, struct err *err) {
    bool taken = false;
    for (*slot = 0; *slot < max; (*slot)++) {
        enum err_code code = slots_try(db, lock_class, *slot, &taken, err);
        if (code != ERR_OK || taken)
            return code;
    }
    *slot = -1;
    return ERR_OK;
}

enum err_code slots_release(struct db *db, int lock_class, int slot, struct err *err) {
    char class_text[16], slot_text[16];
    snprintf(class_text, sizeof class_text, "%d", lock_class);
    snprintf(slot_text, sizeof slot_text, "%d", slot);
    const char *params[] = {class_text, slot_text};
    return db_run(db, SQL_SLOTS_RELEASE, params, NULL, err);
}

enum err_code slots_mark(struct db *db, int slot, bool dirty, struct err *err) {
    char slot_text[16];
    snprintf(slot_text, sizeof slot_text, "%d", slot);
    const char *params[] = {slot_text, dirty ? "t" : "f"};
    return db_run(db, SQL_SLOTS_MARK, params, NULL, err);
}

enum err_code slots_dirty(struct db *db, int own, int *slots, size_t max, size_t *n, struct err *err) {
    char own_text[16];
    snprintf(own_text, sizeof own_text, "%d", own);
    const char *params[] = {own_text};
    struct db_result *r;
    *n = 0;
    enum err_code code = db_run(db, SQL_SLOTS_DIRTY, params, &r, err);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < db_rows(r) && *n < max; i++)
        slots[(*n)++] = (int)db_int(r, i, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code slots_dead(struct db *db, int lock_class, int64_t *n, struct err *err) {
    char class_text[16];
    snprintf(class_text, sizeof class_text, "%d", lock_class);
    const char *params[] = {class_text};
    struct db_result *r;
    if (db_run(db, SQL_SLOTS_DEAD, params, &r, err) != ERR_OK)
        return err->code;
    *n = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
