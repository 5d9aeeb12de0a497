#include "schemas/proof/tlog_proof.h"

#include "ops/runtime/base64.h"

#include <inttypes.h>
#include <string.h>

static const char first_line[] = "c2sp.org/tlog-proof@v1";

void tlog_proof_put(struct jbuf *b, const struct tlog_proof *p) {
    jb_printf(b, "%s\n", first_line);
    if (p->record != NULL) {
        jb_raw(b, "extra ");
        base64_put(b, p->record, p->nrecord);
        jb_raw(b, "\n");
    }
    jb_printf(b, "index %" PRIu64 "\n", p->index);
    for (size_t i = 0; i < p->path.n; i++) {
        base64_put(b, p->path.hashes[i].bytes, TREE_HASH_SIZE);
        jb_raw(b, "\n");
    }
    jb_raw(b, "\n");
    jb_mem(b, p->note, p->nnote);
}

/* What is left to read. */
struct proof_text {
    const char *at, *end;
};

static bool take_line(struct proof_text *t, const char **line, size_t *n) {
    const char *stop = t->at < t->end ? memchr(t->at, '\n', (size_t)(t->end - t->at)) : NULL;
    if (stop == NULL)
        return false;
    *line = t->at;
    *n = (size_t)(stop - t->at);
    t->at = stop + 1;
    return true;
}

static bool begins(const char *line, size_t n, const char *word, const char **rest, size_t *nrest) {
    size_t len = strlen(word);
    if (n < len || memcmp(line, word, len) != 0)
        return false;
    *rest = line + len;
    *nrest = n - len;
    return true;
}

static bool read_record(const char *text, size_t n, struct arena *a, struct tlog_proof *out) {
    /* One byte more than there can be, so that an empty record is one too. */
    void *bytes = arena_alloc(a, n / 4 * 3 + 1);
    out->record = bytes;
    return base64_decode(text, n, bytes, n / 4 * 3, &out->nrecord);
}

static bool read_index(const char *p, size_t n, uint64_t *out) {
    *out = 0;
    if (n == 0 || n > 19 || (n > 1 && p[0] == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = 10 * *out + (uint64_t)(p[i] - '0');
    }
    return *out >> TREE_LEVELS == 0;
}

static bool read_path(struct proof_text *t, struct tree_proof *out) {
    const char *line;
    size_t n, size;
    while (take_line(t, &line, &n)) {
        if (n == 0)
            return true;
        if (out->n == sizeof out->hashes / sizeof *out->hashes ||
            !base64_decode(line, n, out->hashes[out->n].bytes, TREE_HASH_SIZE, &size) ||
            size != TREE_HASH_SIZE)
            return false;
        out->n++;
    }
    return false;
}

enum err_code tlog_proof_parse(const char *text, size_t n, struct arena *a, struct tlog_proof *out,
                               struct err *err) {
    struct proof_text t = {text, text + n};
    const char *line, *rest;
    size_t len, nrest;
    *out = (struct tlog_proof){0};
    if (n > TLOG_PROOF_MAX)
        return err_set(err, ERR_INVALID_VALUE, "a proof has %d bytes at most", TLOG_PROOF_MAX);
    if (!take_line(&t, &line, &len) || len != strlen(first_line) || memcmp(line, first_line, len) != 0)
        return err_set(err, ERR_INVALID_VALUE, "this is no proof: its first line is not \"%s\"", first_line);
    if (!take_line(&t, &line, &len))
        return err_set(err, ERR_INVALID_VALUE, "the proof is cut");
    if (begins(line, len, "extra ", &rest, &nrest)) {
        if (!read_record(rest, nrest, a, out))
            return err_set(err, ERR_INVALID_VALUE, "the record in the proof is no base64");
        if (!take_line(&t, &line, &len))
            return err_set(err, ERR_INVALID_VALUE, "the proof is cut");
    }
    if (!begins(line, len, "index ", &rest, &nrest) || !read_index(rest, nrest, &out->index))
        return err_set(err, ERR_INVALID_VALUE, "the proof has no index");
    if (!read_path(&t, &out->path))
        return err_set(err, ERR_INVALID_VALUE, "the hashes of the proof are malformed");
    out->note = t.at;
    out->nnote = (size_t)(t.end - t.at);
    return ERR_OK;
}

enum err_code tlog_proof_check(const struct tlog_proof *p, const struct note_key *keys, size_t nkeys,
                               struct checkpoint *out, const struct note_key **signer, struct err *err) {
    struct tree_hash leaf;
    if (p->record == NULL)
        return err_set(err, ERR_INVALID_VALUE, "the proof does not hold the record");
    enum err_code code = checkpoint_open(p->note, p->nnote, keys, nkeys, out, signer, err);
    if (code != ERR_OK)
        return code;
    if (p->index >= out->size)
        return err_set(err, ERR_INVALID_VALUE, "record %" PRIu64 " is not in a tree of %" PRIu64, p->index,
                       out->size);
    tree_leaf_hash(p->record, p->nrecord, &leaf);
    if (!tree_check_inclusion(p->index, out->size, &leaf, &p->path, &out->root))
        return err_set(err, ERR_INVALID_VALUE,
                       "the record is not number %" PRIu64 " of the tree that was signed", p->index);
    return ERR_OK;
}
