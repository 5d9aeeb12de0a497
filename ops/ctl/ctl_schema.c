/* An operator's own schemas: `check` shows what is in a folder, `reindex` makes the stored index values anew
 * after a change of the schemas. This is the only command that writes PostgreSQL without the log: what it
 * writes follows from the documents alone (their searchable form, and the keys by which they are looked up).
 */
#include "ops/ctl/ctl.h"
#include "ops/runtime/arena.h"
#include "schemas/resource/resource.h"
#include "schemas/resource/resource_keys.h"
#include "schemas/types/schema_load.h"
#include "sql/pg_array.h"

#include <stdlib.h>
#include <string.h>

/* ---- check ---- */

static void put_type(struct ctl *c, const struct resource_type *rt) {
    if (!c->json) {
        jb_printf(&c->out, "%-16s %-16s %s\n", rt->name, rt->endpoint, rt->schema->id);
        for (size_t i = 0; i < rt->nextensions; i++)
            jb_printf(&c->out, "%-16s %-16s %s%s\n", "", "", rt->extensions[i].schema->id,
                      rt->extensions[i].required ? " (required)" : "");
        return;
    }
    jb_sep(&c->out);
    jb_raw(&c->out, "{");
    jb_kstr(&c->out, "name", rt->name);
    jb_kstr(&c->out, "endpoint", rt->endpoint);
    jb_kstr(&c->out, "schema", rt->schema->id);
    jb_key(&c->out, "extensions");
    jb_raw(&c->out, "[");
    for (size_t i = 0; i < rt->nextensions; i++) {
        jb_sep(&c->out);
        jb_str(&c->out, rt->extensions[i].schema->id);
    }
    jb_raw(&c->out, "]}");
}

enum err_code ctl_schema_check(struct ctl *c, struct err *err) {
    const struct resource_type *rt;
    if (schema_load_folder(c->args->words[2], err) != ERR_OK)
        return err->code;
    jb_raw(&c->out, c->json ? "{\"types\":[" : "");
    for (size_t i = 0; (rt = resource_type_at(i)) != NULL; i++)
        put_type(c, rt);
    jb_raw(&c->out, c->json ? "]}\n" : "");
    return ERR_OK;
}

/* ---- reindex ---- */

#define BATCH 200 /* rows at most of each of the statements that read */

/* A table of documents. */
struct table {
    enum statement read, update;
};
static const struct table tables[] = {{SQL_CTL_REINDEX_USERS, SQL_CTL_REINDEX_UPDATE_USERS},
                                      {SQL_CTL_REINDEX_ROOMS, SQL_CTL_REINDEX_UPDATE_ROOMS},
                                      {SQL_CTL_REINDEX_RESOURCES, SQL_CTL_REINDEX_UPDATE_RESOURCES}};

/* Keys of one batch, as arrays of columns. */
struct keys {
    struct jbuf ids, types, paths, texts, uniques;
    const char *id, *type; /* of the resource at hand */
};

struct reindex {
    struct ctl *c;
    const char *workspace;
    int64_t documents, changed, twice, unknown;
};

static void collect(const char *path, const char *key, bool unique, void *ctx) {
    struct keys *k = ctx;
    pg_array_word(&k->ids, k->id);
    pg_array_text(&k->types, k->type);
    pg_array_text(&k->paths, path);
    pg_array_text(&k->texts, key);
    pg_array_bool(&k->uniques, unique);
}

/* A value that must be unique but belongs to another resource already is stored as a key that need not be
 * unique. So it is found, and the report names it. */
static void tell_twice(struct reindex *x, const struct db_result *r) {
    for (size_t i = 0; i < db_rows(r); i++) {
        x->twice++;
        if (!x->c->json)
            jb_printf(&x->c->out, "twice: %s %s: %s \"%s\"\n", db_text(r, i, 0), db_text(r, i, 1),
                      db_text(r, i, 2), db_text(r, i, 3));
    }
}

