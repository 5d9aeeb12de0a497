#include "sql/ask/idempotency.h"

#include "ops/runtime/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    const struct idempotency *x = *(struct idempotency *const *)a, *y = *(struct idempotency *const *)b;
    int c = strcmp(x->workspace, y->workspace);
    if (c == 0)
        c = strcmp(x->principal, y->principal);
    return c != 0 ? c : strcmp(x->key, y->key);
}

/* In one order, so that two instances never wait for each other in a circle. */
static struct idempotency **in_order(struct idempotency *const *list, size_t n) {
    struct idempotency **sorted = xmalloc((n + 1) * sizeof *sorted);
    memcpy(sorted, list, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return sorted;
}

static const char *hex(const unsigned char *bytes, char out[2 * FINGERPRINT_SIZE + 3]) {
    strcpy(out, "\\x");
    for (size_t i = 0; i < FINGERPRINT_SIZE; i++)
        snprintf(out + 2 + 2 * i, 3, "%02x", bytes[i]);
    return out;
}

static void send_claim(struct db *db, const struct idempotency *i) {
    char fingerprint[2 * FINGERPRINT_SIZE + 3], stale[16];
    snprintf(stale, sizeof stale, "%d", i->stale_s);
    const char *params[] = {i->workspace, i->principal, i->key, hex(i->fingerprint, fingerprint),
                            i->txn.s,     stale};
    db_queue(db, SQL_IDEMPOTENCY_CLAIM, params);
}

static void take_answer(struct idempotency *i, const struct db_result *r, int col) {
    i->status = (int)db_int(r, 0, col);
    i->headers = arena_strdup(i->arena, db_text(r, 0, col + 1));
    i->content = arena_strdup(i->arena, db_text(r, 0, col + 2));
}

static void take_claim(struct idempotency *i, const struct db_result *r) {
    static const char *const verdicts[] = {"fresh", "again", "running", "answered", "other"};
    const char *text = db_text(r, 0, 0);
    i->verdict = IDEMPOTENCY_RUNNING;
    for (size_t k = 0; k < sizeof verdicts / sizeof *verdicts; k++)
        if (strcmp(text, verdicts[k]) == 0)
            i->verdict = (enum idempotency_verdict)k;
    if (i->verdict == IDEMPOTENCY_AGAIN || i->verdict == IDEMPOTENCY_ANSWERED)
        (void)uuid_parse(db_text(r, 0, 1), &i->txn);
    if (i->verdict == IDEMPOTENCY_ANSWERED)
        take_answer(i, r, 2);
}

enum err_code idempotency_claim(struct db *db, struct idempotency *const *list, size_t n, struct err *err) {
    struct idempotency **sorted = in_order(list, n);
    struct db_result **results = xcalloc(n + 1, sizeof *results);
    for (size_t i = 0; i < n; i++)
        send_claim(db, sorted[i]);
    enum err_code code = db_flush(db, results, n, NULL, err);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        take_claim(sorted[i], results[i]);
    db_results_free(results, n);
    free(results);
    free(sorted);
    return code;
}

enum err_code idempotency_store(struct db *db, struct idempotency *const *list, size_t n, struct err *err) {
    struct idempotency **sorted = in_order(list, n);
    struct db_result **results = xcalloc(n + 1, sizeof *results);
    for (size_t k = 0; k < n; k++) {
        const struct idempotency *i = sorted[k];
        char status[16];
        snprintf(status, sizeof status, "%d", i->status);
        const char *params[] = {i->workspace, i->principal, i->key, i->txn.s, i->status != 0 ? status : NULL,
                                i->headers,   i->content};
        db_queue(db, SQL_IDEMPOTENCY_STORE, params);
    }
    enum err_code code = db_flush(db, results, n, NULL, err);
    for (size_t k = 0; code == ERR_OK && k < n; k++) {
        if (db_is_null(results[k], 0, 0))
            continue;
        sorted[k]->verdict = IDEMPOTENCY_ANSWERED;
        take_answer(sorted[k], results[k], 0);
    }
    db_results_free(results, n);
    free(results);
    free(sorted);
    return code;
}

enum err_code idempotency_prune(struct db *db, struct err *err) {
    return db_run(db, SQL_IDEMPOTENCY_PRUNE, NULL, NULL, err);
}
