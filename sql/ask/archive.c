#include "sql/ask/archive.h"

#include "ops/runtime/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER 24 /* characters of one, and a NUL */

static const char *number_text(char out[NUMBER], int64_t v) {
    snprintf(out, NUMBER, "%" PRId64, v);
    return out;
}

static void numbers(struct jbuf *b, const int32_t *v, size_t n) {
    pg_array_begin(b);
    for (size_t i = 0; i < n; i++)
        pg_array_int(b, v[i]);
    pg_array_end(b);
}

static void words(struct jbuf *b, const char *const *v, size_t n) {
    pg_array_begin(b);
    for (size_t i = 0; i < n; i++)
        pg_array_word(b, v[i]);
    pg_array_end(b);
}

/* ---- places ---- */

static void read_places(const struct db_result *r, struct archive_place *out) {
    for (size_t i = 0; i < db_rows(r); i++)
        out[i] = (struct archive_place){(int32_t)db_int(r, i, 0), db_int(r, i, 1), db_int(r, i, 2)};
}

enum err_code archive_places(struct db *db, const struct archive_place *first, size_t n,
                             struct archive_place *out, struct err *err) {
    struct jbuf list = {0};
    struct db_result **results = xcalloc(n + 1, sizeof *results);
    char partition[NUMBER], place[NUMBER];
    pg_array_begin(&list);
    for (size_t i = 0; i < n; i++) {
        const char *params[] = {number_text(partition, first[i].partition),
                                number_text(place, first[i].next)};
        db_queue(db, SQL_ARCHIVE_BEGIN_PARTITION, params);
        pg_array_int(&list, first[i].partition);
    }
    pg_array_end(&list);
    const char *params[] = {list.p};
    db_queue(db, SQL_ARCHIVE_PLACES, params);
    enum err_code code = db_flush(db, results, n + 1, NULL, err);
    jb_free(&list);
    if (code == ERR_OK && db_rows(results[n]) != n)
        code = err_set(err, ERR_DB_BUG, "%zu of %zu places are known", db_rows(results[n]), n);
    if (code == ERR_OK)
        read_places(results[n], out);
    db_results_free(results, n + 1);
    free(results);
    return code;
}

enum err_code archive_begin_again(struct db *db, const struct archive_place *was, int64_t first, int64_t end,
                                  struct err *err) {
    char texts[4][NUMBER];
    const char *params[] = {number_text(texts[0], was->partition), number_text(texts[1], was->next),
                            number_text(texts[2], first), number_text(texts[3], end)};
    return db_run(db, SQL_ARCHIVE_BEGIN_AGAIN, params, NULL, err);
}

/* ---- the beginning of a batch ---- */

static struct archive_tree *tree_of(struct archive_begun *b, const char *workspace, int64_t tree) {
    for (size_t i = 0; i < b->ntrees; i++)
        if (b->trees[i].tree == tree && strcmp(b->trees[i].workspace, workspace) == 0)
            return &b->trees[i];
    return NULL;
}

static void take_hash(const struct db_result *r, size_t row, int col, struct tree_hash *out) {
    size_t n = 0;
    char *bytes = db_bytes(r, row, col, &n);
    if (n == TREE_HASH_SIZE)
        memcpy(out->bytes, bytes, TREE_HASH_SIZE);
    free(bytes);
}

