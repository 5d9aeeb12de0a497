/* usherctl audit verify: computes the trees again from the stored records, and compares everything that is
 * stored beside them: hashes, signed heads, columns, numbers. What was edited, removed or inserted is named.
 */
#include "ops/ctl/ctl_audit.h"

#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 512 /* leaves at a time */
#define FAULTS_SHOWN 100

/* Columns of verify_leaves that repeat what the record says, and where it says so ("/" between members). */
struct told {
    int col;
    const char *name, *change, *request;
};
enum { LEAF_N, LEAF_BYTES, LEAF_EVENT, LEAF_EPOCH, LEAF_SEQ, LEAF_AT = 23 };
static const struct told told[] = {
    {3, "epoch", "epoch", NULL},
    {4, "seq", "seq", "n"},
    {5, "txn", "txn", "txn"},
    {7, "actor_id", "actor/id", "key/id"},
    {8, "actor_name", "actor/name", "key/name"},
    {9, "action", "action", NULL},
    {10, "outcome", "outcome", NULL},
    {11, "reason", "reason", NULL},
    {13, "target_id", "target/id", "room"},
    {14, "target_name", "target/name", NULL},
    {15, "subject_id", "subject/id", "user"},
    {16, "subject_name", "subject/name", NULL},
    {17, "method", NULL, "method"},
    {18, "path", NULL, "path"},
    {19, "status", NULL, "status"},
    {20, "source", NULL, "sourceIp"},
    {21, "user_agent", NULL, "userAgent"},
    {22, "rate_limited", NULL, "rateLimited"},
};

struct gap {
    int64_t n, epoch, seq;
};

struct verify {
    struct ctl *c;
    struct ctl_workspace w;
    struct ctl_audit_keys keys;
    struct checkpoint older; /* of --checkpoint; size 0 and no origin: none */
    char *older_note;
    struct jbuf faults; /* lines, or JSON texts */
    size_t nfaults;

    /* the tree under way */
    int tree;
    int64_t size, signed_size;
    int origin;    /* its number */
    int64_t ended; /* heads of origins that were ended, which do not hold */
    struct tree_range range;
    int64_t page;                /* the first leaf of the page */
    struct tree_hash *nodes[64]; /* stored ones of this page, by level */
    bool *there[64];             /* which of them there are */
    int64_t hashed, by_hash,
        heads;         /* leaves that were hashed, that have no bytes any more; heads that hold */
    int64_t gone_last; /* the last leaf whose bytes are gone, not yet known to be allowed; -1 */
    int64_t gone_first;
    int64_t epoch, seq; /* of the last change */
    int64_t first_epoch, first_seq;
    struct gap *gaps;
    size_t ngaps;
    bool older_met;
};

static void add_fault(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_fault(struct verify *v, const char *fmt, ...) {
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
    return level < 10 ? (size_t)(PAGE >> level) + 1 : 2;
}

static int64_t first_node(const struct verify *v, unsigned level) {
    return v->page >> level;
}

/* A run of hashes ends at the latest where the next one begins: so they are looked up, too. */
static void take_run(struct verify *v, const struct db_result *r, size_t row) {
    uint64_t first = (uint64_t)db_int(r, row, 0), page = (uint64_t)v->page,
             end = row + 1 < db_rows(r) ? (uint64_t)db_int(r, row + 1, 0) : page + PAGE;
    size_t n;
    char *hashes = db_bytes(r, row, 1, &n);
    for (uint64_t leaf = first > page ? first : page; leaf < end && leaf < page + PAGE; leaf++) {
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
        add_fault(v, "node (%u, %" PRIu64 ") is missing", level, index);
    else if (!tree_hash_equal(hash, &v->nodes[level][at]))
        add_fault(v, "node (%u, %" PRIu64 ") was edited: it is not the hash of the leaves below it", level,
                  index);
}

/* ---- records ---- */

static const json_t *member_at(const json_t *record, const char *path) {
    const char *slash = strchr(path, '/');
    char first[32];
    if (slash == NULL)
        return json_object_get(record, path);
    snprintf(first, sizeof first, "%.*s", (int)(slash - path), path);
    return json_object_get(json_object_get(record, first), slash + 1);
}

/* Does the column, as text, say what the member says? */
static bool says(const struct db_result *r, size_t row, int col, const json_t *member) {
    char text[32];
    if (member == NULL || json_is_null(member))
        return db_is_null(r, row, col) || strcmp(db_text(r, row, col), "f") == 0;
    if (db_is_null(r, row, col))
        return false;
    if (json_is_boolean(member))
        return db_bool(r, row, col) == json_is_true(member);
    if (json_is_integer(member)) {
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(member));
        return strcmp(db_text(r, row, col), text) == 0;
    }
    return json_is_string(member) && strcmp(db_text(r, row, col), json_string_value(member)) == 0;
}

static void compare_columns(struct verify *v, const struct db_result *r, size_t row, const json_t *record) {
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *path = v->tree == AUDIT_CHANGES ? told[i].change : told[i].request;
        if (path != NULL && !says(r, row, told[i].col, member_at(record, path)))
            add_fault(v,
                      "record %s (%s) was edited: its column %s is \"%.60s\" and the record says otherwise",
                      db_text(r, row, LEAF_N), db_text(r, row, LEAF_EVENT), told[i].name,
                      db_text(r, row, told[i].col));
    }
}

