#include "workers/archive/book.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/id.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "workers/archive/sums.h"
#include "workers/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

/* A batch under way. */
struct page {
    struct book *book;
    struct arena *arena;
    struct entry *entries; /* those that can be read */
    size_t n;
    struct archive_begun begun;
    struct archive_tree *trees; /* with room for those that are new */
    bool *changed;
    size_t ntrees, last; /* last: the one that was found */
    struct run *runs;    /* of each tree what its new leaves complete */
    struct archive_batch out;
    struct sums *sums;
    const struct archive_resumed *resumed; /* what was aside of this tree is added now; NULL: none */
};

struct run {
    int64_t n; /* of the first of these leaves */
    struct jbuf hashes;
};

/* ---- what the batch is about ---- */

static void put_aside(struct page *p, const char *workspace, int tree, const struct entry *e) {
    p->out.asides[p->out.nasides++] = (struct archive_aside){.workspace = workspace,
                                                             .tree = tree,
                                                             .partition = e->partition,
                                                             .offset = e->offset,
                                                             .event = e->leaf.event,
                                                             .bytes = e->leaf.bytes};
    metric_add(worker_stats.archive_aside, 1);
}

static void read_entries(struct page *p, const struct entry_source *records, size_t n) {
    const char *why;
    p->entries = arena_alloc(p->arena, n * sizeof *p->entries);
    for (size_t i = 0; i < n; i++) {
        struct entry *e = &p->entries[p->n];
        if (entry_read(&records[i], p->book->partitions, p->arena, e, &why)) {
            p->n++;
            continue;
        }
        log_event(LOG_ERROR, "archive-unreadable", "partition=%d offset=%lld reason=\"%s\"", e->partition,
                  (long long)e->offset, why);
        put_aside(p, UUID_NIL, ARCHIVE_REQUESTS, e);
    }
}

static void add_once(const char **list, size_t *n, const char *s) {
    for (size_t i = *n; i-- > 0;)
        if (strcmp(list[i], s) == 0)
            return;
    list[(*n)++] = s;
}

static enum err_code make_days(struct page *p, struct err *err) {
    struct book *b = p->book;
    for (size_t i = 0; i < p->n; i++) {
        int64_t day = p->entries[i].leaf.at_us / DAY_US;
        size_t d = 0;
        while (d < b->ndays && b->days[d] != day)
            d++;
        if (d < b->ndays)
            continue;
        if (archive_day(b->db, p->entries[i].leaf.at_us, err) != ERR_OK)
            return err->code;
        b->ndays = b->ndays < sizeof b->days / sizeof *b->days ? b->ndays : 0;
        b->days[b->ndays++] = day;
    }
    return ERR_OK;
}

/* Is it a request that may be there already, since the log has begun anew? */
static bool is_doubtful(const struct page *p, const struct entry *e) {
    return e->leaf.tree == ARCHIVE_REQUESTS && e->leaf.txn != NULL &&
           e->offset < p->book->places[e->partition].recheck;
}

/* Whose rows it locks, and what it asks about. */
static enum err_code begin(struct page *p, const struct entry_source *records, size_t n, struct err *err) {
    const char **workspaces = arena_alloc(p->arena, (n + 1) * sizeof *workspaces);
    const char **txns = arena_alloc(p->arena, (n + 1) * sizeof *txns);
    int32_t *partitions = arena_alloc(p->arena, (size_t)p->book->partitions * sizeof *partitions);
    struct archive_place *places = arena_alloc(p->arena, (size_t)p->book->partitions * sizeof *places);
    size_t nworkspaces = 0, ntxns = 0, npartitions = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        while (at < npartitions && partitions[at] != records[i].partition)
            at++;
        if (at == npartitions)
            partitions[npartitions++] = records[i].partition;
        places[at] = (struct archive_place){records[i].partition, records[i].offset + 1, 0};
    }
    if (p->out.nasides > 0)
        add_once(workspaces, &nworkspaces, UUID_NIL);
    for (size_t i = 0; i < p->n; i++) {
        add_once(workspaces, &nworkspaces, p->entries[i].leaf.workspace);
        if (is_doubtful(p, &p->entries[i]))
            txns[ntxns++] = p->entries[i].leaf.txn;
    }
    for (size_t i = 0; p->resumed != NULL && i < npartitions; i++)
        places[i].next = p->book->places[places[i].partition].next; /* it stays where it is */
    p->out.places = places;
    p->out.nplaces = npartitions;
    if (archive_begin(p->book->db, partitions, npartitions, workspaces, nworkspaces, txns, ntxns, &p->begun,
                      err) != ERR_OK)
        return err->code;
    p->trees = arena_alloc(p->arena, (p->begun.ntrees + 2 * nworkspaces) * sizeof *p->trees);
    p->changed = arena_alloc(p->arena, p->begun.ntrees + 2 * nworkspaces);
    p->runs = arena_alloc(p->arena, (p->begun.ntrees + 2 * nworkspaces) * sizeof *p->runs);
    p->ntrees = p->begun.ntrees;
    if (p->ntrees > 0)
        memcpy(p->trees, p->begun.trees, p->ntrees * sizeof *p->trees);
    return ERR_OK;
}

