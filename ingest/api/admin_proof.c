/* What proves the audit: a proof file of one record, and the newest signed heads. Both are asked on the list
 * threads. */
#include "ingest/api/admin.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "sql/ask/audit.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN 6 /* ids of records that a txn may mean */

/* ---- one record ---- */

struct proof_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace, *id;
    struct jbuf proof;
    struct err err; /* what is told */
};

static void free_proof(void *b) {
    jb_free(b);
}

/* A txn means all that a request has left, often more than one record. */
static enum err_code find_record(struct proof_question *q, struct db *db, const struct audit_record **out,
                                 struct err *err) {
    struct audit_records found = {0};
    struct uuid txn;
    enum err_code code = uuid_parse(q->id, &txn)
                             ? audit_by_txn(db, q->workspace, txn.s, q->arena, &found, err)
                             : audit_by_event(db, q->workspace, q->id, q->arena, &found, err);
    *out = found.n == 1 ? &found.rows[0] : NULL;
    if (code == ERR_OK && found.n == 0)
        code = err_set(err, ERR_NOT_FOUND,
                       "The archive has no record %.100s: it is seconds behind, or has dropped it", q->id);
    if (code != ERR_OK || found.n == 1)
        return code;
    const char *ids = "";
    for (size_t i = 0; i < found.n && i < SHOWN; i++)
        ids = arena_printf(q->arena, "%s%s%s", ids, i > 0 ? ", " : "", found.rows[i].event);
    return err_set(err, ERR_CONFLICT, "%zu records have this txn; give the id of one: %s%s", found.n, ids,
                   found.n > SHOWN ? ", …" : "");
}

static enum err_code ask_proof(struct question *question, struct db *db, struct err *err) {
    struct proof_question *q = (struct proof_question *)question;
    const struct audit_record *record = NULL;
    enum err_code code = audit_begin(db, q->workspace, err);
    if (code == ERR_OK)
        code = find_record(q, db, &record, err);
    jb_reset(&q->proof);
    if (code == ERR_OK)
        code = audit_prove(db, q->workspace, record, &q->proof, err);
    audit_end(db);
    if (code != ERR_NOT_FOUND && code != ERR_CONFLICT && code != ERR_INVALID_VALUE)
        return code;
    q->err = *err;
    return ERR_OK;
}

static enum step prove(struct request *r, const char *id) {
    struct proof_question *q = arena_alloc(r->arena, sizeof *q);
    q->question = (struct question){.ask = ask_proof, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    q->id = id;
    arena_defer(r->arena, free_proof, &q->proof);
    r->question = &q->question;
    return STEP_ASK;
}

static enum step proof_on_rows(struct request *r) {
    const struct proof_question *q = (const struct proof_question *)r->question;
    if (q->err.code != ERR_OK)
        return handle_refuse(r, &q->err);
    jb_mem(answer_begin(r, 200), q->proof.p, q->proof.n);
    answer_plain(r, 200, "text/plain; charset=utf-8");
    r->answer.disposition = "attachment; filename=\"record.tlog-proof\"";
    return STEP_ANSWERED;
}

/* The ids of records have slashes, and an encoded one is refused in a path: so each kind has a path of its
 * own. */
static enum step prove_change(struct request *r) {
    return prove(r, arena_printf(r->arena, "%s/audit/%s", r->route.segment, r->route.second));
}

static enum step prove_request(struct request *r) {
    return prove(r, arena_printf(r->arena, "%s/%s", r->route.segment, r->route.second));
}

static enum step prove_txn(struct request *r) {
    return prove(r, r->route.segment);
}

const struct handler admin_proof_change = {.begin = prove_change, .on_rows = proof_on_rows};
const struct handler admin_proof_request = {.begin = prove_request, .on_rows = proof_on_rows};
const struct handler admin_proof_txn = {.begin = prove_txn, .on_rows = proof_on_rows};

/* ---- heads ---- */

struct heads_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace;
    struct audit_heads heads;
};

static enum err_code ask_heads(struct question *question, struct db *db, struct err *err) {
    struct heads_question *q = (struct heads_question *)question;
    enum err_code code = audit_begin(db, q->workspace, err);
    if (code == ERR_OK)
        code = audit_heads(db, q->workspace, q->arena, &q->heads, err);
    audit_end(db);
    return code;
}

static enum step heads_begin(struct request *r) {
    struct heads_question *q = arena_alloc(r->arena, sizeof *q);
    q->question = (struct question){.ask = ask_heads, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    r->question = &q->question;
    return STEP_ASK;
}

/* A key signs under the name of the tree, so it is written down once for each. */
static void put_keys(struct jbuf *b, const struct audit_heads *h, const char *origin) {
    jb_kraw(b, "keys", "[");
    for (size_t i = 0; i < h->nkeys; i++) {
        struct note_key key;
        struct jbuf vkey = {0};
        if (!note_key_make(&key, origin, h->keys[i]))
            continue;
        note_vkey_put(&vkey, &key);
        jb_sep(b);
        jb_str(b, vkey.p);
        jb_free(&vkey);
    }
    jb_raw(b, "]");
}

static enum step heads_on_rows(struct request *r) {
    const struct audit_heads *h = &((const struct heads_question *)r->question)->heads;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"checkpoints\":[");
    for (int tree = 1; tree <= AUDIT_TREES; tree++) {
        const struct audit_head *head = &h->heads[tree - 1];
        struct checkpoint c;
        struct err err = {0};
        if (head->note == NULL || checkpoint_read(head->note, strlen(head->note), &c, &err) != ERR_OK)
            continue;
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "tree", audit_tree_name(tree));
        jb_kstr(b, "origin", c.origin);
        jb_kint(b, "size", head->size);
        api_put_time(b, "time", head->at_us);
        jb_kstr(b, "note", head->note);
        put_keys(b, h, c.origin);
        jb_raw(b, "}");
    }
    jb_raw(b, "]}");
    return STEP_ANSWERED;
}

const struct handler admin_checkpoints = {.begin = heads_begin, .on_rows = heads_on_rows};
