#include "sql/ask/audit_export.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"
#include "ops/runtime/version.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_LEAVES                                                                                         \
    20000                 /* that are looked at: with a filter that finds little, a piece is small or empty */
#define PIECE_RECORDS 200 /* of 1 MiB at most, and of some hundred bytes as a rule */

static const struct {
    const char *name, *type;
} formats[AUDIT_FORMATS] = {
    [AUDIT_NDJSON] = {"ndjson", "application/x-ndjson"},
    [AUDIT_CSV] = {"csv", "text/csv; charset=utf-8; header=present"},
    [AUDIT_OCSF] = {"ocsf", "application/x-ndjson"},
};

bool audit_format_parse(const char *name, enum audit_format *out) {
    for (size_t i = 0; i < AUDIT_FORMATS; i++) {
        if (strcmp(name, formats[i].name) == 0) {
            *out = (enum audit_format)i;
            return true;
        }
    }
    return false;
}

const char *audit_format_type(enum audit_format format) {
    return formats[format].type;
}

/* The trees up to their newest heads, so that all that is written can be proved. */
static enum err_code begin_export(struct db *db, struct audit_export *e, struct arena *a, struct err *err) {
    struct audit_tree trees[AUDIT_TREES];
    enum err_code code = audit_trees(db, e->workspace, a, trees, err);
    for (int tree = 1; code == ERR_OK && tree <= AUDIT_TREES; tree++) {
        const char *note;
        int64_t size;
        code = audit_checkpoint(db, e->workspace, tree, 0, a, &note, &size, err);
        e->ends[tree - 1] = note != NULL ? size : trees[tree - 1].size;
        e->notes[tree - 1] = code == ERR_OK && note != NULL ? xstrdup(note) : NULL;
    }
    if (code != ERR_OK)
        return code;
    e->tree = e->filter.tree != 0 ? e->filter.tree : AUDIT_CHANGES;
    e->begun = true;
    return ERR_OK;
}

static void note_written(struct audit_export *e, const struct audit_record *row, const json_t *record) {
    int64_t seq = json_integer_value(json_object_get(record, "seq"));
    int64_t epoch = json_integer_value(json_object_get(record, "epoch"));
    if (e->end.records++ == 0) {
        e->end.first = row->n;
        e->end.first_seq = seq;
        e->end.first_epoch = epoch;
    }
    e->end.last = row->n;
    e->end.last_seq = seq;
    e->end.last_epoch = epoch;
}

static void put_record(struct audit_export *e, const struct audit_record *row, struct jbuf *out) {
    json_t *record = json_loadb(row->bytes, row->nbytes, JSON_ALLOW_NUL, NULL);
    if (e->without_seats && export_is_seat(record)) {
        json_decref(record);
        return;
    }
    switch (e->format) {
    case AUDIT_CSV:
        export_csv(out, record);
        break;
    case AUDIT_OCSF:
        export_ocsf(out, record, row->event, usher_version);
        break;
    default:
        jb_mem(out, row->bytes, row->nbytes);
        jb_raw(out, "\n");
    }
    note_written(e, row, record);
    json_decref(record);
}

static void put_end(struct audit_export *e, struct jbuf *out) {
    e->end.workspace = e->workspace;
    e->end.tree = audit_tree_name(e->tree);
    e->end.filtered = audit_filter_picks(&e->filter) || e->filter.timed || e->without_seats;
    e->end.size = e->ends[e->tree - 1];
    e->end.checkpoint = e->notes[e->tree - 1];
    e->end.time_us = clock_wall_us();
    if (e->format == AUDIT_CSV)
        export_end_csv(out, &e->end);
    else if (e->format == AUDIT_OCSF)
        export_end_ocsf(out, &e->end, usher_version);
    else
        export_end_ndjson(out, &e->end);
}

static enum err_code put_piece(struct db *db, struct audit_export *e, struct arena *a, struct jbuf *out,
                               bool *done, struct err *err) {
    struct audit_records found;
    struct audit_filter f = e->filter;
    if (!e->begun) {
        if (begin_export(db, e, a, err) != ERR_OK)
            return err->code;
        if (e->format == AUDIT_CSV)
            export_csv_head(out);
    }
    int64_t end = e->ends[e->tree - 1], to = end - e->next < PIECE_LEAVES ? end : e->next + PIECE_LEAVES;
    f.tree = e->tree;
    if (audit_walk(db, e->workspace, &f, e->next, to, PIECE_RECORDS, a, &found, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < found.n; i++)
        put_record(e, &found.rows[i], out);
    if (found.more || to < end) {
        e->next = found.more ? found.rows[found.n - 1].n + 1 : to;
        return ERR_OK;
    }
    put_end(e, out);
    *done = e->filter.tree != 0 || e->tree == AUDIT_TREES;
    e->tree++;
    e->next = 0;
    e->end = (struct export_end){0};
    return ERR_OK;
}

enum err_code audit_export_next(struct db *db, struct audit_export *e, struct jbuf *out, bool *done,
                                struct err *err) {
    struct arena *a = arena_new();
    *done = false;
    enum err_code code = audit_begin(db, e->workspace, err);
    if (code == ERR_OK)
        code = put_piece(db, e, a, out, done, err);
    audit_end(db);
    arena_free(a);
    return code;
}

void audit_export_clear(struct audit_export *e) {
    for (int i = 0; i < AUDIT_TREES; i++) {
        free(e->notes[i]);
        e->notes[i] = NULL;
    }
}
