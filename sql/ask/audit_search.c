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
    bool few; /* they find a few records at most: these are looked up, and ordered then */
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

/* Plans are made for any value (sql/db.c). So whoever wants an index that has some rows alone says in the
 * statement that his are among them. */
static void add_status(struct conditions *c, const struct audit_filter *f) {
    if (f->status != 0 && f->status_to == f->status + 1) {
        add_condition(c, "l.status = ?::smallint", number(c, f->status));
    } else if (f->status != 0) {
        add_condition(c, "l.status >= ?::smallint", number(c, f->status));
        add_condition(c, "l.status < ?::smallint", number(c, f->status_to));
    }
    if (f->rate_limited)
        jb_raw(&c->sql, " AND l.rate_limited");
    if (f->status >= 500)
        jb_raw(&c->sql, " AND l.status >= 500");
    else if (f->status >= 400 || f->rate_limited) /* all of these were answered 429 */
        jb_raw(&c->sql, " AND l.status >= 400");
}

/* The same: of the actions of every synchronisation there is no index. */
static void add_action(struct conditions *c, const char *action) {
    bool taken = action != NULL && strcmp(action, "seat.taken") == 0;
    if (taken || (action != NULL && strcmp(action, "seat.freed") == 0)) {
        jb_raw(&c->sql, " AND ");
        SQL_FILL(&c->sql, sql_part_audit_seat_action, {"seat", taken ? "taken" : "freed"});
        return;
    }
    add_condition(c, "l.action = ?", action);
    if (action != NULL && strstr(sql_part_audit_rare_action, arena_printf(c->a, "'%s'", action)) == NULL)
        jb_printf(&c->sql, " AND %s", sql_part_audit_rare_action);
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
    c->few = f->txn != NULL;
    add_action(c, f->action);
    add_condition(c, "l.method = ?", f->method);
    add_path(c, f->path);
    add_condition(c, "l.source = ?", f->source);
    add_status(c, f);
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
             {"bytes", PAGE_BYTES}, {"fence", c->few ? " OFFSET 0" : ""});
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

/* ---- a page, the newest first ---- */

/* Back in time by spans: a table of a day costs a millisecond to plan for, whatever it holds, and there may
 * be a thousand. So the newest day is asked alone, and the further back, the more days at once, while that is
 * quick. */
#define DAY_US INT64_C(86400000000)
#define AHEAD_DAYS 4     /* a record's clock may be ahead, and has a table (functions/audit_day.sql) */
#define QUICK_US 100000  /* of a span: the next one is larger */
#define ENOUGH_US 700000 /* of all of them: the rest comes with the next page */

struct walk {
    struct db *db;
    const char *workspace;
    const struct audit_filter *filter;
    const struct audit_place *after;
    int limit;
    struct arena *a;
    int64_t from_us, to_us; /* what is asked, [from, to) */
    struct audit_records *out;
    size_t bytes;
    bool full;
};

/* Adds what is found in a span. */
static enum err_code search_span(struct walk *w, int64_t from_us, int64_t to_us, struct err *err) {
    struct audit_filter f = *w->filter;
    struct audit_records found;
    struct conditions c = {.a = w->a, .params = {w->workspace}, .n = 1};
    f.timed = true;
    f.from_us = from_us;
    f.to_us = to_us;
    add_filter(&c, &f);
    add_place(&c, w->after);
    if (run_search(w->db, &c, sql_part_audit_search, w->limit - (int)w->out->n, &found, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < found.n; i++) {
        w->bytes += found.rows[i].nbytes;
        w->out->rows[w->out->n++] = found.rows[i];
    }
    w->full = found.more;
    return ERR_OK;
}

/* Nobody needs to look further back. 0: records may be of any time. */
static enum err_code oldest(const struct walk *w, int64_t *at_us, struct err *err) {
    const char *params[] = {w->workspace};
    struct db_result *r;
    if (db_run(w->db, SQL_AUDIT_OLDEST_DAY, params, &r, err) != ERR_OK)
        return err->code;
    *at_us = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* Where the page after this one begins: behind the last record of a full page, else behind all that was
 * looked at, down to `seen`. */
static struct audit_place place_behind(const struct walk *w, int64_t seen_us) {
    const struct audit_record *last = w->full ? &w->out->rows[w->out->n - 1] : NULL;
    return last != NULL ? (struct audit_place){last->at_us, last->tree, last->n}
                        : (struct audit_place){seen_us, 0, 0};
}

static enum err_code walk_back(struct walk *w, struct err *err) {
    int64_t began_us = clock_mono_us(), newest_us = clock_wall_us() + AHEAD_DAYS * DAY_US, span_us = DAY_US;
    int64_t floor_us = 0, to_us = w->to_us;
    enum err_code code = oldest(w, &floor_us, err);
    if (floor_us > 0 && to_us > newest_us)
        to_us = newest_us;
    floor_us = w->from_us > floor_us ? w->from_us : floor_us;
    while (code == ERR_OK && !w->full && to_us > floor_us) {
        int64_t span_began_us = clock_mono_us();
        int64_t from_us = to_us > newest_us ? newest_us : to_us - span_us;
        code = search_span(w, from_us > floor_us ? from_us : floor_us, to_us, err);
        to_us = from_us > floor_us ? from_us : floor_us;
        if (clock_mono_us() - began_us > ENOUGH_US || w->bytes >= strtoul(PAGE_BYTES, NULL, 10))
            break;
        if (clock_mono_us() - span_began_us < QUICK_US)
            span_us *= 4;
    }
    w->out->more = code == ERR_OK && (w->full || to_us > floor_us);
    w->out->next = place_behind(w, to_us);
    return code;
}

enum err_code audit_search(struct db *db, const char *workspace, const struct audit_filter *f,
                           const struct audit_place *after, int limit, struct arena *a,
                           struct audit_records *out, struct err *err) {
    struct walk w = {.db = db, .workspace = workspace, .filter = f, .after = after, .limit = limit, .a = a};
    *out = (struct audit_records){.rows = arena_alloc(a, ((size_t)limit + 1) * sizeof *out->rows)};
    w.out = out;
    w.from_us = f->timed ? f->from_us : 0;
    w.to_us = f->timed ? f->to_us : INT64_MAX / 2;
    if (after != NULL && after->at_us != 0 && after->at_us < w.to_us)
        w.to_us = after->at_us + 1;
    return walk_back(&w, err);
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
