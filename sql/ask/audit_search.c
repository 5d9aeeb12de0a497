/* The searching half of audit.h: filters as conditions, pages by place. */
#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"
#include "sql/ask/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const audit_filter_names[] = {"kind",   "from",   "to",      "key",     "actor",
                                          "action", "target", "subject", "txn",     "status",
                                          "method", "path",   "source",  "limited", NULL};

static enum err_code set_kind(struct audit_filter *f, const char *value, struct err *err) {
    for (f->tree = AUDIT_TREES; f->tree > 0; f->tree--)
        if (strcmp(value, audit_tree_name(f->tree)) == 0)
            return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, "kind", "kind is changes or requests");
}

static enum err_code set_time(struct audit_filter *f, const char *name, const char *value, struct err *err) {
    int64_t at;
    if (!rfc3339_parse(value, &at))
        return err_set_path(err, ERR_INVALID_VALUE, name, "%s is a time as in RFC 3339", name);
    if (!f->timed) {
        f->from_us = 0;
        f->to_us = INT64_MAX / 2;
    }
    f->timed = true;
    *(name[0] == 'f' ? &f->from_us : &f->to_us) = at;
    return ERR_OK;
}

static enum err_code set_id(const char **out, const char *name, const char *value, struct arena *a,
                            struct err *err) {
    struct uuid id;
    if (!uuid_parse(value, &id))
        return err_set_path(err, ERR_INVALID_VALUE, name, "%s is an id", name);
    *out = arena_strdup(a, id.s);
    return ERR_OK;
}

/* "403", or "4xx" for all that begin so. */
static enum err_code set_status(struct audit_filter *f, const char *value, struct err *err) {
    bool whole = strlen(value) == 3 && value[0] >= '1' && value[0] <= '5' && strcmp(value + 1, "xx") == 0;
    bool one = strlen(value) == 3 && value[0] >= '1' && value[0] <= '5' && strspn(value, "0123456789") == 3;
    if (!whole && !one)
        return err_set_path(err, ERR_INVALID_VALUE, "status", "status is a number such as 403, or 4xx");
    f->status = whole ? 100 * (value[0] - '0') : atoi(value);
    f->status_to = f->status + (whole ? 100 : 1);
    return ERR_OK;
}

static enum err_code set_limited(struct audit_filter *f, const char *value, struct err *err) {
    if (strcmp(value, "true") != 0)
        return err_set_path(err, ERR_INVALID_VALUE, "limited", "limited is true, or left out");
    f->rate_limited = true;
    return ERR_OK;
}

enum err_code audit_filter_set(struct audit_filter *f, const char *name, const char *value, struct arena *a,
                               struct err *err) {
    const struct {
        const char *name;
        const char **out;
        bool id;
    } texts[] = {
        {"key", &f->key, true},         {"actor", &f->actor, true}, {"target", &f->target, true},
        {"subject", &f->subject, true}, {"txn", &f->txn, true},     {"action", &f->action, false},
        {"method", &f->method, false},  {"path", &f->path, false},  {"source", &f->source, false},
    };
    if (strcmp(name, "kind") == 0)
        return set_kind(f, value, err);
    if (strcmp(name, "from") == 0 || strcmp(name, "to") == 0)
        return set_time(f, name, value, err);
    if (strcmp(name, "status") == 0)
        return set_status(f, value, err);
    if (strcmp(name, "limited") == 0)
        return set_limited(f, value, err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(name, texts[i].name) != 0)
            continue;
        if (texts[i].id)
            return set_id(texts[i].out, name, value, a, err);
        *texts[i].out = arena_strdup(a, value);
        return ERR_OK;
    }
    return err_set(err, ERR_NOT_FOUND, "there is no member %s", name);
}

bool audit_filter_picks(const struct audit_filter *f) {
    return f->key != NULL || f->actor != NULL || f->target != NULL || f->subject != NULL || f->txn != NULL ||
           f->action != NULL || f->method != NULL || f->path != NULL || f->source != NULL || f->status != 0 ||
           f->rate_limited;
}

/* ---- conditions ---- */

#define PARAMS_MAX 24
/* Of the records of a page; the last of them may go beyond it by 1 MiB. */
#define PAGE_BYTES "4194304"

struct conditions {
    struct jbuf sql;
    struct arena *a;
    const char *params[PARAMS_MAX];
    int n;
};

/* Adds a condition in which '?' stands for the parameter. */
static void add_condition(struct conditions *c, const char *text, const char *value) {
    if (value == NULL)
        return;
    c->params[c->n++] = value;
    jb_raw(&c->sql, " AND ");
    for (; *text != '\0'; text++) {
        if (*text == '?')
            jb_printf(&c->sql, "$%d", c->n);
        else
            jb_mem(&c->sql, text, 1);
    }
}