static enum err_code store(struct reindex *x, const struct table *t, const char *ids, const char *searches,
                           const struct keys *k, struct err *err) {
    const char *texts[] = {x->workspace, ids, searches};
    const char *keys[] = {x->workspace, k->ids.p, k->types.p, k->paths.p, k->texts.p, k->uniques.p};
    struct db_result *r[5];
    db_queue(x->c->db, t->update, texts);
    db_queue(x->c->db, SQL_CTL_REINDEX_FORGET_KEYS, texts);
    db_queue(x->c->db, SQL_CTL_REINDEX_INSERT_KEYS, keys);
    db_queue(x->c->db, SQL_CTL_REINDEX_INSERT_TWICE, keys);
    db_queue(x->c->db, SQL_CONNECTION_COMMIT, NULL);
    if (db_flush(x->c->db, r, 5, NULL, err) != ERR_OK)
        return err->code;
    x->changed += (int64_t)db_affected(r[0]);
    tell_twice(x, r[3]);
    db_results_free(r, 5);
    return ERR_OK;
}

/* One row: its searchable form and its keys. */
static void take_row(struct reindex *x, const struct db_result *r, size_t row, struct jbuf *ids,
                     struct jbuf *searches, struct keys *k) {
    const struct resource_type *rt = resource_type_by_name(db_text(r, row, 1));
    json_t *doc = json_loads(db_text(r, row, 2), 0, NULL);
    x->documents++;
    if (rt == NULL || doc == NULL) {
        x->unknown++;
    } else {
        char *search = resource_search_text(rt, doc);
        pg_array_word(ids, db_text(r, row, 0));
        pg_array_text(searches, search);
        free(search);
        k->id = db_text(r, row, 0);
        k->type = rt->name;
        resource_keys_each(rt, doc, collect, k);
    }
    json_decref(doc);
}

/* Handles the rows after *after, in one transaction that locks the workspace as a worker's does. *last: there
 * are no more. */
static enum err_code reindex_batch(struct reindex *x, const struct table *t, struct uuid *after, bool *last,
                                   struct err *err) {
    const char *params[] = {x->workspace, after->s};
    struct db_result *r[4];
    db_queue(x->c->db, SQL_CONNECTION_BEGIN, NULL);
    db_queue(x->c->db, SQL_CONNECTION_REFUSE_HIDDEN_ROWS, NULL);
    db_queue(x->c->db, SQL_CTL_REINDEX_LOCK, params);
    db_queue(x->c->db, t->read, params);
    if (db_flush(x->c->db, r, 4, NULL, err) != ERR_OK)
        return err->code;
    struct jbuf ids = {0}, searches = {0};
    struct keys k = {.id = NULL};
    struct jbuf *const all[] = {&ids, &searches, &k.ids, &k.types, &k.paths, &k.texts, &k.uniques};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        pg_array_begin(all[i]);
    size_t n = db_rows(r[3]);
    for (size_t i = 0; i < n; i++)
        take_row(x, r[3], i, &ids, &searches, &k);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        pg_array_end(all[i]);
    *last = n < BATCH;
    if (n > 0)
        (void)uuid_parse(db_text(r[3], n - 1, 0), after);
    enum err_code code = store(x, t, ids.p, searches.p, &k, err);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        jb_free(all[i]);
    db_results_free(r, 4);
    return code;
}

static enum err_code reindex_workspace(struct reindex *x, struct err *err) {
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && code == ERR_OK; i++) {
        struct uuid after;
        bool last = false;
        (void)uuid_parse("00000000-0000-0000-0000-000000000000", &after);
        while (code == ERR_OK && !last)
            code = reindex_batch(x, &tables[i], &after, &last, err);
    }
    return code;
}

enum err_code ctl_schema_reindex(struct ctl *c, struct err *err) {
    struct reindex x = {.c = c};
    struct db_result *r;
    if (schema_load_folder(c->args->words[2], err) != ERR_OK ||
        db_run(c->db, SQL_CTL_WORKSPACE_IDS, NULL, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < db_rows(r) && code == ERR_OK; i++) {
        x.workspace = db_text(r, i, 0);
        code = reindex_workspace(&x, err);
    }
    db_results_free(&r, 1);
    if (code != ERR_OK)
        return code;
    if (c->json)
        jb_printf(&c->out,
                  "{\"reindex\":{\"documents\":%lld,\"changed\":%lld,\"twice\":%lld,\"unknown\":%lld}}\n",
                  (long long)x.documents, (long long)x.changed, (long long)x.twice, (long long)x.unknown);
    else
        jb_printf(
            &c->out,
            "%lld documents, %lld of them are searched differently now; %lld values are there twice; %lld "
            "documents are of types that the folder does not know\n",
            (long long)x.documents, (long long)x.changed, (long long)x.twice, (long long)x.unknown);
    return ERR_OK;
}