static bool is_known_gap(const struct verify *v, int64_t n) {
    for (size_t i = 0; i < v->ngaps; i++)
        if (v->gaps[i].n == n)
            return true;
    return false;
}

static void check_number(struct verify *v, int64_t n, const json_t *record) {
    int64_t epoch = json_integer_value(json_object_get(record, "epoch"));
    int64_t seq = json_integer_value(json_object_get(record, "seq"));
    if (v->seq == 0) {
        v->first_epoch = epoch;
        v->first_seq = seq;
    } else if ((epoch < v->epoch || (epoch == v->epoch && seq != v->seq + 1) || seq <= v->seq) &&
               !is_known_gap(v, n)) {
        add_fault(v, "record %" PRId64 " has number %" PRId64 "/%" PRId64 " behind %" PRId64 "/%" PRId64, n,
                  epoch, seq, v->epoch, v->seq);
    }
    v->epoch = epoch;
    v->seq = seq;
}

/* The bytes of one record: gives the leaf's hash as they say. */
static void check_record(struct verify *v, const struct db_result *r, size_t row, struct tree_hash *leaf) {
    size_t n;
    int64_t index = db_int(r, row, LEAF_N), at = index - v->page;
    char *bytes = db_bytes(r, row, LEAF_BYTES, &n);
    tree_leaf_hash(bytes, n, leaf);
    v->hashed++;
    if (!v->there[0][at])
        add_fault(v, "record %" PRId64 " (%s) has no hash", index, db_text(r, row, LEAF_EVENT));
    else if (!tree_hash_equal(leaf, &v->nodes[0][at]))
        add_fault(v, "record %" PRId64 " (%s) or its hash was edited: they do not belong together", index,
                  db_text(r, row, LEAF_EVENT));
    json_t *record = json_loadb(bytes, n, JSON_ALLOW_NUL, NULL);
    if (record != NULL && json_is_object(record)) {
        compare_columns(v, r, row, record);
        if (v->tree == AUDIT_CHANGES)
            check_number(v, index, record);
    }
    json_decref(record);
    free(bytes);
}

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
        add_fault(v, "record %" PRId64 " was removed", v->gone_first);
    else if (v->gone_first >= 0 && kept)
        add_fault(v, "records %" PRId64 " to %" PRId64 " or some of them were removed", v->gone_first,
                  v->gone_last);
    v->gone_first = v->gone_last = -1;
}

/* ---- heads ---- */

/* The name under which a note is signed: its keys in the database have none. */
static bool signer_name(const char *note, char name[NOTE_NAME_MAX + 1]) {
    const char *line = strstr(note, "\n\n\xe2\x80\x94 ");
    const char *end = line != NULL ? strchr(line + 6, ' ') : NULL;
    if (end == NULL || (size_t)(end - line - 6) > NOTE_NAME_MAX)
        return false;
    memcpy(name, line + 6, (size_t)(end - line - 6));
    name[end - line - 6] = '\0';
    return true;
}

