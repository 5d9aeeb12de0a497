/* usherctl audit verify from afar: an export is read, each record is hashed, the trees are built of the
 * hashes, and compared with the signed head that the export names. So all that is trusted is the public key.
 * What is stored beside the records (hashes, columns, older heads) is looked at by who can see the database.
 */
#include "ops/ctl/ctl_audit_verify.h"

#include "ops/ctl/ctl_far.h"
#include "ops/runtime/mem.h"
#include "schemas/proof/tlog_proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One tree of the export: where its lines begin in the file, and what its last line says. */
struct part {
    off_t begins;
    json_t *end;
};

/* ---- keys ---- */

static void take_key(struct verify *v, const char *vkey) {
    struct err ignored = {0};
    struct note_key key;
    if (vkey == NULL || note_vkey_parse(vkey, &key, &ignored) != ERR_OK)
        return;
    for (size_t i = 0; i < v->keys.n; i++)
        if (memcmp(v->keys.keys[i].key, key.key, sizeof key.key) == 0)
            return;
    if (v->keys.n < CTL_AUDIT_KEYS)
        v->keys.keys[v->keys.n++] = key;
}

enum err_code verify_far_keys(struct verify *v, struct err *err) {
    json_t *doc = NULL;
    const json_t *head, *key;
    size_t i, k;
    enum err_code code = ctl_far_ask(v->c, "GET", "/checkpoints", NULL, &doc, err);
    if (code != ERR_OK)
        return code;
    json_array_foreach(json_object_get(doc, "checkpoints"), i, head)
        json_array_foreach(json_object_get(head, "keys"), k, key) take_key(v, json_string_value(key));
    json_decref(doc);
    return v->keys.n > 0 ? ERR_OK : err_set(err, ERR_NOT_FOUND, "no key has signed anything yet; give --key");
}

/* ---- the file ---- */

/* The last line of a tree is no record: no record has this member. */
static json_t *end_line(const char *line, size_t n) {
    static const char begins[] = "{\"kind\":\"end\"";
    return n >= sizeof begins - 1 && memcmp(line, begins, sizeof begins - 1) == 0
               ? json_loadb(line, n, JSON_ALLOW_NUL, NULL)
               : NULL;
}

/* Where each tree begins and what it says at its end. An export that was broken off has no such line. */
static enum err_code find_parts(FILE *f, struct part parts[AUDIT_TREES], struct err *err) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int tree = 0;
    rewind(f);
    parts[0].begins = 0;
    while (tree < AUDIT_TREES && (n = getline(&line, &cap, f)) > 0) {
        json_t *end = end_line(line, (size_t)n);
        if (end == NULL)
            continue;
        parts[tree++].end = end;
        if (tree < AUDIT_TREES)
            parts[tree].begins = ftello(f);
    }
    free(line);
    return tree == AUDIT_TREES ? ERR_OK : err_set(err, ERR_LOST, "the export was broken off");
}

/* ---- what is gone ---- */

/* The records before `first` are gone, and their hashes stay. Those that the first record's proof has to its
 * left are just what a tree that grows keeps of them. */
static enum err_code open_behind_gone(struct verify *v, const char *record, size_t n, int64_t first,
                                      struct err *err) {
    char *path, *text = NULL;
    struct tlog_proof p;
    struct checkpoint head;
    json_t *doc = json_loadb(record, n, JSON_ALLOW_NUL, NULL);
    json_int_t number = json_integer_value(json_object_get(doc, v->tree == AUDIT_CHANGES ? "seq" : "n"));
    if (v->tree == AUDIT_CHANGES)
        path = xasprintf("/audit/proof/%s/audit/%" JSON_INTEGER_FORMAT, v->w.id.s, number);
    else
        path = xasprintf("/audit/proof/%s/%" JSON_INTEGER_FORMAT, ctl_or(ctl_text(doc, "instance"), "-"),
                         number);
    json_decref(doc);
    struct arena *a = arena_new();
    enum err_code code = ctl_far_read(v->c, path, NULL, &text, err);
    if (code == ERR_OK)
        code = tlog_proof_parse(text, strlen(text), a, &p, err);
    if (code == ERR_OK)
        code = verify_open(v, p.note, &head, err);
    if (code == ERR_OK && !tree_range_of_proof(&v->range, (uint64_t)first, head.size, &p.path))
        code = err_set(err, ERR_INVALID_VALUE, "the proof of record %" PRId64 " has too few hashes", first);
    v->by_hash = first;
    free(text);
    free(path);
    arena_free(a);
    return code;
}