/* Nobody else has added to these partitions since we did. */
static enum err_code check_places(const struct page *p, struct err *err) {
    if (p->begun.nplaces != p->out.nplaces)
        return err_set(err, ERR_DB_FENCED, "A place in usher.audit is gone");
    for (size_t i = 0; i < p->begun.nplaces; i++) {
        const struct archive_place *is = &p->begun.places[i], *was = &p->book->places[is->partition];
        if (is->next != was->next || is->recheck != was->recheck)
            return err_set(err, ERR_DB_FENCED, "Another archive has added to partition %d", is->partition);
    }
    return ERR_OK;
}

/* ---- trees ---- */

static bool is_tree_of(const struct archive_tree *t, const struct entry *e) {
    return t->tree == e->leaf.tree && strcmp(t->workspace, e->leaf.workspace) == 0;
}

static struct archive_tree *tree_for(struct page *p, const struct entry *e) {
    size_t i = p->last;
    if (i >= p->ntrees || !is_tree_of(&p->trees[i], e))
        for (i = 0; i < p->ntrees && !is_tree_of(&p->trees[i], e);)
            i++;
    if (i == p->ntrees) {
        struct archive_tree *t = &p->trees[p->ntrees++];
        *t = (struct archive_tree){.tree = e->leaf.tree};
        snprintf(t->workspace, sizeof t->workspace, "%s", e->leaf.workspace);
    }
    p->last = i;
    p->trees[i].partition = e->partition;
    return &p->trees[i];
}

static void change(struct page *p, const struct archive_tree *t) {
    p->changed[t - p->trees] = true;
}

static void put_hash(void *ctx, unsigned level, uint64_t index, const struct tree_hash *hash) {
    struct run *run = ctx;
    (void)level;
    (void)index;
    jb_mem(&run->hashes, (const char *)hash->bytes, TREE_HASH_SIZE);
}

static void append_leaf(struct page *p, struct archive_tree *t, const struct entry *e) {
    struct run *run = &p->runs[t - p->trees];
    struct tree_hash hash;
    struct archive_leaf *l = &p->out.leaves[p->out.nleaves++];
    *l = e->leaf;
    l->n = (int64_t)t->range.size;
    if (run->hashes.n == 0)
        run->n = l->n;
    tree_leaf_hash(l->bytes.p, l->bytes.n, &hash);
    tree_append(&t->range, &hash, put_hash, run);
    if (l->tree == ARCHIVE_CHANGES) {
        t->first_seq = t->first_seq > 0 ? t->first_seq : l->seq;
        t->epoch = l->epoch;
        t->seq = l->seq;
    }
    change(p, t);
    sums_add(p->sums, e);
}

/* ---- numbers that do not follow ---- */

static void note_gap(struct page *p, const struct archive_tree *t, const struct entry *e, const char *why) {
    p->out.gaps[p->out.ngaps++] = (struct archive_gap){.workspace = e->leaf.workspace,
                                                       .tree = e->leaf.tree,
                                                       .n = (int64_t)t->range.size,
                                                       .epoch = e->leaf.epoch,
                                                       .seq = e->leaf.seq,
                                                       .before_epoch = t->epoch,
                                                       .before_seq = t->seq,
                                                       .why = why};
    log_event(LOG_WARN, "archive-gap", "workspace=%s why=\"%s\" before=%lld/%lld then=%lld/%lld",
              t->workspace, why, (long long)t->epoch, (long long)t->seq, (long long)e->leaf.epoch,
              (long long)e->leaf.seq);
}

/* The hash of a leaf that is there: of this batch, or of one before. */
static enum err_code hash_of(const struct page *p, const struct archive_tree *t, int64_t n,
                             struct tree_hash *out, bool *there, struct err *err) {
    const struct run *run = &p->runs[t - p->trees];
    if (run->hashes.n == 0 || n < run->n)
        return archive_leaf_hash(p->book->db, t->workspace, t->tree, n, out, there, err);
    uint64_t at = tree_hashes_before((uint64_t)n) - tree_hashes_before((uint64_t)run->n);
    memcpy(out->bytes, run->hashes.p + at * TREE_HASH_SIZE, TREE_HASH_SIZE);
    *there = true;
    return ERR_OK;
}

