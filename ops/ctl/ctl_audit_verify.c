/* usherctl audit verify: computes the trees again from the stored records, and compares everything that is
 * stored beside them: hashes, signed heads, columns, numbers. What was edited, removed or inserted is named.
 */
#include "ops/ctl/ctl_audit_verify.h"

#include "ops/runtime/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_SHOWN 100

void verify_fault(struct verify *v, const char *fmt, ...) {
    char text[600];
    va_list ap;
    if (v->nfaults++ >= FAULTS_SHOWN)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct jbuf line = {0};
    jb_printf(&line, "%s: %s", audit_tree_name(v->tree), text);
    if (v->c->json) {
        jb_sep(&v->faults);
        jb_str(&v->faults, line.p);
    } else {
        jb_printf(&v->faults, "  %s\n", line.p);
    }
    jb_free(&line);
}
/* ---- nodes ---- */

static size_t nodes_of(const struct verify *v, unsigned level) {
    (void)v;
    return level < 10 ? (size_t)(VERIFY_PAGE >> level) + 1 : 2;
}

static int64_t first_node(const struct verify *v, unsigned level) {
    return v->page >> level;
}

/* A run of hashes ends at the latest where the next one begins: so they are looked up, too. */
static void take_run(struct verify *v, const struct db_result *r, size_t row) {
    uint64_t first = (uint64_t)db_int(r, row, 0), page = (uint64_t)v->page,
             end = row + 1 < db_rows(r) ? (uint64_t)db_int(r, row + 1, 0) : page + VERIFY_PAGE;
    size_t n;
    char *hashes = db_bytes(r, row, 1, &n);
    for (uint64_t leaf = first > page ? first : page; leaf < end && leaf < page + VERIFY_PAGE; leaf++) {
        size_t at = (size_t)(tree_hashes_before(leaf) - tree_hashes_before(first)) * TREE_HASH_SIZE;
        for (unsigned level = 0; level <= tree_completes(leaf) && at + TREE_HASH_SIZE <= n; level++) {
            size_t place = (size_t)((int64_t)(leaf >> level) - first_node(v, level));
            memcpy(v->nodes[level][place].bytes, hashes + at, TREE_HASH_SIZE);
            v->there[level][place] = true;
            at += TREE_HASH_SIZE;
        }
    }
    free(hashes);
}