static enum err_code take_trees(struct archive_begun *b, const struct db_result *heads,
                                const struct db_result *peaks, struct err *err) {
    uint64_t *found = xcalloc(db_rows(heads) + 1, sizeof *found);
    enum err_code code = ERR_OK;
    b->trees = xcalloc(db_rows(heads) + 1, sizeof *b->trees);
    b->ntrees = db_rows(heads);
    for (size_t i = 0; i < b->ntrees; i++) {
        struct archive_tree *t = &b->trees[i];
        snprintf(t->workspace, sizeof t->workspace, "%s", db_text(heads, i, 0));
        t->tree = (int)db_int(heads, i, 1);
        t->range.size = (uint64_t)db_int(heads, i, 2);
        t->first_seq = db_int(heads, i, 3);
        t->epoch = db_int(heads, i, 4);
        t->seq = db_int(heads, i, 5);
        t->stopped = db_bool(heads, i, 6);
    }
    for (size_t i = 0; i < db_rows(peaks); i++) {
        struct archive_tree *t = tree_of(b, db_text(peaks, i, 0), db_int(peaks, i, 1));
        int64_t level = db_int(peaks, i, 2);
        if (t == NULL || level < 0 || level >= TREE_LEVELS)
            continue;
        take_hash(peaks, i, 3, &t->range.hashes[level]);
        found[t - b->trees] |= UINT64_C(1) << level;
    }
    for (size_t i = 0; code == ERR_OK && i < b->ntrees; i++)
        if (found[i] != b->trees[i].range.size)
            code = err_set(err, ERR_DB_SYSTEM, "Hashes of tree %d of workspace %s are missing",
                           b->trees[i].tree, b->trees[i].workspace);
    free(found);
    return code;
}

static void take_known(struct archive_begun *b, const struct db_result *r) {
    b->known = xcalloc(db_rows(r) + 1, sizeof *b->known);
    b->nknown = db_rows(r);
    for (size_t i = 0; i < b->nknown; i++)
        b->known[i] = xstrdup(db_text(r, i, 0));
}

enum err_code archive_begin(struct db *db, const int32_t *partitions, size_t npartitions,
                            const char *const *workspaces, size_t nworkspaces, const char *const *txns,
                            size_t ntxns, struct archive_begun *out, struct err *err) {
    enum { BEGUN, SEES, PLACES, HEADS, PEAKS, KNOWN, ALL };
    struct jbuf list = {0}, places = {0}, ids = {0};
    struct db_result *results[ALL] = {NULL};
    size_t n = ntxns > 0 ? ALL : KNOWN;
    *out = (struct archive_begun){0};
    words(&list, workspaces, nworkspaces);
    numbers(&places, partitions, npartitions);
    words(&ids, txns, ntxns);
    const char *workspace_params[] = {list.p}, *place_params[] = {places.p},
               *known_params[] = {list.p, ids.p};
    db_queue(db, SQL_CONNECTION_BEGIN, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, workspace_params);
    db_queue(db, SQL_ARCHIVE_LOCK, place_params);
    db_queue(db, SQL_ARCHIVE_HEADS, workspace_params);
    db_queue(db, SQL_ARCHIVE_PEAKS, workspace_params);
    if (ntxns > 0)
        db_queue(db, SQL_ARCHIVE_KNOWN, known_params);
    enum err_code code = db_flush(db, results, n, NULL, err);
    if (code == ERR_OK) {
        out->nplaces = db_rows(results[PLACES]);
        out->places = xcalloc(out->nplaces + 1, sizeof *out->places);
        read_places(results[PLACES], out->places);
        code = take_trees(out, results[HEADS], results[PEAKS], err);
        if (ntxns > 0)
            take_known(out, results[KNOWN]);
    }
    db_results_free(results, n);
    jb_free(&list);
    jb_free(&places);
    jb_free(&ids);
    return code;
}

void archive_begun_free(struct archive_begun *b) {
    for (size_t i = 0; i < b->nknown; i++)
        free(b->known[i]);
    free(b->known);
    free(b->trees);
    free(b->places);
    *b = (struct archive_begun){0};
}

