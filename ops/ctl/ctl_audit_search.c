/* usherctl audit search and export. */
#include "ops/ctl/ctl_audit.h"
#include "ops/ctl/ctl_far.h"

#include "ops/runtime/clock.h"
#include "schemas/text/jsonx.h"
#include "sql/ask/audit_export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT 100
#define LIMIT_MAX 100000
#define PAGE 500
#define PATIENCE_MS 600000 /* a search without an index may take its time */

enum err_code ctl_audit_filter(struct ctl *c, struct arena *a, struct audit_filter *f, struct err *err) {
    *f = (struct audit_filter){0};
    for (size_t i = 0; i < c->args->nflags; i++) {
        const struct ctl_flag *flag = &c->args->flags[i];
        for (const char *const *name = audit_filter_names; *name != NULL; name++)
            if (strcmp(flag->name, *name) == 0 && audit_filter_set(f, *name, flag->value, a, err) != ERR_OK)
                return err_set(err, ERR_USAGE, "--%s: %s", flag->name, err_text(err));
    }
    return ERR_OK;
}

static const char *text_at(const json_t *record, const char *object, const char *name) {
    const json_t *at = object != NULL ? json_object_get(record, object) : record;
    const char *text = json_string_value(json_object_get(at, name));
    return text != NULL ? text : "-";
}

static void print_change(struct jbuf *b, const json_t *r) {
    const json_t *subject = json_object_get(r, "subject");
    bool reason = json_is_string(json_object_get(r, "reason"));
    jb_printf(b, "%s  %-9" JSON_INTEGER_FORMAT " %-20s %s%s%s  by %s %s%s%s", text_at(r, NULL, "time"),
              json_integer_value(json_object_get(r, "seq")), text_at(r, NULL, "action"),
              text_at(r, "target", "name"), json_is_object(subject) ? " " : "",
              json_is_object(subject) ? text_at(subject, NULL, "name") : "", text_at(r, "actor", "kind"),
              text_at(r, "actor", "name"), reason ? "  " : "", reason ? text_at(r, NULL, "reason") : "");
    if (json_is_string(json_object_get(r, "seat")))
        jb_printf(b, "  seat %s", text_at(r, NULL, "seat"));
    jb_raw(b, "\n");
}

void ctl_audit_print(struct jbuf *b, bool is_change, const json_t *r) {
    if (is_change) {
        print_change(b, r);
    } else {
        const json_t *error = json_object_get(r, "error");
        jb_printf(b, "%s  %-9s %-20s %" JSON_INTEGER_FORMAT " %s  by %s from %s%s%s\n",
                  text_at(r, NULL, "time"), "request", text_at(r, NULL, "method"),
                  json_integer_value(json_object_get(r, "status")), text_at(r, NULL, "path"),
                  text_at(r, "key", "name"), text_at(r, NULL, "sourceIp"), json_is_object(error) ? "  " : "",
                  json_is_object(error) ? text_at(error, NULL, "detail") : "");
    }
}

void ctl_audit_print_record(struct jbuf *b, const struct audit_record *row) {
    json_t *r = json_loadb(row->bytes, row->nbytes, JSON_ALLOW_NUL, NULL);
    ctl_audit_print(b, row->tree == AUDIT_CHANGES, r);
    json_decref(r);
}

static void put_found(struct jbuf *b, const struct audit_record *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "tree", audit_tree_name(row->tree));
    jb_kint(b, "index", row->n);
    jb_kstr(b, "id", row->event);
    jb_key(b, "record");
    jb_mem(b, row->bytes, row->nbytes);
    jb_raw(b, "}");
}

enum err_code ctl_audit_open(struct ctl *c, struct ctl_workspace *w, struct arena *a, struct audit_filter *f,
                             struct err *err) {
    enum err_code code = ctl_audit_workspace(c, w, err);
    if (code == ERR_OK)
        code = ctl_audit_filter(c, a, f, err);
    return code == ERR_OK && c->far == NULL ? db_set_patience(c->db, PATIENCE_MS, err) : code;
}

static enum err_code search_pages(struct ctl *c, const struct ctl_workspace *w, const struct audit_filter *f,
                                  int64_t most, struct err *err) {
    struct audit_place after = {0};
    enum err_code code = ERR_OK;
    for (bool more = true; more && most > 0 && code == ERR_OK;) {
        struct arena *a = arena_new();
        struct audit_records found;
        int limit = most < PAGE ? (int)most : PAGE;
        code = audit_search(c->db, w->id.s, f, &after, limit, a, &found, err);
        for (size_t i = 0; code == ERR_OK && i < found.n; i++) {
            if (c->json)
                put_found(&c->out, &found.rows[i]);
            else
                ctl_audit_print_record(&c->out, &found.rows[i]);
        }
        after = found.next;
        more = code == ERR_OK && found.more;
        most -= (int64_t)found.n;
        arena_free(a);
    }
    return code;
}

/* ---- from afar ---- */

void ctl_audit_path(const struct ctl *c, const char *path, struct jbuf *out) {
    jb_raw(out, path);
    for (size_t i = 0; i < c->args->nflags; i++) {
        const struct ctl_flag *flag = &c->args->flags[i];
        if (strcmp(flag->name, "workspace") != 0 && strcmp(flag->name, "limit") != 0)
            ctl_http_parameter(out, flag->name, flag->value);
    }
}