static const char *number(struct conditions *c, int64_t v) {
    return arena_printf(c->a, "%" PRId64, v);
}

/* A '*' at the end: all that begin with what stands before it, as a range, which an index has. */
static void add_path(struct conditions *c, const char *path) {
    size_t n = path != NULL ? strlen(path) : 0;
    if (n == 0 || path[n - 1] != '*')
        add_condition(c, "l.path = ?", path);
    else
        add_condition(c, "starts_with(l.path, ?)", arena_strndup(c->a, path, n - 1));
}

static void add_filter(struct conditions *c, const struct audit_filter *f) {
    if (f->tree != 0)
        add_condition(c, "l.tree = ?::smallint", number(c, f->tree));
    if (f->timed && f->from_us > 0)
        add_condition(c, "l.at >= from_micros(?::bigint)", number(c, f->from_us));
    if (f->timed && f->to_us < INT64_MAX / 2)
        add_condition(c, "l.at < from_micros(?::bigint)", number(c, f->to_us));
    add_condition(c, "l.actor_id = ?::uuid", f->key);
    add_condition(c, "l.actor_id = ?::uuid", f->actor);
    add_condition(c, "l.target_id = ?::uuid", f->target);
    add_condition(c, "l.subject_id = ?::uuid", f->subject);
    add_condition(c, "l.txn = ?::uuid", f->txn);
    add_condition(c, "l.action = ?", f->action);
    add_condition(c, "l.method = ?", f->method);
    add_path(c, f->path);
    add_condition(c, "l.source = ?", f->source);
    if (f->status != 0 && f->status_to == f->status + 1) {
        add_condition(c, "l.status = ?::smallint", number(c, f->status));
    } else if (f->status != 0) {
        add_condition(c, "l.status >= ?::smallint", number(c, f->status));
        add_condition(c, "l.status < ?::smallint", number(c, f->status_to));
    }
    if (f->rate_limited)
        jb_raw(&c->sql, " AND l.rate_limited");
}

static void add_place(struct conditions *c, const struct audit_place *after) {
    if (after == NULL || after->at_us == 0)
        return;
    /* The first one says the same, in a way in which days are left out. */
    add_condition(c, "l.at <= from_micros(?::bigint)", number(c, after->at_us));
    c->params[c->n++] = number(c, after->tree);
    c->params[c->n++] = number(c, after->n);
    jb_printf(&c->sql, " AND (l.at, l.tree, l.n) < (from_micros($%d::bigint), $%d::smallint, $%d::bigint)",
              c->n - 2, c->n - 1, c->n);
}

static enum err_code run_search(struct db *db, struct conditions *c, const char *part, int limit,
                                struct audit_records *out, struct err *err) {
    struct jbuf sql = {0};
    char most[16];
    struct db_result *r;
    snprintf(most, sizeof most, "%d", limit);
    SQL_FILL(&sql, part, {"conditions", c->sql.p != NULL ? c->sql.p : ""}, {"limit", most},
             {"bytes", PAGE_BYTES});
    enum err_code code = db_run_text(db, sql.p, c->n, c->params, &r, err);
    if (code == ERR_OK) {
        audit_take(r, true, c->a, out);
        out->more = out->n > 0 && (db_int(r, 0, 5) == limit || (size_t)db_int(r, 0, 5) > out->n);
        db_results_free(&r, 1);
    }
    jb_free(&sql);
    jb_free(&c->sql);
    return code;
}

enum err_code audit_search(struct db *db, const char *workspace, const struct audit_filter *f,
                           const struct audit_place *after, int limit, struct arena *a,
                           struct audit_records *out, struct err *err) {
    struct conditions c = {.a = a, .params = {workspace}, .n = 1};
    *out = (struct audit_records){0};
    add_filter(&c, f);
    add_place(&c, after);
    return run_search(db, &c, sql_part_audit_search, limit, out, err);
}

enum err_code audit_walk(struct db *db, const char *workspace, const struct audit_filter *f, int64_t n,
                         int64_t end, int limit, struct arena *a, struct audit_records *out,
                         struct err *err) {
    struct conditions c = {.a = a, .params = {workspace}, .n = 1};
    *out = (struct audit_records){0};
    add_filter(&c, f);
    add_condition(&c, "l.n >= ?::bigint", number(&c, n));
    add_condition(&c, "l.n < ?::bigint", number(&c, end));
    return run_search(db, &c, sql_part_audit_export, limit, out, err);
}
