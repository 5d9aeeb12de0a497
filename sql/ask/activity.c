#include "sql/ask/activity.h"

#include "sql/pg_array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKET 7 /* less than 2^7 us */

static const struct {
    const char *name;
    int64_t us;
    enum statement statement;
} steps[ACTIVITY_STEPS] = {
    [ACTIVITY_MINUTE] = {"minute", 60000000, SQL_ACTIVITY_MINUTE},
    [ACTIVITY_HOUR] = {"hour", INT64_C(3600000000), SQL_ACTIVITY_HOUR},
    [ACTIVITY_DAY] = {"day", INT64_C(86400000000), SQL_ACTIVITY_DAY},
};

bool activity_step_parse(const char *name, enum activity_step *out) {
    for (size_t i = 0; i < ACTIVITY_STEPS; i++) {
        if (strcmp(name, steps[i].name) == 0) {
            *out = (enum activity_step)i;
            return true;
        }
    }
    return false;
}

const char *activity_step_name(enum activity_step step) {
    return steps[step].name;
}

int64_t activity_step_us(enum activity_step step) {
    return steps[step].us;
}

/* ---- histograms ---- */

int64_t activity_bound_us(int i) {
    return i < ACTIVITY_BUCKETS - 1 ? INT64_C(1) << (i + FIRST_BUCKET) : 0;
}

int64_t activity_percentile(const int64_t latency[ACTIVITY_BUCKETS], int percent) {
    int64_t all = 0, before = 0;
    for (int i = 0; i < ACTIVITY_BUCKETS; i++)
        all += latency[i];
    if (all == 0)
        return -1;
    int64_t wanted = (all * percent + 99) / 100; /* so many took no longer */
    for (int i = 0; i < ACTIVITY_BUCKETS; i++) {
        int64_t low = i > 0 ? activity_bound_us(i - 1) : 0, high = activity_bound_us(i);
        if (before + latency[i] >= wanted)
            return high == 0 ? low : low + (high - low) * (wanted - before) / latency[i];
        before += latency[i];
    }
    return -1;
}

void activity_add(struct activity_sum *to, const struct activity_sum *one) {
    to->requests += one->requests;
    to->operations += one->operations;
    to->writes += one->writes;
    to->ok += one->ok;
    to->redirected += one->redirected;
    to->refused += one->refused;
    to->limited += one->limited;
    to->failed += one->failed;
    to->bytes_in += one->bytes_in;
    to->bytes_out += one->bytes_out;
    for (int i = 0; i < ACTIVITY_BUCKETS; i++)
        to->latency[i] += one->latency[i];
}

/* ---- rows ---- */

static const char *text_or_null(const struct db_result *r, size_t row, int col, struct arena *a) {
    return db_is_null(r, row, col) ? NULL : arena_strdup(a, db_text(r, row, col));
}

/* Rows come in the order of the keys, so that one is seldom looked for. */
static struct activity_key *key_of(struct activity *x, const char *id, size_t *last) {
    for (size_t i = 0; i < x->nkeys; i++) {
        struct activity_key *k = &x->keys[(*last + i) % x->nkeys];
        if (strcmp(k->id, id) == 0) {
            *last = (*last + i) % x->nkeys;
            return k;
        }
    }
    return NULL;
}

static enum err_code read_keys(struct db *db, struct arena *a, struct activity *x, struct err *err) {
    const char *params[] = {x->workspace, x->key, arena_printf(a, "%" PRId64, x->from_us),
                            arena_printf(a, "%" PRId64, x->to_us), arena_printf(a, "%d", ACTIVITY_KEYS + 1)};
    struct db_result *r;
    if (db_run(db, SQL_ACTIVITY_KEYS, params, &r, err) != ERR_OK)
        return err->code;
    x->nkeys = db_rows(r);
    x->too_many = x->nkeys > ACTIVITY_KEYS;
    x->keys = arena_alloc(a, (x->nkeys + 1) * sizeof *x->keys);
    for (size_t i = 0; i < x->nkeys; i++)
        x->keys[i] = (struct activity_key){.id = arena_strdup(a, db_text(r, i, 0)),
                                           .name = arena_strdup(a, db_text(r, i, 1)),
                                           .kind = arena_strdup(a, db_text(r, i, 2)),
                                           .first_us = db_int(r, i, 3),
                                           .last_us = db_int(r, i, 4),
                                           .write_us = db_int(r, i, 5)};
    db_results_free(&r, 1);
    return ERR_OK;
}

static void take_sum(const struct db_result *r, size_t row, struct activity_sum *s) {
    const char *numbers = db_text(r, row, 12);
    *s = (struct activity_sum){.at_us = db_int(r, row, 1),
                               .requests = db_int(r, row, 2),
                               .operations = db_int(r, row, 3),
                               .writes = db_int(r, row, 4),
                               .ok = db_int(r, row, 5),
                               .redirected = db_int(r, row, 6),
                               .refused = db_int(r, row, 7),
                               .limited = db_int(r, row, 8),
                               .failed = db_int(r, row, 9),
                               .bytes_in = db_int(r, row, 10),
                               .bytes_out = db_int(r, row, 11)};
    for (int i = 0; i < ACTIVITY_BUCKETS && *numbers != '\0' && *numbers != '}'; i++) {
        char *end;
        s->latency[i] = strtoll(numbers + 1, &end, 10);
        numbers = end;
    }
}