/* A number that was there already: the same record does no harm. Another one means that somebody signed, or
 * would sign, two histories; so nothing of this tree is signed any more. */
static enum err_code compare(struct page *p, struct archive_tree *t, const struct entry *e, struct err *err) {
    struct tree_hash is, was;
    bool there = false;
    int64_t n = (int64_t)t->range.size - 1 - (t->seq - e->leaf.seq);
    if (n >= 0 && hash_of(p, t, n, &was, &there, err) != ERR_OK)
        return err->code;
    tree_leaf_hash(e->leaf.bytes.p, e->leaf.bytes.n, &is);
    if (there && tree_hash_equal(&is, &was)) {
        metric_add(worker_stats.archive_repeated, 1);
        return ERR_OK;
    }
    t->refuses = arena_printf(p->arena, "seq %lld came again with other bytes, at offset %lld",
                              (long long)e->leaf.seq, (long long)e->offset);
    log_event(LOG_ERROR, "archive-refused", "workspace=%s tree=%d reason=\"%s\"", t->workspace, t->tree,
              t->refuses);
    change(p, t);
    put_aside(p, t->workspace, t->tree, e);
    return ERR_OK;
}

static void stop_tree(struct page *p, struct archive_tree *t, const struct entry *e) {
    t->stopped = true;
    t->stops =
        arena_printf(p->arena, "seq %lld of epoch %lld came where %lld of epoch %lld was due, at offset %lld",
                     (long long)e->leaf.seq, (long long)e->leaf.epoch, (long long)t->seq + 1,
                     (long long)t->epoch, (long long)e->offset);
    log_event(LOG_ERROR, "archive-stopped", "workspace=%s tree=%d reason=\"%s\"", t->workspace, t->tree,
              t->stops);
    change(p, t);
    put_aside(p, t->workspace, t->tree, e);
}

/* Why numbers may be missing here; NULL: they may not. */
static const char *may_be_missing(const struct page *p, const struct archive_tree *t) {
    if (p->book->trial)
        return "a trial broker has forgotten them";
    return p->resumed != NULL && p->resumed->seq == t->seq ? p->resumed->why : NULL;
}

static enum err_code add_change(struct page *p, struct archive_tree *t, const struct entry *e,
                                struct err *err) {
    if (t->stopped) {
        put_aside(p, t->workspace, t->tree, e);
        return ERR_OK;
    }
    if (t->range.size == 0 && (e->leaf.seq != 1 || e->leaf.epoch != 1))
        log_event(LOG_WARN, "archive-begins-late", "workspace=%s epoch=%lld seq=%lld", t->workspace,
                  (long long)e->leaf.epoch, (long long)e->leaf.seq);
    if (t->range.size > 0 && e->leaf.epoch == t->epoch && e->leaf.seq <= t->seq)
        return compare(p, t, e, err);
    if (t->range.size > 0 && e->leaf.epoch > t->epoch)
        note_gap(p, t, e, "a new epoch");
    else if (t->range.size > 0 && (e->leaf.epoch != t->epoch || e->leaf.seq != t->seq + 1)) {
        const char *why = may_be_missing(p, t);
        if (why == NULL) {
            stop_tree(p, t, e);
            return ERR_OK;
        }
        note_gap(p, t, e, why);
    }
    append_leaf(p, t, e);
    return ERR_OK;
}

static bool is_known(const struct page *p, const struct entry *e) {
    for (size_t i = 0; is_doubtful(p, e) && i < p->begun.nknown; i++)
        if (strcmp(p->begun.known[i], e->leaf.event) == 0)
            return true;
    return false;
}

static enum err_code add_all(struct page *p, struct err *err) {
    for (size_t i = 0; i < p->n; i++) {
        const struct entry *e = &p->entries[i];
        struct archive_tree *t = tree_for(p, e);
        if (e->leaf.tree == ARCHIVE_CHANGES) {
            if (add_change(p, t, e, err) != ERR_OK)
                return err->code;
        } else if (is_known(p, e)) {
            metric_add(worker_stats.archive_repeated, 1);
        } else {
            append_leaf(p, t, e);
        }
    }
    return ERR_OK;
}

/* ---- the batch ---- */

static void put_trees(struct page *p) {
    struct archive_tree *changed = arena_alloc(p->arena, (p->ntrees + 1) * sizeof *changed);
    p->out.runs = arena_alloc(p->arena, (p->ntrees + 1) * sizeof *p->out.runs);
    for (size_t i = 0; i < p->ntrees; i++) {
        const struct archive_tree *t = &p->trees[i];
        const struct run *run = &p->runs[i];
        if (p->changed[i])
            changed[p->out.ntrees++] = *t;
        if (run->hashes.n > 0)
            p->out.runs[p->out.nruns++] = (struct archive_run){
                t->workspace, t->tree, run->n, (struct pg_bytes){run->hashes.p, run->hashes.n}};
    }
    p->out.trees = changed;
}

