#include "sql/ask/audit.h"

#include "ops/runtime/id.h"
#include "sql/pg_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *audit_tree_name(int tree) {
    return tree == AUDIT_CHANGES ? "changes" : "requests";
}

/* ---- transactions ---- */

enum err_code audit_begin(struct db *db, const char *workspace, struct err *err) {
    const char *params[] = {workspace};
    struct db_result *results[2];
    db_queue(db, SQL_CONNECTION_BEGIN_SNAPSHOT, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACE, params);
    enum err_code code = db_flush(db, results, 2, NULL, err);
    if (code == ERR_OK)
        db_results_free(results, 2);
    return code;
}

void audit_end(struct db *db) {
    db_rollback(db);
}

/* ---- trees and records ---- */

enum err_code audit_trees(struct db *db, const char *workspace, struct arena *a,
                          struct audit_tree trees[AUDIT_TREES], struct err *err) {
    const char *params[] = {workspace};
    struct db_result *r;
    memset(trees, 0, AUDIT_TREES * sizeof *trees);
    for (int i = 0; i < AUDIT_TREES; i++)
        trees[i].origin = 1;
    if (db_run(db, SQL_AUDIT_TREES, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r); i++) {
        struct audit_tree *t = &trees[db_int(r, i, 0) - 1];
        t->size = db_int(r, i, 1);
        t->signed_size = db_int(r, i, 2);
        t->first_seq = db_int(r, i, 3);
        t->stopped = db_is_null(r, i, 4) ? NULL : arena_strdup(a, db_text(r, i, 4));
        t->refused = db_is_null(r, i, 5) ? NULL : arena_strdup(a, db_text(r, i, 5));
        t->origin = (int)db_int(r, i, 6);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code audit_resume(struct db *db, const char *workspace, int tree, const char *why, bool *done,
                           struct err *err) {
    const char *params[] = {workspace, tree == AUDIT_CHANGES ? "1" : "2", why};
    struct db_result *r;
    if (db_run(db, SQL_AUDIT_RESUME, params, &r, err) != ERR_OK)
        return err->code;
    *done = db_bool(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

void audit_take(const struct db_result *r, bool timed, struct arena *a, struct audit_records *out) {
    out->n = db_rows(r);
    out->rows = arena_alloc(a, (out->n + 1) * sizeof *out->rows);
    for (size_t i = 0; i < out->n; i++) {
        struct audit_record *row = &out->rows[i];
        char *bytes = db_bytes(r, i, 3, &row->nbytes), *copy = arena_alloc(a, row->nbytes + 1);
        memcpy(copy, bytes, row->nbytes);
        row->tree = (int)db_int(r, i, 0);
        row->n = db_int(r, i, 1);
        row->event = arena_strdup(a, db_text(r, i, 2));
        row->bytes = copy;
        row->at_us = timed ? db_int(r, i, 4) : 0;
        free(bytes);
    }
}

static enum err_code records_of(struct db *db, enum statement s, const char *const *params, struct arena *a,
                                struct audit_records *out, struct err *err) {
    struct db_result *r;
    if (db_run(db, s, params, &r, err) != ERR_OK)
        return err->code;
    audit_take(r, false, a, out);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code audit_by_txn(struct db *db, const char *workspace, const char *txn, struct arena *a,
                           struct audit_records *out, struct err *err) {
    const char *params[] = {workspace, txn};
    return records_of(db, SQL_AUDIT_BY_TXN, params, a, out, err);
}

/* The number at the end of a ce_id. */
static const char *number_of(const char *event) {
    const char *slash = strrchr(event, '/');
    if (slash == NULL || slash == event || slash[1] == '\0' || strlen(slash + 1) > 18 ||
        strspn(slash + 1, "0123456789") != strlen(slash + 1))
        return NULL;
    return slash + 1;
}

enum err_code audit_by_event(struct db *db, const char *workspace, const char *event, struct arena *a,
                             struct audit_records *out, struct err *err) {
    const char *number = number_of(event);
    *out = (struct audit_records){0};
    if (number == NULL)
        return err_set(err, ERR_INVALID_VALUE,
                       "\"%.100s\" is no id of a record: WORKSPACE/audit/SEQ, or INSTANCE/N", event);
    bool change = strncmp(event, workspace, strlen(workspace)) == 0;
    const char *params[] = {workspace, change ? "1" : "2", number, event};
    return records_of(db, SQL_AUDIT_BY_SEQ, params, a, out, err);
}

/* ---- proofs ---- */

enum err_code audit_checkpoint(struct db *db, const char *workspace, int tree, int64_t leaves,
                               struct arena *a, const char **note, int64_t *size, struct err *err) {
    const char *params[] = {workspace, arena_printf(a, "%d", tree), arena_printf(a, "%" PRId64, leaves)};
    struct db_result *r;
    *note = NULL;
    *size = 0;
    if (db_run(db, SQL_AUDIT_CHECKPOINT, params, &r, err) != ERR_OK)
        return err->code;
    if (db_rows(r) > 0) {
        *size = db_int(r, 0, 0);
        *note = arena_strdup(a, db_text(r, 0, 1));
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code audit_heads(struct db *db, const char *workspace, struct arena *a, struct audit_heads *out,
                          struct err *err) {
    const char *params[] = {workspace};
    struct db_result *results[2];
    memset(out, 0, sizeof *out);
    db_queue(db, SQL_AUDIT_HEADS, params);
    db_queue(db, SQL_AUDIT_PUBLIC_KEYS, NULL);
    if (db_flush(db, results, 2, NULL, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(results[0]); i++)
        out->heads[db_int(results[0], i, 0) - 1] =
            (struct audit_head){.note = arena_strdup(a, db_text(results[0], i, 2)),
                                .size = db_int(results[0], i, 1),
                                .at_us = db_int(results[0], i, 3)};
    for (size_t i = 0; i < db_rows(results[1]) && out->nkeys < AUDIT_KEYS_MAX; i++) {
        size_t n;
        char *key = db_bytes(results[1], i, 0, &n);
        if (n == ED25519_PUBLIC_SIZE)
            memcpy(out->keys[out->nkeys++], key, n);
        free(key);
    }
    db_results_free(results, 2);
    return ERR_OK;
}

/* Nodes are fetched in one go: first they are noted, then looked up. */
#define WANTED_MAX 4096
struct wanted {
    size_t n;
    struct {
        unsigned level;
        uint64_t index;
        struct tree_hash hash;
        bool there;
    } nodes[WANTED_MAX];
};

static bool note_wanted(void *ctx, unsigned level, uint64_t index, struct tree_hash *out) {
    struct wanted *w = ctx;
    memset(out, 0, sizeof *out);
    if (w->n == WANTED_MAX)
        return false;
    w->nodes[w->n].level = level;
    w->nodes[w->n++].index = index;
    return true;
}

static bool give_wanted(void *ctx, unsigned level, uint64_t index, struct tree_hash *out) {
    const struct wanted *w = ctx;
    for (size_t i = 0; i < w->n; i++) {
        if (w->nodes[i].level == level && w->nodes[i].index == index && w->nodes[i].there) {
            *out = w->nodes[i].hash;
            return true;
        }
    }
    return false;
}

static void take_node(struct wanted *w, const struct db_result *r, size_t row) {
    size_t n;
    char *hash = db_bytes(r, row, 2, &n);
    for (size_t i = 0; i < w->n && n == TREE_HASH_SIZE; i++) {
        if (w->nodes[i].level == (unsigned)db_int(r, row, 0) &&
            w->nodes[i].index == (uint64_t)db_int(r, row, 1)) {
            memcpy(w->nodes[i].hash.bytes, hash, n);
            w->nodes[i].there = true;
        }
    }
    free(hash);
}

static enum err_code fetch_wanted(struct db *db, const char *workspace, int tree, struct wanted *w,
                                  struct err *err) {
    struct jbuf levels = {0}, indexes = {0};
    struct db_result *r;
    pg_array_begin(&levels);
    pg_array_begin(&indexes);
    for (size_t i = 0; i < w->n; i++) {
        pg_array_int(&levels, w->nodes[i].level);
        pg_array_int(&indexes, (int64_t)w->nodes[i].index);
    }
    pg_array_end(&levels);
    pg_array_end(&indexes);
    const char *params[] = {workspace, tree == AUDIT_CHANGES ? "1" : "2", levels.p, indexes.p};
    enum err_code code = db_run(db, SQL_AUDIT_NODES, params, &r, err);
    for (size_t i = 0; code == ERR_OK && i < db_rows(r); i++)
        take_node(w, r, i);
    if (code == ERR_OK)
        db_results_free(&r, 1);
    jb_free(&levels);
    jb_free(&indexes);
    return code;
}

enum err_code audit_prove(struct db *db, const char *workspace, const struct audit_record *record,
                          struct jbuf *out, struct err *err) {
    struct arena *a = arena_new();
    struct wanted *w = arena_alloc(a, sizeof *w);
    struct tlog_proof p = {.record = record->bytes, .nrecord = record->nbytes, .index = (uint64_t)record->n};
    int64_t size;
    enum err_code code = audit_checkpoint(db, workspace, record->tree, record->n + 1, a, &p.note, &size, err);
    if (code == ERR_OK && p.note == NULL)
        code = err_set(err, ERR_NOT_FOUND, "%s is on record, and no signed head has it yet; try again soon",
                       record->event);
    if (code == ERR_OK && tree_prove_inclusion(p.index, (uint64_t)size, note_wanted, w, &p.path))
        code = fetch_wanted(db, workspace, record->tree, w, err);
    if (code == ERR_OK && !tree_prove_inclusion(p.index, (uint64_t)size, give_wanted, w, &p.path))
        code = err_set(err, ERR_NOT_FOUND, "hashes of the tree are missing that a proof of %s needs",
                       record->event);
    if (code == ERR_OK) {
        p.nnote = strlen(p.note);
        tlog_proof_put(out, &p);
    }
    arena_free(a);
    return code;
}
