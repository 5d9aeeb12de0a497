#include "sql/ask/delivery.h"

#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/mem.h"
#include "sql/pg_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER 24 /* characters of one, and a NUL */
#define COLUMNS 10

static const char *number_text(char out[NUMBER], int64_t v) {
    snprintf(out, NUMBER, "%" PRId64, v);
    return out;
}

/* Arrays of a statement's parameters, column by column. */
struct columns {
    struct jbuf c[COLUMNS];
    int n;
};

static void columns_begin(struct columns *k, int n) {
    *k = (struct columns){.n = n};
    for (int i = 0; i < n; i++)
        pg_array_begin(&k->c[i]);
}

static void columns_end(struct columns *k, const char **params) {
    for (int i = 0; i < k->n; i++) {
        pg_array_end(&k->c[i]);
        params[i] = k->c[i].p;
    }
}

static void columns_free(struct columns *k) {
    for (int i = 0; i < k->n; i++)
        jb_free(&k->c[i]);
}

/* ---- places ---- */

static void put_places(struct columns *k, const struct delivery_place *places, size_t n) {
    for (size_t i = 0; i < n; i++) {
        pg_array_text(&k->c[0], places[i].topic);
        pg_array_int(&k->c[1], places[i].partition);
    }
}

enum err_code delivery_places(struct db *db, struct delivery_place *places, size_t n, struct err *err) {
    struct db_result **results = xcalloc(n + 1, sizeof *results);
    struct columns k;
    const char *params[2];
    char partition[NUMBER], next[NUMBER];
    for (size_t i = 0; i < n; i++) {
        const char *row[] = {places[i].topic, number_text(partition, places[i].partition),
                             number_text(next, places[i].next)};
        db_queue(db, SQL_DELIVERY_BEGIN_PARTITION, row);
    }
    columns_begin(&k, 2);
    put_places(&k, places, n);
    columns_end(&k, params);
    db_queue(db, SQL_DELIVERY_PLACES, params);
    enum err_code code = db_flush(db, results, n + 1, NULL, err);
    columns_free(&k);
    if (code == ERR_OK && db_rows(results[n]) != n)
        code = err_set(err, ERR_DB_BUG, "%zu of %zu places are known", db_rows(results[n]), n);
    for (size_t i = 0; code == ERR_OK && i < n; i++)
        places[i].next = db_int(results[n], i, 1);
    db_results_free(results, n + 1);
    free(results);
    return code;
}

enum err_code delivery_begin_again(struct db *db, const struct delivery_place *was, int64_t next,
                                   struct err *err) {
    char texts[3][NUMBER];
    const char *params[] = {was->topic, number_text(texts[0], was->partition),
                            number_text(texts[1], was->next), number_text(texts[2], next)};
    return db_run(db, SQL_DELIVERY_BEGIN_AGAIN, params, NULL, err);
}

/* ---- taking ---- */

static void list_workspaces(const struct delivery_record *records, size_t n, struct jbuf *list) {
    pg_array_begin(list);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(records[i].workspace, records[i - 1].workspace) != 0)
            pg_array_word(list, records[i].workspace);
    pg_array_end(list);
}

static void queue_workspaces(struct db *db, const struct delivery_record *records, size_t n) {
    struct jbuf list = {0};
    list_workspaces(records, n, &list);
    const char *params[] = {list.p};
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, params);
    jb_free(&list);
}

enum err_code delivery_wanted(struct db *db, const struct delivery_record *records, size_t n, bool *wanted,
                              struct err *err) {
    enum { BEGUN, SEES, WANTED, DONE, ALL };
    struct db_result *results[ALL] = {NULL};
    struct jbuf list = {0};
    list_workspaces(records, n, &list);
    const char *params[] = {list.p};
    db_queue(db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, params);
    db_queue(db, SQL_DELIVERY_WANTED, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, ALL, NULL, err);
    jb_free(&list);
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        wanted[i] = false;
        for (size_t row = 0; row < db_rows(results[WANTED]) && !wanted[i]; row++)
            wanted[i] = strcmp(records[i].workspace, db_text(results[WANTED], row, 0)) == 0;
    }
    db_results_free(results, ALL);
    return code;
}