/* Opens a note with each public key that is trusted, under the name that the note has. */
static enum err_code open_note_here(struct verify *v, const char *note, struct checkpoint *out,
                                    struct err *err) {
    struct note_key keys[CTL_AUDIT_KEYS];
    char name[NOTE_NAME_MAX + 1];
    size_t n = 0;
    if (!signer_name(note, name))
        return err_set(err, ERR_INVALID_VALUE, "this is no signed note");
    for (size_t i = 0; i < v->keys.n; i++)
        n += note_key_make(&keys[n], name, v->keys.keys[i].key) ? 1 : 0;
    return checkpoint_open(note, strlen(note), keys, n, out, NULL, err);
}

/* The number of an origin of this tree; 0: it is of another one. */
static int number_of_origin(const struct verify *v, const char *origin) {
    char name[80], *end = NULL;
    snprintf(name, sizeof name, "/%s/%s", v->w.id.s, audit_tree_name(v->tree));
    const char *at = strstr(origin, name);
    if (at == NULL || at == origin)
        return 0;
    at += strlen(name);
    if (*at == '\0')
        return 1;
    long number = at[0] == '/' && at[1] >= '1' && at[1] <= '9' ? strtol(at + 1, &end, 10) : 0;
    return number > 1 && *end == '\0' && number < INT_MAX ? (int)number : 0;
}

static bool is_ours(const struct verify *v, const char *origin) {
    return number_of_origin(v, origin) > 0;
}

static void check_head(struct verify *v, const struct db_result *r, size_t row,
                       const struct tree_hash *root) {
    struct checkpoint head = {0};
    struct err err = {0};
    int64_t size = db_int(r, row, 0), origin = db_int(r, row, 3);
    size_t n;
    char *stored = db_bytes(r, row, 1, &n);
    bool good = false;
    if (open_note_here(v, db_text(r, row, 2), &head, &err) != ERR_OK)
        add_fault(v, "checkpoint %" PRId64 " is not as it was signed: %s", size, err_text(&err));
    else if (number_of_origin(v, head.origin) != origin)
        add_fault(v, "checkpoint %" PRId64 " is of another tree: %s", size, head.origin);
    else if ((int64_t)head.size != size || n != TREE_HASH_SIZE || memcmp(stored, head.root.bytes, n) != 0)
        add_fault(v, "checkpoint %" PRId64 " was edited: its size or its root is not the one that was signed",
                  size);
    else if (!tree_hash_equal(&head.root, root) && origin < v->origin)
        v->ended++; /* that is why it was ended, and on record */
    else if (!tree_hash_equal(&head.root, root))
        add_fault(v, "checkpoint %" PRId64 " was signed over other records than are stored now", size);
    else
        good = true;
    v->heads += good ? 1 : 0;
    free(stored);
}