static enum err_code load_nodes(struct verify *v, const char *const *params, struct err *err) {
    struct db_result *r;
    for (unsigned level = 0; level < 63; level++)
        memset(v->there[level], 0, nodes_of(v, level));
    if (db_run(v->c->db, SQL_AUDIT_VERIFY_HASHES, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r); i++)
        take_run(v, r, i);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* Of a leaf the hash was compared already. */
static void compare_node(void *ctx, unsigned level, uint64_t index, const struct tree_hash *hash) {
    struct verify *v = ctx;
    int64_t at = (int64_t)index - first_node(v, level);
    if (level == 0)
        return;
    if (!v->there[level][at])
        verify_fault(v, "node (%u, %" PRIu64 ") is missing", level, index);
    else if (!tree_hash_equal(hash, &v->nodes[level][at]))
        verify_fault(v, "node (%u, %" PRIu64 ") was edited: it is not the hash of the leaves below it", level,
                     index);
}
/* ---- what is gone ---- */

/* A record is not there. Whether that is allowed depends on when it was archived, which the next head tells.
 */
static void note_gone(struct verify *v, int64_t index) {
    v->by_hash++;
    if (v->gone_first < 0)
        v->gone_first = index;
    v->gone_last = index;
}

/* The head over them is younger than what the retention keeps, so they should be there. */
static void settle_gone(struct verify *v, bool kept) {
    if (v->gone_first >= 0 && kept && v->gone_first == v->gone_last)
        verify_fault(v, "record %" PRId64 " was removed", v->gone_first);
    else if (v->gone_first >= 0 && kept)
        verify_fault(v, "records %" PRId64 " to %" PRId64 " or some of them were removed", v->gone_first,
                     v->gone_last);
    v->gone_first = v->gone_last = -1;
}
/* ---- a page ---- */

static enum err_code check_page(struct verify *v, const char *const *params, int64_t end, struct err *err) {
    struct db_result *results[2] = {NULL, NULL};
    size_t row = 0, head = 0;
    if (load_nodes(v, params, err) != ERR_OK)
        return err->code;
    db_queue(v->c->db, SQL_AUDIT_VERIFY_LEAVES, params);
    db_queue(v->c->db, SQL_AUDIT_VERIFY_CHECKPOINTS, params);
    if (db_flush(v->c->db, results, 2, NULL, err) != ERR_OK)
        return err->code;
    const struct db_result *leaves = results[0], *heads = results[1];
    for (int64_t i = v->page; i < end; i++) {
        struct tree_hash leaf = v->nodes[0][i - v->page], root;
        if (row < db_rows(leaves) && db_int(leaves, row, LEAF_N) == i)
            verify_record(v, leaves, row++, &leaf);
        else if (v->there[0][i - v->page])
            note_gone(v, i);
        else
            verify_fault(v, "record %" PRId64 " and its hash were removed", i);
        for (; row < db_rows(leaves) && db_int(leaves, row, LEAF_N) == i; row++)
            verify_fault(v, "record %" PRId64 " is there twice: %s was inserted, or it was before it", i,
                         db_text(leaves, row, LEAF_EVENT));
        /* The stored hash goes on where there is one, so that a fault is named once and not by all above it.
         */
        tree_append(&v->range, v->there[0][i - v->page] ? &v->nodes[0][i - v->page] : &leaf, compare_node, v);
        if (head < db_rows(heads) || v->older.size == v->range.size) {
            tree_root(&v->range, &root);
            verify_older(v, &root);
        }
        for (; head < db_rows(heads) && db_int(heads, head, 0) == i + 1; head++) {
            verify_head(v, heads, head, &root);
            settle_gone(v, db_bool(heads, head, 4));
        }
    }
    db_results_free(results, 2);
    return ERR_OK;
}

static enum err_code load_gaps(struct verify *v, struct arena *a, const char *tree, struct err *err) {
    const char *params[] = {v->w.id.s, tree};
    struct db_result *r;
    if (db_run(v->c->db, SQL_AUDIT_VERIFY_GAPS, params, &r, err) != ERR_OK)
        return err->code;
    v->ngaps = db_rows(r);
    v->gaps = arena_alloc(a, (v->ngaps + 1) * sizeof *v->gaps);
    for (size_t i = 0; i < v->ngaps; i++)
        v->gaps[i] = (struct gap){db_int(r, i, 0), db_int(r, i, 1), db_int(r, i, 2)};
    db_results_free(&r, 1);
    return ERR_OK;
}

static enum err_code check_beyond(struct verify *v, const char *tree, struct err *err) {
    char size[24];
    snprintf(size, sizeof size, "%" PRId64, v->size);
    const char *params[] = {v->w.id.s, tree, size};
    struct db_result *r;
    if (db_run(v->c->db, SQL_AUDIT_VERIFY_BEYOND, params, &r, err) != ERR_OK)
        return err->code;
    if (db_int(r, 0, 0) > 0)
        verify_fault(v, "%s nodes stand behind the end of the tree: they were inserted, or the end was moved",
                     db_text(r, 0, 0));
    if (db_int(r, 0, 1) > 0)
        verify_fault(v,
                     "%s records stand behind the end of the tree: they were inserted, or the end was moved",
                     db_text(r, 0, 1));
    if (db_int(r, 0, 2) > 0)
        verify_fault(v, "%s checkpoints are of more records than the tree has: its end was moved",
                     db_text(r, 0, 2));
    db_results_free(&r, 1);
    return ERR_OK;
}

void verify_show_tree(struct verify *v, const struct tree_hash *root) {
    struct jbuf *b = &v->c->out;
    char hex[2 * TREE_HASH_SIZE + 1];
    for (size_t i = 0; i < TREE_HASH_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", root->bytes[i]);
    if (!v->c->json) {
        jb_printf(b, "%-9s %" PRId64 " records, root %s\n", audit_tree_name(v->tree), v->size, hex);
        jb_printf(b, "          %" PRId64 " hashed again, %" PRId64 " by hash only (their bytes are gone)\n",
                  v->hashed, v->by_hash);
        jb_printf(b, "          %" PRId64 " checkpoints hold, the newest over %" PRId64 " records\n",
                  v->heads, v->signed_size);
        if (v->ended > 0)
            jb_printf(b,
                      "          %" PRId64
                      " checkpoints were signed over other records, under an origin that "
                      "was ended; this is origin %d\n",
                      v->ended, v->origin);
        if (v->tree == AUDIT_CHANGES && v->seq > 0)
            jb_printf(b, "          from %" PRId64 "/%" PRId64 " to %" PRId64 "/%" PRId64 " (epoch/seq)\n",
                      v->first_epoch, v->first_seq, v->epoch, v->seq);
        return;
    }
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "tree", audit_tree_name(v->tree));
    jb_kint(b, "size", v->size);
    jb_kstr(b, "root", hex);
    jb_kint(b, "hashed", v->hashed);
    jb_kint(b, "byHash", v->by_hash);
    jb_kint(b, "checkpoints", v->heads);
    jb_kint(b, "signed", v->signed_size);
    jb_kint(b, "origin", v->origin);
    jb_kint(b, "ended", v->ended);
    if (v->tree == AUDIT_CHANGES && v->seq > 0) {
        jb_kint(b, "firstEpoch", v->first_epoch);
        jb_kint(b, "firstSeq", v->first_seq);
        jb_kint(b, "lastEpoch", v->epoch);
        jb_kint(b, "lastSeq", v->seq);
    }
    jb_raw(b, "}");
}

void verify_begin_tree(struct verify *v, int tree, int64_t size) {
    v->tree = tree;
    v->size = size;
    v->signed_size = 0;
    v->origin = 1;
    v->ended = 0;
    v->range = (struct tree_range){0};
    v->hashed = v->by_hash = v->heads = 0;
    v->gone_first = v->gone_last = -1;
    v->epoch = v->seq = v->first_epoch = v->first_seq = 0;
}

static enum err_code check_tree(struct verify *v, int tree, const struct audit_tree *t, struct arena *a,
                                struct err *err) {
    char number[12], from[24], to[24];
    const char *params[] = {v->w.id.s, number, from, to};
    struct tree_hash root;
    verify_begin_tree(v, tree, t->size);
    v->signed_size = t->signed_size;
    v->origin = t->origin;
    snprintf(number, sizeof number, "%d", tree);
    enum err_code code = load_gaps(v, a, number, err);
    for (v->page = 0; code == ERR_OK && v->page < v->size; v->page += VERIFY_PAGE) {
        int64_t end = v->size - v->page < VERIFY_PAGE ? v->size : v->page + VERIFY_PAGE;
        snprintf(from, sizeof from, "%" PRId64, v->page);
        snprintf(to, sizeof to, "%" PRId64, end);
        code = check_page(v, params, end, err);
    }
    if (code == ERR_OK)
        code = check_beyond(v, number, err);
    if (code != ERR_OK)
        return code;
    settle_gone(v, true); /* no head has them yet, so they are new */
    if (t->stopped != NULL)
        verify_fault(v, "the archive has stopped: %s", t->stopped);
    if (t->refused != NULL)
        verify_fault(v, "the archive does not sign any more: %s", t->refused);
    if (v->size > 0 && v->signed_size == 0)
        verify_fault(v, "there is no checkpoint: nothing proves that these records are the ones of before");
    tree_root(&v->range, &root);
    verify_show_tree(v, &root);
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err_code load_keys(struct verify *v, struct err *err) {
    const char *given = ctl_flag(v->c->args, "key");
    struct db_result *r;
    if (given != NULL)
        return ctl_audit_keys(given, &v->keys, err);
    if (v->c->far != NULL)
        return verify_far_keys(v, err);
    if (db_run(v->c->db, SQL_AUDIT_KEYS, NULL, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r) && v->keys.n < CTL_AUDIT_KEYS; i++) {
        size_t n;
        char *key = db_bytes(r, i, 0, &n);
        if (n == ED25519_PUBLIC_SIZE && note_key_make(&v->keys.keys[v->keys.n], "key", (unsigned char *)key))
            v->keys.n++;
        free(key);
    }
    db_results_free(&r, 1);
    return v->keys.n > 0 ? ERR_OK : err_set(err, ERR_NOT_FOUND, "no key has signed anything yet; give --key");
}

static enum err_code load_older(struct verify *v, struct err *err) {
    const char *file = ctl_flag(v->c->args, "checkpoint");
    size_t n;
    if (file == NULL)
        return ERR_OK;
    if (ctl_audit_read(file, NOTE_MAX, &v->older_note, &n, err) != ERR_OK)
        return err->code;
    struct err why = {0};
    if (verify_open(v, v->older_note, &v->older, &why) != ERR_OK)
        return err_set(err, ERR_INVALID_VALUE, "%s: %s", file, err_text(&why));
    for (v->tree = AUDIT_TREES; v->tree > 0 && verify_origin(v, v->older.origin) == 0;)
        v->tree--;
    return v->tree > 0 ? ERR_OK
                       : err_set(err, ERR_INVALID_VALUE, "%s is of another log: %s", file, v->older.origin);
}

static void end_report(struct verify *v) {
    struct jbuf *b = &v->c->out;
    if (v->c->json) {
        jb_raw(b, "]");
        jb_kstr(b, "keys", v->keys.given ? "given" : v->c->far != NULL ? "service" : "database");
        jb_kint(b, "faultCount", (int64_t)v->nfaults);
        jb_kraw(b, "faults", "[");
        jb_mem(b, v->faults.p != NULL ? v->faults.p : "", v->faults.n);
        jb_raw(b, "]}}\n");
        return;
    }
    if (!v->keys.given)
        jb_printf(b, "The key came from the %s itself: give --key with the one that you keep elsewhere.\n",
                  v->c->far != NULL ? "service" : "database");
    if (v->nfaults == 0)
        jb_raw(b, "Nothing is wrong.\n");
    else
        jb_printf(b, "%zu faults:\n%s", v->nfaults, v->faults.p);
}

static void judge_older(struct verify *v) {
    if (v->older_note == NULL || v->older.size == 0 || v->older_met)
        return;
    for (v->tree = AUDIT_TREES; v->tree > 1 && verify_origin(v, v->older.origin) == 0;)
        v->tree--;
    verify_fault(v, "the checkpoint that was given has %" PRIu64 " records, and the tree has fewer now",
                 v->older.size);
}

static enum err_code check_trees(struct verify *v, struct arena *a, struct err *err) {
    struct audit_tree trees[AUDIT_TREES];
    enum err_code code = audit_begin(v->c->db, v->w.id.s, err);
    if (code == ERR_OK)
        code = audit_trees(v->c->db, v->w.id.s, a, trees, err);
    for (int tree = 1; code == ERR_OK && tree <= AUDIT_TREES; tree++)
        code = check_tree(v, tree, &trees[tree - 1], a, err);
    audit_end(v->c->db);
    return code;
}

enum err_code ctl_audit_verify(struct ctl *c, struct err *err) {
    struct verify *v = xcalloc(1, sizeof *v);
    struct arena *a = arena_new();
    v->c = c;
    for (unsigned level = 0; level < 63; level++) {
        v->nodes[level] = arena_alloc(a, nodes_of(v, level) * sizeof **v->nodes);
        v->there[level] = arena_alloc(a, nodes_of(v, level));
    }
    enum err_code code = ctl_audit_whose(c, c->args->words[2], &v->w, err);
    if (code == ERR_OK)
        code = load_keys(v, err);
    if (code == ERR_OK)
        code = load_older(v, err);
    if (code == ERR_OK) {
        jb_raw(&c->out, c->json ? "{\"audit\":{\"trees\":[" : "");
        code = c->far != NULL ? verify_far(v, err) : check_trees(v, a, err);
        if (code == ERR_OK)
            judge_older(v);
        if (code == ERR_OK)
            end_report(v);
        else
            jb_reset(&c->out);
    }
    if (code == ERR_OK && v->nfaults > 0)
        code = err_set(err, ERR_CONFLICT, "the audit of %s is not as it was signed: %zu faults", v->w.name,
                       v->nfaults);
    jb_free(&v->faults);
    free(v->older_note);
    free(v);
    arena_free(a);
    return code;
}