/* Begins the transaction. ERR_DB_FENCED: the places are not where they were. */
static enum err_code lock_places(struct db *db, const struct delivery_place *places, size_t n,
                                 const struct delivery_record *records, size_t nrecords, struct err *err) {
    enum { BEGUN, SEES, LOCKED, ALL };
    struct db_result *results[ALL] = {NULL};
    struct columns k;
    const char *params[2];
    columns_begin(&k, 2);
    put_places(&k, places, n);
    columns_end(&k, params);
    db_queue(db, SQL_CONNECTION_BEGIN, NULL);
    queue_workspaces(db, records, nrecords);
    db_queue(db, SQL_DELIVERY_LOCK, params);
    enum err_code code = db_flush(db, results, ALL, NULL, err);
    columns_free(&k);
    if (code != ERR_OK)
        return code;
    bool same = db_rows(results[LOCKED]) == n;
    for (size_t i = 0; same && i < n; i++) {
        int64_t nth = db_int(results[LOCKED], i, 0);
        same = nth >= 1 && (size_t)nth <= n && places[nth - 1].next == db_int(results[LOCKED], i, 1);
    }
    db_results_free(results, ALL);
    if (same)
        return ERR_OK;
    db_rollback(db);
    return err_set(err, ERR_DB_FENCED, "another worker has gone on from here");
}

enum err_code delivery_take(struct db *db, const struct delivery_place *places, const int64_t *to,
                            size_t nplaces, const struct delivery_record *records, size_t n,
                            void (*touched)(const char *workspace, void *ctx), void *ctx, struct err *err) {
    enum { TAKEN, MOVED, DONE, ALL };
    struct db_result *results[ALL] = {NULL};
    struct columns given, moved;
    const char *params[7];
    if (lock_places(db, places, nplaces, records, n, err) != ERR_OK)
        return err->code;
    columns_begin(&given, 7);
    for (size_t i = 0; i < n; i++) {
        pg_array_word(&given.c[0], records[i].workspace);
        pg_array_int(&given.c[1], records[i].at_us);
        pg_array_text(&given.c[2], records[i].type);
        pg_array_text(&given.c[3], records[i].event);
        pg_array_text(&given.c[4], records[i].value);
        pg_array_text(&given.c[5], records[i].user);
        pg_array_text(&given.c[6], records[i].traceparent);
    }
    columns_end(&given, params);
    db_queue(db, SQL_DELIVERY_TAKE, params);
    columns_begin(&moved, 3);
    put_places(&moved, places, nplaces);
    for (size_t i = 0; i < nplaces; i++)
        pg_array_int(&moved.c[2], to[i]);
    columns_end(&moved, params);
    db_queue(db, SQL_DELIVERY_MOVE, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, ALL, NULL, err);
    for (size_t i = 0; code == ERR_OK && i < db_rows(results[TAKEN]); i++)
        touched(db_text(results[TAKEN], i, 0), ctx);
    db_results_free(results, ALL);
    columns_free(&given);
    columns_free(&moved);
    return code;
}

