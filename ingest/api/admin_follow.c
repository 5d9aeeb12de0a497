/* The audit as it comes, in the order of its trees: what usherctl audit follow asks for again and again.
 * Asked on the list threads. */
#include "ingest/api/admin.h"

#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "sql/ask/audit.h"

#include <string.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 200
/* So many records of a tree are looked at for one answer, whatever fits: it is no search. */
#define LOOKED_AT 5000

struct follow_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace;
    struct audit_filter filter;
    int64_t next[AUDIT_TREES]; /* the places to go on from; -1: from now on */
    int limit;
    bool more;
    struct audit_records found[AUDIT_TREES];
};

/* What is new in one tree, as far as one answer goes. */
static enum err_code follow_tree(struct follow_question *q, struct db *db, int tree, int64_t size, int limit,
                                 struct err *err) {
    struct audit_records *found = &q->found[tree - 1];
    int64_t *next = &q->next[tree - 1];
    int64_t end = size - *next > LOOKED_AT ? *next + LOOKED_AT : size;
    struct audit_filter f = q->filter;
    f.tree = tree;
    if (*next >= size)
        return ERR_OK;
    if (limit == 0) {
        q->more = true;
        return ERR_OK;
    }
    enum err_code code = audit_walk(db, q->workspace, &f, *next, end, limit, q->arena, found, err);
    if (code != ERR_OK)
        return code;
    *next = found->more ? found->rows[found->n - 1].n + 1 : end;
    q->more = q->more || *next < size;
    return ERR_OK;
}

static enum err_code follow_trees(struct follow_question *q, struct db *db, struct err *err) {
    struct audit_tree trees[AUDIT_TREES];
    enum err_code code = audit_trees(db, q->workspace, q->arena, trees, err);
    int left = q->limit;
    for (int tree = 1; code == ERR_OK && tree <= AUDIT_TREES; tree++) {
        int64_t size = trees[tree - 1].size;
        if (q->next[tree - 1] < 0)
            q->next[tree - 1] = size;
        else if (q->filter.tree == 0 || q->filter.tree == tree)
            code = follow_tree(q, db, tree, size, left, err);
        left -= (int)q->found[tree - 1].n;
    }
    return code;
}

static enum err_code ask_follow(struct question *question, struct db *db, struct err *err) {
    struct follow_question *q = (struct follow_question *)question;
    enum err_code code = audit_begin(db, q->workspace, err);
    if (code == ERR_OK)
        code = follow_trees(q, db, err);
    audit_end(db);
    return code;
}

/* ---- the question ---- */

static enum err_code read_place(const struct request *r, const char *name, int64_t *out, struct err *err) {
    if (query_int(&r->query, name, -1, out, err) != ERR_OK)
        return err->code;
    return *out >= -1 ? ERR_OK
                      : err_set_path(err, ERR_INVALID_VALUE, name, "%s is the place of a record", name);
}

static enum err_code read_follow(struct request *r, struct follow_question *q, struct err *err) {
    static const char *const own[] = {"limit", "changes", "requests"};
    int64_t limit;
    for (size_t i = 0; i < r->query.n; i++) {
        const struct query_param *p = &r->query.params[i];
        bool is_own = false;
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            is_own = is_own || strcmp(p->name, own[k]) == 0;
        enum err_code code = is_own ? ERR_OK : audit_filter_set(&q->filter, p->name, p->value, r->arena, err);
        if (code == ERR_NOT_FOUND) /* it would show everything instead of what was asked for */
            return err_set_path(err, ERR_INVALID_VALUE, p->name, "There is no parameter \"%.100s\" here",
                                p->name);
        if (code != ERR_OK)
            return code;
    }
    if (query_int(&r->query, "limit", LIMIT_DEFAULT, &limit, err) != ERR_OK)
        return err->code;
    if (limit < 1 || limit > LIMIT_MAX)
        return err_set_path(err, ERR_INVALID_VALUE, "limit", "limit is 1 to %d", LIMIT_MAX);
    q->limit = (int)limit;
    enum err_code code = read_place(r, "changes", &q->next[AUDIT_CHANGES - 1], err);
    return code == ERR_OK ? read_place(r, "requests", &q->next[AUDIT_REQUESTS - 1], err) : code;
}

static enum step follow_begin(struct request *r) {
    struct follow_question *q = arena_alloc(r->arena, sizeof *q);
    struct err err = {0};
    q->question = (struct question){.ask = ask_follow, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    if (read_follow(r, q, &err) != ERR_OK)
        return handle_refuse(r, &err);
    r->question = &q->question;
    return STEP_ASK;
}

/* ---- the answer ---- */

static enum step follow_on_rows(struct request *r) {
    const struct follow_question *q = (const struct follow_question *)r->question;
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{\"items\":[");
    for (int tree = 0; tree < AUDIT_TREES; tree++)
        for (size_t i = 0; i < q->found[tree].n; i++)
            admin_audit_put(b, &q->found[tree].rows[i]);
    jb_raw(b, "]");
    jb_kint(b, "changes", q->next[AUDIT_CHANGES - 1]);
    jb_kint(b, "requests", q->next[AUDIT_REQUESTS - 1]);
    jb_kbool(b, "more", q->more);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler admin_audit_follow = {.begin = follow_begin, .on_rows = follow_on_rows};
