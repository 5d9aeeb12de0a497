#include "sql/ask/changes.h"

#include "ops/runtime/mem.h"
#include "sql/pg_array.h"

#include <stdlib.h>
#include <string.h>

static bool same(const struct change_place *a, const struct change_place *b) {
    return a->seq == b->seq && uuid_eq(&a->workspace, &b->workspace);
}

/* Places with the same workspace and seq are a group. groups[0..): the first place of each; of[i]: the group
 * of place i. */
static size_t find_groups(struct change_place *const *places, size_t n, size_t *groups, size_t *of) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        size_t g = 0;
        while (g < found && !same(places[groups[g]], places[i]))
            g++;
        if (g == found)
            groups[found++] = i;
        of[i] = g;
    }
    return found;
}

static void put_workspaces(struct jbuf *b, struct change_place *const *places, const size_t *pick, size_t n) {
    pg_array_begin(b);
    for (size_t i = 0; i < n; i++)
        pg_array_word(b, places[pick != NULL ? pick[i] : i]->workspace.s);
    pg_array_end(b);
}

/* ---- where those begin who have not been here before ---- */

static enum err_code find_heads(struct db *db, struct change_place *const *places, size_t n, const char *all,
                                struct err *err) {
    struct db_result *r[4] = {0};
    const char *params[] = {all};
    db_queue(db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, params);
    db_queue(db, SQL_CHANGES_HEADS, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    if (db_flush(db, r, 4, NULL, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r[2]); i++) {
        int64_t at = db_int(r[2], i, 0);
        if (at >= 1 && (size_t)at <= n && places[at - 1]->seq < 0)
            places[at - 1]->seq = db_int(r[2], i, 1);
    }
    db_results_free(r, 4);
    return ERR_OK;
}

/* ---- what is new ---- */

static void hand_out(const struct db_result *r, struct change_place *const *places, size_t n,
                     const size_t *groups, size_t ngroups, const size_t *of, change_fn fn, void *ctx) {
    int64_t *moved = xcalloc(ngroups + 1, sizeof *moved);
    for (size_t i = 0; i < db_rows(r); i++) {
        size_t g = (size_t)db_int(r, i, 0) - 1, bytes;
        if (g >= ngroups)
            continue;
        int64_t seq = db_int(r, i, 1);
        char *record = db_bytes(r, i, 2, &bytes);
        for (size_t p = groups[g]; p < n; p++)
            if (of[p] == g)
                fn(ctx, p, seq, record, bytes);
        moved[g] = seq;
        free(record);
    }
    for (size_t p = 0; p < n; p++)
        if (moved[of[p]] > places[p]->seq)
            places[p]->seq = moved[of[p]];
    free(moved);
}

static void mark_unwelcome(const struct db_result *r, struct change_place *const *places, size_t n) {
    for (size_t i = 0; i < db_rows(r); i++) {
        int64_t at = db_int(r, i, 0);
        if (at >= 1 && (size_t)at <= n)
            places[at - 1]->unwelcome = true;
    }
}

static void put_people(struct change_place *const *places, size_t n, struct jbuf *owners,
                       struct jbuf *passes) {
    pg_array_begin(owners);
    pg_array_begin(passes);
    for (size_t i = 0; i < n; i++) {
        pg_array_word(owners, places[i]->owner.s);
        pg_array_word(passes, uuid_is_set(&places[i]->pass) ? places[i]->pass.s : UUID_NIL);
    }
    pg_array_end(owners);
    pg_array_end(passes);
}

struct look {
    struct jbuf all, of_groups, seqs, owners, passes;
    size_t *groups, *of, ngroups;
};

static struct look look_new(struct change_place *const *places, size_t n) {
    struct look l = {.groups = xcalloc(n + 1, sizeof *l.groups), .of = xcalloc(n + 1, sizeof *l.of)};
    put_workspaces(&l.all, places, NULL, n);
    return l;
}

static void look_group(struct look *l, struct change_place *const *places, size_t n) {
    l->ngroups = find_groups(places, n, l->groups, l->of);
    put_workspaces(&l->of_groups, places, l->groups, l->ngroups);
    pg_array_begin(&l->seqs);
    for (size_t g = 0; g < l->ngroups; g++)
        pg_array_int(&l->seqs, places[l->groups[g]]->seq);
    pg_array_end(&l->seqs);
    put_people(places, n, &l->owners, &l->passes);
}

static void look_free(struct look *l) {
    jb_free(&l->all);
    jb_free(&l->of_groups);
    jb_free(&l->seqs);
    jb_free(&l->owners);
    jb_free(&l->passes);
    free(l->groups);
    free(l->of);
}

static enum err_code ask(struct db *db, const struct look *l, bool welcome, struct db_result *r[5],
                         struct err *err) {
    const char *see[] = {l->all.p}, *news[] = {l->of_groups.p, l->seqs.p},
               *people[] = {l->all.p, l->owners.p, l->passes.p};
    db_queue(db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, see);
    db_queue(db, SQL_CHANGES_NEWS, news);
    if (welcome)
        db_queue(db, SQL_CHANGES_UNWELCOME, people);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    return db_flush(db, r, welcome ? 5 : 4, NULL, err);
}

static bool some_are_new(struct change_place *const *places, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (places[i]->seq < 0)
            return true;
    return false;
}

enum err_code changes_look(struct db *db, struct change_place *const *places, size_t n, bool welcome,
                           change_fn fn, void *ctx, struct err *err) {
    struct look l = look_new(places, n);
    struct db_result *r[5] = {0};
    enum err_code code = some_are_new(places, n) ? find_heads(db, places, n, l.all.p, err) : ERR_OK;
    if (code == ERR_OK) {
        look_group(&l, places, n);
        code = ask(db, &l, welcome, r, err);
    }
    if (code == ERR_OK) {
        hand_out(r[2], places, n, l.groups, l.ngroups, l.of, fn, ctx);
        if (welcome)
            mark_unwelcome(r[3], places, n);
        db_results_free(r, welcome ? 5 : 4);
    }
    look_free(&l);
    return code;
}