static void put_item(struct jbuf *b, const json_t *item) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "tree", ctl_text(item, "tree"));
    jb_kint(b, "index", ctl_number(item, "index"));
    jb_kstr(b, "id", ctl_text(item, "id"));
    jb_key(b, "record");
    ctl_put_json(b, item, "record");
    jb_raw(b, "}");
}

static enum err_code search_far(struct ctl *c, int64_t most, struct err *err) {
    struct jbuf path = {0};
    json_t *items;
    const json_t *item;
    size_t i;
    ctl_audit_path(c, "/audit", &path);
    enum err_code code = ctl_far_items(c, path.p, (size_t)most, &items, err);
    jb_free(&path);
    if (code != ERR_OK)
        return code;
    jb_raw(&c->out, c->json ? "{\"records\":[" : "");
    json_array_foreach(items, i, item) {
        const char *tree = ctl_or(ctl_text(item, "tree"), "");
        if (c->json)
            put_item(&c->out, item);
        else
            ctl_audit_print(&c->out, strcmp(tree, audit_tree_name(AUDIT_CHANGES)) == 0,
                            json_object_get(item, "record"));
    }
    jb_raw(&c->out, c->json ? "]}\n" : "");
    json_decref(items);
    return ERR_OK;
}

static enum err_code export_far(struct ctl *c, struct err *err) {
    struct jbuf path = {0};
    ctl_audit_path(c, "/audit/export", &path);
    enum err_code code = ctl_far_read(c, path.p, stdout, NULL, err);
    jb_free(&path);
    return code;
}

/* ---- search ---- */

enum err_code ctl_audit_search(struct ctl *c, struct err *err) {
    const char *given = ctl_flag(c->args, "limit");
    struct ctl_workspace w;
    struct audit_filter f;
    struct arena *a = arena_new();
    int64_t most = LIMIT;
    enum err_code code = ctl_audit_open(c, &w, a, &f, err);
    if (code == ERR_OK && given != NULL)
        code = ctl_value_int("limit", given, 1, LIMIT_MAX, &most, err);
    if (code == ERR_OK && c->far != NULL) {
        code = search_far(c, most, err);
    } else if (code == ERR_OK && (code = audit_begin(c->db, w.id.s, err)) == ERR_OK) {
        jb_raw(&c->out, c->json ? "{\"records\":[" : "");
        code = search_pages(c, &w, &f, most, err);
        jb_raw(&c->out, c->json ? "]}\n" : "");
        audit_end(c->db);
    }
    if (code != ERR_OK)
        jb_reset(&c->out);
    arena_free(a);
    return code;
}

/* ---- export ---- */

static enum err_code write_pieces(struct ctl *c, struct audit_export *e, struct err *err) {
    struct jbuf piece = {0};
    enum err_code code = ERR_OK;
    for (bool done = false; !done && code == ERR_OK;) {
        jb_reset(&piece);
        code = audit_export_next(c->db, e, &piece, &done, err);
        if (code == ERR_OK && piece.n > 0 && fwrite(piece.p, 1, piece.n, stdout) != piece.n)
            code = err_set(err, ERR_INTERNAL, "cannot write to stdout");
    }
    jb_free(&piece);
    return code;
}

/* Before anything is written, it is on record who takes what along. */
static enum err_code put_on_record(struct ctl *c, const struct ctl_workspace *w, struct err *err) {
    json_t *asked = json_object();
    jsonx_put(asked, "format", json_string("ndjson"));
    for (size_t i = 0; i < c->args->nflags; i++)
        if (strcmp(c->args->flags[i].name, "workspace") != 0)
            jsonx_put(asked, c->args->flags[i].name, json_string(c->args->flags[i].value));
    struct command cmd = {.type = COMMAND_AUDIT_EXPORT, .workspace = w->id, .id = w->id, .resource = asked};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

enum err_code ctl_audit_export(struct ctl *c, struct err *err) {
    static const char *const names[] = {"ndjson", "csv", "ocsf", NULL};
    const char *format = ctl_flag(c->args, "format"), *seats = ctl_flag(c->args, "seats");
    struct ctl_workspace w;
    struct audit_export e = {0};
    struct arena *a = arena_new();
    bool with_seats = true;
    enum err_code code = ctl_audit_open(c, &w, a, &e.filter, err);
    if (code == ERR_OK && format != NULL)
        code = ctl_value_choice("format", format, names, err);
    if (code == ERR_OK && seats != NULL)
        code = ctl_value_bool("seats", seats, &with_seats, err);
    if (code == ERR_OK && c->far != NULL) { /* the service puts it on record */
        code = export_far(c, err);
    } else if (code == ERR_OK && (code = put_on_record(c, &w, err)) == ERR_OK) {
        e.workspace = w.id.s;
        e.without_seats = !with_seats;
        (void)!audit_format_parse(format != NULL ? format : "ndjson", &e.format);
        code = write_pieces(c, &e, err);
    }
    audit_export_clear(&e);
    arena_free(a);
    return code;
}