/* Rows of one key come one after the other. */
static void take_steps(const struct db_result *r, struct arena *a, struct activity *x) {
    size_t n = db_rows(r), last = 0;
    struct activity_sum *all = arena_alloc(a, (n + 1) * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        struct activity_key *k = key_of(x, db_text(r, i, 0), &last);
        take_sum(r, i, &all[i]);
        if (k == NULL)
            continue;
        if (k->nsteps++ == 0)
            k->steps = &all[i];
    }
}

static void take_sources(const struct db_result *r, struct arena *a, struct activity *x) {
    size_t n = db_rows(r), last = 0;
    struct activity_source *all = arena_alloc(a, (n + 1) * sizeof *all);
    for (size_t i = 0; i < n; i++) {
        struct activity_key *k = key_of(x, db_text(r, i, 0), &last);
        all[i] = (struct activity_source){arena_strdup(a, db_text(r, i, 1)), db_int(r, i, 2), db_int(r, i, 3),
                                          db_int(r, i, 4)};
        if (k != NULL && k->nsources++ == 0)
            k->sources = &all[i];
    }
}

static void take_cadence(const struct db_result *r, struct activity *x) {
    size_t last = 0;
    for (size_t i = 0; i < db_rows(r); i++) {
        struct activity_key *k = key_of(x, db_text(r, i, 0), &last);
        if (k == NULL)
            continue;
        k->has_cadence = true;
        k->bursts = db_int(r, i, 1);
        k->every_s = db_is_null(r, i, 2) ? -1 : db_int(r, i, 2);
        k->burst_us = db_int(r, i, 3);
    }
}

static enum err_code read_refused(struct db *db, struct arena *a, struct activity *x, struct err *err) {
    const char *params[] = {x->workspace, arena_printf(a, "%" PRId64, x->from_us),
                            arena_printf(a, "%" PRId64, x->to_us), arena_printf(a, "%d", ACTIVITY_REFUSED),
                            x->key};
    struct db_result *r;
    if (db_run(db, x->key != NULL ? SQL_ACTIVITY_REFUSED_OF_KEY : SQL_ACTIVITY_REFUSED, params, &r, err) !=
        ERR_OK)
        return err->code;
    x->nrefused = db_rows(r);
    x->refused = arena_alloc(a, (x->nrefused + 1) * sizeof *x->refused);
    for (size_t i = 0; i < x->nrefused; i++)
        x->refused[i] = (struct activity_refused){.at_us = db_int(r, i, 0),
                                                  .event = text_or_null(r, i, 1, a),
                                                  .txn = text_or_null(r, i, 2, a),
                                                  .key_id = text_or_null(r, i, 3, a),
                                                  .key_name = text_or_null(r, i, 4, a),
                                                  .method = text_or_null(r, i, 5, a),
                                                  .path = text_or_null(r, i, 6, a),
                                                  .status = (int)db_int(r, i, 7),
                                                  .code = text_or_null(r, i, 8, a),
                                                  .detail = text_or_null(r, i, 9, a),
                                                  .source = text_or_null(r, i, 10, a),
                                                  .user_agent = text_or_null(r, i, 11, a)};
    db_results_free(&r, 1);
    return ERR_OK;
}

/* What is there of each key, in one round trip. */
static enum err_code read_of_keys(struct db *db, struct arena *a, struct activity *x, struct err *err) {
    struct jbuf ids = {0};
    struct db_result *results[3];
    bool cadence = x->nkeys <= ACTIVITY_CADENCE;
    pg_array_begin(&ids);
    for (size_t i = 0; i < x->nkeys; i++)
        pg_array_word(&ids, x->keys[i].id);
    pg_array_end(&ids);
    const char *spans[] = {x->workspace, ids.p, arena_printf(a, "%" PRId64, x->from_us),
                           arena_printf(a, "%" PRId64, x->to_us), arena_printf(a, "%d", ACTIVITY_ROWS + 1)};
    const char *sources[] = {
        x->workspace, ids.p,
        arena_printf(a, "%d", x->key != NULL ? ACTIVITY_SOURCES : ACTIVITY_SOURCES_OF_ALL)};
    db_queue(db, steps[x->step].statement, spans);
    db_queue(db, SQL_ACTIVITY_SOURCES, sources);
    if (cadence)
        db_queue(db, SQL_ACTIVITY_CADENCE, spans);
    enum err_code code = db_flush(db, results, cadence ? 3 : 2, NULL, err);
    jb_free(&ids);
    if (code != ERR_OK)
        return code;
    x->too_many = db_rows(results[0]) > ACTIVITY_ROWS;
    if (!x->too_many) {
        take_steps(results[0], a, x);
        take_sources(results[1], a, x);
        if (cadence)
            take_cadence(results[2], x);
    }
    db_results_free(results, cadence ? 3 : 2);
    return ERR_OK;
}

enum err_code activity_read(struct db *db, struct arena *a, struct activity *x, struct err *err) {
    if (read_keys(db, a, x, err) != ERR_OK)
        return err->code;
    if (x->too_many || (x->nkeys > 0 && read_of_keys(db, a, x, err) != ERR_OK))
        return x->too_many ? ERR_OK : err->code;
    return x->too_many ? ERR_OK : read_refused(db, a, x, err);
}