enum err_code archive_leaf_hash(struct db *db, const char *workspace, int tree, int64_t n,
                                struct tree_hash *out, bool *there, struct err *err) {
    char texts[2][NUMBER];
    const char *params[] = {workspace, number_text(texts[0], tree), number_text(texts[1], n)};
    struct db_result *r = NULL;
    enum err_code code = db_run(db, SQL_ARCHIVE_LEAF_HASH, params, &r, err);
    if (code != ERR_OK)
        return code;
    *there = db_rows(r) == 1;
    if (*there)
        take_hash(r, 0, 0, out);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* ---- days, faults ---- */

enum err_code archive_day(struct db *db, int64_t at_us, struct err *err) {
    char text[NUMBER];
    const char *params[] = {number_text(text, at_us)};
    return db_run(db, SQL_ARCHIVE_DAY, params, NULL, err);
}

enum err_code archive_keep(struct db *db, int most, int64_t *gone, struct err *err) {
    char text[NUMBER];
    const char *params[] = {number_text(text, most)};
    struct db_result *r = NULL;
    enum err_code code = db_run(db, SQL_ARCHIVE_KEEP, params, &r, err);
    if (code == ERR_OK)
        *gone = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return code;
}

enum err_code archive_faults(struct db *db, const int32_t *partitions, size_t n, int64_t *stopped,
                             int64_t *refused, struct err *err) {
    struct jbuf list = {0};
    struct db_result *r = NULL;
    numbers(&list, partitions, n);
    const char *params[] = {list.p};
    enum err_code code = db_run(db, SQL_ARCHIVE_FAULTS, params, &r, err);
    jb_free(&list);
    if (code == ERR_OK) {
        *stopped = db_int(r, 0, 0);
        *refused = db_int(r, 0, 1);
    }
    db_results_free(&r, 1);
    return code;
}

/* Begins a transaction that sees one workspace. */
static void queue_begin(struct db *db, const char *workspace) {
    const char *params[] = {workspace};
    db_queue(db, SQL_CONNECTION_BEGIN, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACE, params);
}

/* ---- trees that go on ---- */

enum err_code archive_resumed(struct db *db, const int32_t *partitions, size_t n,
                              struct archive_resumed out[ARCHIVE_RESUMED_MAX], size_t *nout,
                              struct err *err) {
    struct jbuf list = {0};
    struct db_result *r = NULL;
    numbers(&list, partitions, n);
    const char *params[] = {list.p};
    enum err_code code = db_run(db, SQL_ARCHIVE_RESUMED, params, &r, err);
    jb_free(&list);
    *nout = 0;
    for (size_t i = 0; code == ERR_OK && i < db_rows(r) && i < ARCHIVE_RESUMED_MAX; i++) {
        struct archive_resumed *t = &out[(*nout)++];
        snprintf(t->workspace, sizeof t->workspace, "%s", db_text(r, i, 0));
        t->tree = (int)db_int(r, i, 1);
        t->partition = (int32_t)db_int(r, i, 2);
        t->why = xstrdup(db_text(r, i, 3));
        t->seq = db_int(r, i, 4);
    }
    db_results_free(&r, 1);
    return code;
}

enum err_code archive_asides(struct db *db, const struct archive_resumed *r, int64_t after,
                             struct archive_set_aside out[ARCHIVE_ASIDES_MAX], size_t *n, bool *more,
                             struct err *err) {
    char texts[3][NUMBER];
    const char *params[] = {r->workspace, number_text(texts[0], r->tree), number_text(texts[1], r->partition),
                            number_text(texts[2], after)};
    struct db_result *results[4] = {NULL};
    *n = 0;
    *more = false;
    queue_begin(db, r->workspace);
    db_queue(db, SQL_ARCHIVE_ASIDES, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, 4, NULL, err);
    const struct db_result *rows = results[2];
    for (size_t i = 0; code == ERR_OK && i < db_rows(rows) && i < ARCHIVE_ASIDES_MAX; i++) {
        struct archive_set_aside *s = &out[(*n)++];
        s->offset = db_int(rows, i, 0);
        s->event = xstrdup(db_text(rows, i, 1));
        s->bytes = db_bytes(rows, i, 2, &s->nbytes);
        s->at_us = db_int(rows, i, 3);
        *more = db_bool(rows, i, 4);
    }
    db_results_free(results, 4);
    return code;
}

enum err_code archive_take_asides(struct db *db, const struct archive_resumed *r, const int64_t *offsets,
                                  size_t n, bool goes_on, struct err *err) {
    char texts[2][NUMBER];
    struct jbuf list = {0};
    pg_array_begin(&list);
    for (size_t i = 0; i < n; i++)
        pg_array_int(&list, offsets[i]);
    pg_array_end(&list);
    const char *params[] = {r->workspace, number_text(texts[0], r->tree), number_text(texts[1], r->partition),
                            list.p};
    enum err_code code = db_run(db, SQL_ARCHIVE_TAKE_ASIDES, params, NULL, err);
    jb_free(&list);
    return code == ERR_OK && goes_on ? db_run(db, SQL_ARCHIVE_GOES_ON, params, NULL, err) : code;
}

/* ---- signed heads ---- */

enum err_code archive_unsigned(struct db *db, const int32_t *partitions, size_t n, int seconds, size_t most,
                               struct archive_unsigned *out, size_t *nout, struct err *err) {
    struct jbuf list = {0};
    char texts[2][NUMBER];
    struct db_result *r = NULL;
    numbers(&list, partitions, n);
    const char *params[] = {list.p, number_text(texts[0], seconds), number_text(texts[1], (int64_t)most)};
    enum err_code code = db_run(db, SQL_ARCHIVE_UNSIGNED, params, &r, err);
    jb_free(&list);
    *nout = 0;
    for (size_t i = 0; code == ERR_OK && i < db_rows(r) && i < most; i++) {
        struct archive_unsigned *u = &out[(*nout)++];
        snprintf(u->workspace, sizeof u->workspace, "%s", db_text(r, i, 0));
        u->tree = (int)db_int(r, i, 1);
        u->partition = (int32_t)db_int(r, i, 2);
        u->size = db_int(r, i, 3);
        u->origin = (int)db_int(r, i, 4);
    }
    db_results_free(&r, 1);
    return code;
}

enum err_code archive_peaks(struct db *db, const char *workspace, int tree, int64_t size,
                            struct tree_range *out, bool *whole, struct err *err) {
    char texts[2][NUMBER];
    const char *params[] = {workspace, number_text(texts[0], tree), number_text(texts[1], size)};
    struct db_result *results[4] = {NULL};
    uint64_t found = 0;
    *out = (struct tree_range){.size = (uint64_t)size};
    queue_begin(db, workspace);
    db_queue(db, SQL_ARCHIVE_PEAKS_AT, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, 4, NULL, err);
    for (size_t i = 0; code == ERR_OK && i < db_rows(results[2]); i++) {
        int64_t level = db_int(results[2], i, 0);
        if (level < 0 || level >= TREE_LEVELS)
            continue;
        take_hash(results[2], i, 1, &out->hashes[level]);
        found |= UINT64_C(1) << level;
    }
    *whole = found == (uint64_t)size;
    db_results_free(results, 4);
    return code;
}

enum err_code archive_sign(struct db *db, const struct archive_signed *heads, size_t n, struct err *err) {
    struct db_result **results = xcalloc(3 * n + 2, sizeof *results);
    char tree[NUMBER], size[NUMBER], origin[NUMBER];
    size_t steps = 2;
    db_queue(db, SQL_CONNECTION_BEGIN, NULL);
    for (size_t i = 0; i < n; i++) {
        const char *params[] = {
            heads[i].workspace, number_text(tree, heads[i].tree),     number_text(size, heads[i].size),
            heads[i].note,      number_text(origin, heads[i].origin), (const char *)heads[i].root.bytes};
        const char *signed_params[] = {params[0], params[1], params[2], params[4]};
        db_queue(db, SQL_CONNECTION_SEE_WORKSPACE, params);
        db_queue_bytes(db, SQL_ARCHIVE_SIGN, params, TREE_HASH_SIZE);
        db_queue(db, SQL_ARCHIVE_SIGNED, signed_params);
        steps += 3;
    }
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, steps, NULL, err);
    db_results_free(results, steps);
    free(results);
    return code;
}

enum err_code archive_refuse(struct db *db, const char *workspace, int tree, const char *why,
                             struct err *err) {
    char text[NUMBER];
    const char *params[] = {workspace, number_text(text, tree), why};
    struct db_result *results[4] = {NULL};
    queue_begin(db, workspace);
    db_queue(db, SQL_ARCHIVE_REFUSE, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, results, 4, NULL, err);
    db_results_free(results, 4);
    return code;
}

enum err_code archive_register_key(struct db *db, const unsigned char key[32], struct err *err) {
    const char *params[] = {(const char *)key};
    struct db_result *r = NULL;
    db_queue_bytes(db, SQL_ARCHIVE_REGISTER_KEY, params, 32);
    enum err_code code = db_flush(db, &r, 1, NULL, err);
    db_results_free(&r, 1);
    return code;
}