/* ---- a tree ---- */

static void far_older(struct verify *v) {
    struct tree_hash root;
    if (v->older_note == NULL || v->older.size != v->range.size)
        return;
    tree_root(&v->range, &root);
    verify_older(v, &root);
}

static void far_record(struct verify *v, const char *line, size_t n) {
    struct tree_hash leaf;
    int64_t index = (int64_t)v->range.size;
    json_t *record = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
    if (record == NULL)
        verify_fault(v, "record %" PRId64 " is no JSON", index);
    else if (v->tree == AUDIT_CHANGES)
        verify_number(v, index, record);
    json_decref(record);
    tree_leaf_hash(line, n, &leaf);
    tree_append(&v->range, &leaf, NULL, NULL);
    v->hashed++;
    far_older(v);
}

static enum err_code read_records(struct verify *v, FILE *f, const struct part *part, struct err *err) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int64_t left = ctl_number(part->end, "records"), first = ctl_number(part->end, "firstIndex");
    enum err_code code = fseeko(f, part->begins, SEEK_SET) == 0
                             ? ERR_OK
                             : err_set(err, ERR_INTERNAL, "the export cannot be read again");
    for (bool begins = true; code == ERR_OK && left > 0 && (n = getline(&line, &cap, f)) > 0; left--) {
        n -= line[n - 1] == '\n';
        if (begins && first > 0) {
            code = open_behind_gone(v, line, (size_t)n, first, err);
            far_older(v);
        }
        if (code == ERR_OK)
            far_record(v, line, (size_t)n);
        begins = false;
    }
    free(line);
    return code;
}

static void far_head(struct verify *v, const char *note, const struct tree_hash *root) {
    struct checkpoint head;
    struct err why = {0};
    if (note == NULL) {
        if (v->size > 0)
            verify_fault(v,
                         "there is no checkpoint: nothing proves that these records are the ones of before");
        return;
    }
    if (verify_open(v, note, &head, &why) != ERR_OK) {
        verify_fault(v, "the checkpoint is not signed with a key that is trusted: %s", err_text(&why));
        return;
    }
    v->origin = verify_origin(v, head.origin);
    v->signed_size = (int64_t)head.size;
    if (v->origin == 0)
        verify_fault(v, "the checkpoint is of another tree: %s", head.origin);
    else if (head.size != v->range.size)
        verify_fault(v, "the checkpoint is of %" PRIu64 " records, and %" PRIu64 " are there", head.size,
                     v->range.size);
    else if (!tree_hash_equal(&head.root, root))
        verify_fault(v, "the checkpoint was signed over other records than are there now");
    else
        v->heads++;
}

static enum err_code far_tree(struct verify *v, FILE *f, const struct part *part, int tree, struct err *err) {
    struct tree_hash root;
    verify_begin_tree(v, tree, ctl_number(part->end, "size"));
    int64_t records = ctl_number(part->end, "records"),
            gone = ctl_number(part->end, "lastIndex") - ctl_number(part->end, "firstIndex") + 1 - records;
    if (records > 0 && gone > 0)
        verify_fault(v,
                     "%" PRId64 " records between the first and the last are gone: who sees the database can "
                     "say which",
                     gone);
    enum err_code code = read_records(v, f, part, err);
    if (code != ERR_OK)
        return code;
    tree_root(&v->range, &root);
    far_head(v, ctl_text(part->end, "checkpoint"), &root);
    verify_show_tree(v, &root);
    return ERR_OK;
}

enum err_code verify_far(struct verify *v, struct err *err) {
    struct part parts[AUDIT_TREES] = {0};
    FILE *f = tmpfile();
    if (f == NULL)
        return err_set(err, ERR_INTERNAL, "no temporary file can be made");
    enum err_code code = ctl_far_read(v->c, "/audit/export?format=ndjson", f, NULL, err);
    if (code == ERR_OK)
        code = find_parts(f, parts, err);
    for (int tree = 1; code == ERR_OK && tree <= AUDIT_TREES; tree++)
        code = far_tree(v, f, &parts[tree - 1], tree, err);
    for (int i = 0; i < AUDIT_TREES; i++)
        json_decref(parts[i].end);
    fclose(f);
    return code;
}
