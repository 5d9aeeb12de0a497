/* The signed heads of usherctl audit verify. */
#include "ops/ctl/ctl_audit_verify.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum err_code verify_open(struct verify *v, const char *note, struct checkpoint *out, struct err *err) {
    struct note_key keys[CTL_AUDIT_KEYS];
    char name[NOTE_NAME_MAX + 1];
    size_t n = 0;
    if (!signer_name(note, name))
        return err_set(err, ERR_INVALID_VALUE, "this is no signed note");
    for (size_t i = 0; i < v->keys.n; i++)
        n += note_key_make(&keys[n], name, v->keys.keys[i].key) ? 1 : 0;
    return checkpoint_open(note, strlen(note), keys, n, out, NULL, err);
}

int verify_origin(const struct verify *v, const char *origin) {
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

void verify_head(struct verify *v, const struct db_result *r, size_t row, const struct tree_hash *root) {
    struct checkpoint head = {0};
    struct err err = {0};
    int64_t size = db_int(r, row, 0), origin = db_int(r, row, 3);
    size_t n;
    char *stored = db_bytes(r, row, 1, &n);
    bool good = false;
    if (verify_open(v, db_text(r, row, 2), &head, &err) != ERR_OK)
        verify_fault(v, "checkpoint %" PRId64 " is not as it was signed: %s", size, err_text(&err));
    else if (verify_origin(v, head.origin) != origin)
        verify_fault(v, "checkpoint %" PRId64 " is of another tree: %s", size, head.origin);
    else if ((int64_t)head.size != size || n != TREE_HASH_SIZE || memcmp(stored, head.root.bytes, n) != 0)
        verify_fault(v,
                     "checkpoint %" PRId64 " was edited: its size or its root is not the one that was signed",
                     size);
    else if (!tree_hash_equal(&head.root, root) && origin < v->origin)
        v->ended++; /* that is why it was ended, and on record */
    else if (!tree_hash_equal(&head.root, root))
        verify_fault(v, "checkpoint %" PRId64 " was signed over other records than are stored now", size);
    else
        good = true;
    v->heads += good ? 1 : 0;
    free(stored);
}

void verify_older(struct verify *v, const struct tree_hash *root) {
    if (v->older_note == NULL || verify_origin(v, v->older.origin) == 0 || v->range.size != v->older.size)
        return;
    v->older_met = true;
    if (!tree_hash_equal(&v->older.root, root))
        verify_fault(v,
                     "the checkpoint that was given is no prefix: its first %" PRIu64 " records were others",
                     v->older.size);
}