enum err_code delivery_days(struct db *db, int keep, int *gone, struct err *err) {
    char text[NUMBER];
    const char *params[] = {number_text(text, keep)};
    struct db_result *r = NULL;
    if (db_run(db, SQL_DELIVERY_DAYS, params, &r, err) != ERR_OK)
        return err->code;
    *gone = (int)db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code delivery_fill(struct db *db, int most, int *n, struct err *err) {
    char text[NUMBER];
    const char *params[] = {number_text(text, most)};
    struct db_result *r = NULL;
    if (db_run(db, SQL_DELIVERY_FILL, params, &r, err) != ERR_OK)
        return err->code;
    *n = (int)db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* ---- endpoints ---- */

enum err_code delivery_claim(struct db *db, const char *holder, const char *const *workspaces,
                             size_t nworkspaces, int most, int each, int seconds, struct arena *a,
                             struct delivery_claimed **out, size_t *n, struct err *err) {
    struct jbuf list = {0};
    char texts[3][NUMBER];
    struct db_result *r = NULL;
    pg_array_begin(&list);
    for (size_t i = 0; i < nworkspaces; i++)
        pg_array_word(&list, workspaces[i]);
    pg_array_end(&list);
    const char *params[] = {holder, workspaces != NULL ? list.p : NULL, number_text(texts[0], most),
                            number_text(texts[1], each), number_text(texts[2], seconds)};
    enum err_code code = db_run(db, SQL_DELIVERY_CLAIM, params, &r, err);
    jb_free(&list);
    if (code != ERR_OK)
        return code;
    *n = db_rows(r);
    *out = arena_alloc(a, (*n + 1) * sizeof **out);
    for (size_t i = 0; i < *n; i++) {
        struct delivery_claimed *c = &(*out)[i];
        *c = (struct delivery_claimed){.doc = arena_strdup(a, db_text(r, i, 2)),
                                       .secrets = arena_strdup(a, db_text(r, i, 3)),
                                       .cursor = db_int(r, i, 4),
                                       .newest = db_int(r, i, 5),
                                       .turn = db_int(r, i, 6),
                                       .version = db_int(r, i, 7),
                                       .failures = db_int(r, i, 8),
                                       .failing_since_us = db_int(r, i, 9),
                                       .asked = db_is_null(r, i, 10) ? -1 : db_int(r, i, 10),
                                       .is_due = db_bool(r, i, 11)};
        snprintf(c->workspace, sizeof c->workspace, "%s", db_text(r, i, 0));
        snprintf(c->id, sizeof c->id, "%s", db_text(r, i, 1));
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

static void take_messages(const struct db_result *r, struct arena *a, struct delivery_message *out) {
    for (size_t i = 0; i < db_rows(r); i++) {
        out[i] = (struct delivery_message){
            .number = db_int(r, i, 1),
            .is_asked = db_bool(r, i, 2),
            .at_us = db_int(r, i, 3),
            .type = arena_strdup(a, db_text(r, i, 4)),
            .event = arena_strdup(a, db_text(r, i, 5)),
            .value = db_is_null(r, i, 6) ? NULL : arena_strdup(a, db_text(r, i, 6)),
            .about = db_is_null(r, i, 7) ? NULL : arena_strdup(a, db_text(r, i, 7))};
        snprintf(out[i].id, sizeof out[i].id, "%s", db_text(r, i, 0));
    }
}

enum err_code delivery_messages(struct db *db, const struct delivery_claimed *of, size_t nof, int most,
                                int bytes, struct arena *a, struct delivery_message **out, size_t *n,
                                struct err *err) {
    struct columns k;
    const char *params[6];
    char texts[2][NUMBER];
    struct db_result *r = NULL;
    columns_begin(&k, 4);
    for (size_t i = 0; i < nof; i++) {
        pg_array_word(&k.c[0], of[i].workspace);
        pg_array_word(&k.c[1], of[i].id);
        pg_array_int(&k.c[2], of[i].cursor);
        pg_array_int(&k.c[3], of[i].asked);
    }
    columns_end(&k, params);
    params[4] = number_text(texts[0], most);
    params[5] = number_text(texts[1], bytes);
    enum err_code code = db_run(db, SQL_DELIVERY_MESSAGES, params, &r, err);
    columns_free(&k);
    if (code != ERR_OK)
        return code;
    *n = db_rows(r);
    *out = arena_alloc(a, (*n + 1) * sizeof **out);
    take_messages(r, a, *out);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code delivery_traces(struct db *db, const struct delivery_claimed *of, size_t nof, struct arena *a,
                              struct delivery_message *messages, size_t n, struct err *err) {
    struct columns k;
    const char *params[2];
    struct db_result *r = NULL;
    columns_begin(&k, 2);
    for (size_t i = 0; i < n; i++) {
        const char *workspace = UUID_NIL;
        for (size_t j = 0; j < nof; j++)
            workspace = strcmp(of[j].id, messages[i].id) == 0 ? of[j].workspace : workspace;
        pg_array_word(&k.c[0], workspace);
        pg_array_int(&k.c[1], messages[i].number);
    }
    columns_end(&k, params);
    enum err_code code = db_run(db, SQL_DELIVERY_TRACES, params, &r, err);
    columns_free(&k);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < db_rows(r); i++)
        messages[db_int(r, i, 0) - 1].traceparent = arena_strdup(a, db_text(r, i, 1));
    db_results_free(&r, 1);
    return ERR_OK;
}

static void put_attempt(struct jbuf *b, const struct delivery_attempt *t) {
    jb_sep(b);
    if (t == NULL) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kint(b, "at", t->at_us);
    jb_kint(b, "number", t->number);
    jb_kint(b, "duration", t->duration_us);
    jb_kstr(b, "event", t->event);
    jb_kstr(b, "type", t->type);
    jb_kint(b, "status", t->status);
    jb_kstr(b, "error", t->error);
    jb_kstr(b, "answer", t->answer);
    jb_raw(b, "}");
}

static void put_outcome(struct columns *k, struct jbuf *attempts, const struct delivery_outcome *o) {
    pg_array_word(&k->c[0], o->workspace);
    pg_array_word(&k->c[1], o->id);
    pg_array_int(&k->c[2], o->turn);
    pg_array_int(&k->c[3], o->version);
    pg_array_int(&k->c[4], o->cursor);
    pg_array_int(&k->c[5], o->wait_us);
    pg_array_int(&k->c[6], o->failed);
    pg_array_int(&k->c[7], o->lost);
    pg_array_int(&k->c[8], o->answered);
    pg_array_bool(&k->c[9], o->frees);
    put_attempt(attempts, o->attempt);
}

/* A row that is not there any more, or that somebody else holds, gives no answer: it does not go on. */
static void take_outcomes(const struct db_result *r, struct delivery_outcome *of, size_t n) {
    for (size_t i = 0; i < n; i++) {
        of[i].goes_on = false;
        for (size_t row = 0; row < db_rows(r); row++) {
            if (strcmp(of[i].id, db_text(r, row, 0)) != 0)
                continue;
            of[i].goes_on = db_bool(r, row, 1);
            of[i].newest = db_int(r, row, 2);
        }
    }
}

enum err_code delivery_settle(struct db *db, const char *holder, int seconds, struct delivery_outcome *of,
                              size_t n, struct err *err) {
    struct columns k;
    struct jbuf attempts = {0};
    const char *params[2 + COLUMNS + 1];
    char text[NUMBER];
    struct db_result *r = NULL;
    columns_begin(&k, COLUMNS);
    jb_raw(&attempts, "[");
    for (size_t i = 0; i < n; i++)
        put_outcome(&k, &attempts, &of[i]);
    jb_raw(&attempts, "]");
    params[0] = holder;
    params[1] = number_text(text, seconds);
    columns_end(&k, params + 2);
    params[2 + COLUMNS] = attempts.p;
    enum err_code code = db_run(db, SQL_DELIVERY_SETTLE, params, &r, err);
    if (code == ERR_OK)
        take_outcomes(r, of, n);
    db_results_free(&r, 1);
    columns_free(&k);
    jb_free(&attempts);
    return code;
}

enum err_code delivery_free_all(struct db *db, const char *holder, struct err *err) {
    const char *params[] = {holder};
    return db_run(db, SQL_DELIVERY_FREE_ALL, params, NULL, err);
}

enum err_code delivery_late(struct db *db, int keep, struct delivery_late *out, size_t most, size_t *n,
                            int64_t *total, struct err *err) {
    struct db_result *r = NULL;
    char days[16], rows[24];
    const char *params[] = {days, rows};
    snprintf(days, sizeof days, "%d", keep);
    snprintf(rows, sizeof rows, "%zu", most);
    if (db_run(db, SQL_DELIVERY_LATE, params, &r, err) != ERR_OK)
        return err->code;
    *n = db_rows(r);
    *total = *n > 0 ? db_int(r, 0, 3) : 0;
    for (size_t i = 0; i < *n; i++) {
        snprintf(out[i].workspace, sizeof out[i].workspace, "%s", db_text(r, i, 0));
        snprintf(out[i].id, sizeof out[i].id, "%s", db_text(r, i, 1));
        out[i].since_us = db_int(r, i, 2);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code delivery_state(struct db *db, int64_t *failing, int64_t *disabled, int64_t *waiting,
                             struct err *err) {
    struct db_result *r = NULL;
    if (db_run(db, SQL_DELIVERY_STATE, NULL, &r, err) != ERR_OK)
        return err->code;
    *failing = db_int(r, 0, 0);
    *disabled = db_int(r, 0, 1);
    *waiting = db_int(r, 0, 2);
    db_results_free(&r, 1);
    return ERR_OK;
}