static enum err_code write_page(struct page *p, struct err *err) {
    put_trees(p);
    sums_put(p->sums, &p->out);
    (void)failpoint("archive.before_commit");
    return archive_store(p->book->db, &p->out, err);
}

/* A transaction is open, and nobody else adds to these partitions. */
static enum err_code open_page(struct page *p, const struct entry_source *records, size_t n,
                               struct err *err) {
    read_entries(p, records, n);
    enum err_code code = make_days(p, err);
    if (code == ERR_OK)
        code = begin(p, records, n, err);
    return code == ERR_OK ? check_places(p, err) : code;
}

static enum err_code fill(struct page *p, const struct entry_source *records, size_t n, struct err *err) {
    enum err_code code = open_page(p, records, n, err);
    if (code == ERR_OK)
        code = add_all(p, err);
    if (code == ERR_OK)
        code = write_page(p, err);
    else
        db_rollback(p->book->db);
    if (code != ERR_OK)
        return code;
    (void)failpoint("archive.after_commit");
    for (size_t i = 0; i < p->out.nplaces; i++)
        p->book->places[p->out.places[i].partition].next = p->out.places[i].next;
    return ERR_OK;
}

static bool is_aside(const struct page *p, int64_t offset) {
    for (size_t i = 0; i < p->out.nasides; i++)
        if (p->out.asides[i].offset == offset)
            return true;
    return false;
}

/* What has been added, or was there already, is not aside any more. */
static enum err_code settle_asides(struct page *p, const struct entry_source *records, size_t n, bool goes_on,
                                   struct err *err) {
    int64_t *taken = arena_alloc(p->arena, (n + 1) * sizeof *taken);
    size_t ntaken = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_aside(p, records[i].offset))
            taken[ntaken++] = records[i].offset;
    return archive_take_asides(p->book->db, p->resumed, taken, ntaken, goes_on, err);
}

/* The tree that is resumed; NULL: it is not there. */
static struct archive_tree *resumed_tree(const struct page *p) {
    for (size_t i = 0; i < p->ntrees; i++)
        if (p->trees[i].tree == p->resumed->tree && strcmp(p->trees[i].workspace, p->resumed->workspace) == 0)
            return &p->trees[i];
    return NULL;
}

static enum err_code fill_resumed(struct page *p, const struct entry_source *records, size_t n, bool last,
                                  bool *stopped, struct err *err) {
    enum err_code code = open_page(p, records, n, err);
    struct archive_tree *t = code == ERR_OK ? resumed_tree(p) : NULL;
    if (code == ERR_OK && t == NULL)
        code = err_set(err, ERR_DB_FENCED, "The tree that is to go on is gone");
    if (code == ERR_OK) {
        t->stopped = false;
        code = add_all(p, err);
    }
    *stopped = code == ERR_OK && t->stopped;
    if (code == ERR_OK)
        code = settle_asides(p, records, n, last || *stopped, err);
    if (code == ERR_OK)
        return write_page(p, err);
    db_rollback(p->book->db);
    return code;
}

static struct page page_open(struct book *b, size_t n) {
    struct page p = {.book = b, .arena = arena_new(), .sums = sums_new()};
    p.out.leaves = xcalloc(n, sizeof *p.out.leaves);
    p.out.asides = xcalloc(n, sizeof *p.out.asides);
    p.out.gaps = xcalloc(n, sizeof *p.out.gaps);
    return p;
}

static enum err_code page_close(struct page *p, enum err_code code) {
    if (code == ERR_OK)
        metric_add(worker_stats.archive_records, (int64_t)p->out.nleaves);
    for (size_t i = 0; i < p->ntrees; i++)
        jb_free(&p->runs[i].hashes);
    free(p->out.leaves);
    free(p->out.asides);
    free(p->out.gaps);
    archive_begun_free(&p->begun);
    sums_free(p->sums);
    arena_free(p->arena);
    return code;
}

enum err_code book_add(struct book *b, const struct entry_source *records, size_t n, struct err *err) {
    struct page p = page_open(b, n);
    return page_close(&p, fill(&p, records, n, err));
}

enum err_code book_resume(struct book *b, const struct archive_resumed *r, const struct entry_source *records,
                          size_t n, bool last, bool *stopped, struct err *err) {
    struct page p = page_open(b, n);
    p.resumed = r;
    return page_close(&p, fill_resumed(&p, records, n, last, stopped, err));
}