static void check_older(struct verify *v, const struct tree_hash *root) {
    if (v->older_note == NULL || !is_ours(v, v->older.origin) || v->range.size != v->older.size)
        return;
    v->older_met = true;
    if (!tree_hash_equal(&v->older.root, root))
        add_fault(v, "the checkpoint that was given is no prefix: its first %" PRIu64 " records were others",
                  v->older.size);
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
            check_record(v, leaves, row++, &leaf);
        else if (v->there[0][i - v->page])
            note_gone(v, i);
        else
            add_fault(v, "record %" PRId64 " and its hash were removed", i);
        for (; row < db_rows(leaves) && db_int(leaves, row, LEAF_N) == i; row++)
            add_fault(v, "record %" PRId64 " is there twice: %s was inserted, or it was before it", i,
                      db_text(leaves, row, LEAF_EVENT));
        /* The stored hash goes on where there is one, so that a fault is named once and not by all above it.
         */
        tree_append(&v->range, v->there[0][i - v->page] ? &v->nodes[0][i - v->page] : &leaf, compare_node, v);
        if (head < db_rows(heads) || v->older.size == v->range.size) {
            tree_root(&v->range, &root);
            check_older(v, &root);
        }
        for (; head < db_rows(heads) && db_int(heads, head, 0) == i + 1; head++) {
            check_head(v, heads, head, &root);
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
        add_fault(v, "%s nodes stand behind the end of the tree: they were inserted, or the end was moved",
                  db_text(r, 0, 0));
    if (db_int(r, 0, 1) > 0)
        add_fault(v, "%s records stand behind the end of the tree: they were inserted, or the end was moved",
                  db_text(r, 0, 1));
    if (db_int(r, 0, 2) > 0)
        add_fault(v, "%s checkpoints are of more records than the tree has: its end was moved",
                  db_text(r, 0, 2));
    db_results_free(&r, 1);
    return ERR_OK;
}

static void show_tree(struct verify *v, const struct tree_hash *root) {
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

static void begin_tree(struct verify *v, int tree, const struct audit_tree *t) {
    v->tree = tree;
    v->size = t->size;
    v->signed_size = t->signed_size;
    v->origin = t->origin;
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
    begin_tree(v, tree, t);
    snprintf(number, sizeof number, "%d", tree);
    enum err_code code = load_gaps(v, a, number, err);
    for (v->page = 0; code == ERR_OK && v->page < v->size; v->page += PAGE) {
        int64_t end = v->size - v->page < PAGE ? v->size : v->page + PAGE;
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
        add_fault(v, "the archive has stopped: %s", t->stopped);
    if (t->refused != NULL)
        add_fault(v, "the archive does not sign any more: %s", t->refused);
    if (v->size > 0 && v->signed_size == 0)
        add_fault(v, "there is no checkpoint: nothing proves that these records are the ones of before");
    tree_root(&v->range, &root);
    show_tree(v, &root);
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err_code load_keys(struct verify *v, struct err *err) {
    const char *given = ctl_flag(v->c->args, "key");
    struct db_result *r;
    if (given != NULL)
        return ctl_audit_keys(given, &v->keys, err);
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
    if (open_note_here(v, v->older_note, &v->older, &why) != ERR_OK)
        return err_set(err, ERR_INVALID_VALUE, "%s: %s", file, err_text(&why));
    for (v->tree = AUDIT_TREES; v->tree > 0 && !is_ours(v, v->older.origin);)
        v->tree--;
    return v->tree > 0 ? ERR_OK
                       : err_set(err, ERR_INVALID_VALUE, "%s is of another log: %s", file, v->older.origin);
}

static void end_report(struct verify *v) {
    struct jbuf *b = &v->c->out;
    if (v->c->json) {
        jb_raw(b, "]");
        jb_kstr(b, "keys", v->keys.given ? "given" : "database");
        jb_kint(b, "faultCount", (int64_t)v->nfaults);
        jb_kraw(b, "faults", "[");
        jb_mem(b, v->faults.p != NULL ? v->faults.p : "", v->faults.n);
        jb_raw(b, "]}}\n");
        return;
    }
    if (!v->keys.given)
        jb_raw(b,
               "The key came from the database itself: give --key with the one that you keep elsewhere.\n");
    if (v->nfaults == 0)
        jb_raw(b, "Nothing is wrong.\n");
    else
        jb_printf(b, "%zu faults:\n%s", v->nfaults, v->faults.p);
}

static enum err_code check_trees(struct verify *v, struct arena *a, struct err *err) {
    struct audit_tree trees[AUDIT_TREES];
    enum err_code code = audit_trees(v->c->db, v->w.id.s, a, trees, err);
    for (int tree = 1; code == ERR_OK && tree <= AUDIT_TREES; tree++)
        code = check_tree(v, tree, &trees[tree - 1], a, err);
    if (code == ERR_OK && v->older_note != NULL && v->older.size > 0 && !v->older_met) {
        for (v->tree = AUDIT_TREES; v->tree > 1 && !is_ours(v, v->older.origin);)
            v->tree--;
        add_fault(v, "the checkpoint that was given has %" PRIu64 " records, and the tree has fewer now",
                  v->older.size);
    }
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
    if (code == ERR_OK)
        code = audit_begin(c->db, v->w.id.s, err);
    if (code == ERR_OK) {
        jb_raw(&c->out, c->json ? "{\"audit\":{\"trees\":[" : "");
        code = check_trees(v, a, err);
        audit_end(c->db);
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
