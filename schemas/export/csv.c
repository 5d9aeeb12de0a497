/* Audit records as CSV. */
#include "schemas/export/export.h"

#include <string.h>

/* One column: where a change says it, and where a request does ("/" between members). */
static const struct csv_column {
    const char *name, *change, *request;
} columns[] = {
    {"time", "time", "time"},
    {"kind", "kind", "kind"},
    {"epoch", "epoch", NULL},
    {"seq", "seq", "n"},
    {"instance", NULL, "instance"},
    {"actor_kind", "actor/kind", "key/class"},
    {"actor_id", "actor/id", "key/id"},
    {"actor_name", "actor/name", "key/name"},
    {"action", "action", "method"},
    {"path", NULL, "path"},
    {"target_type", "target/type", NULL},
    {"target_id", "target/id", "room"},
    {"target_name", "target/name", NULL},
    {"subject_id", "subject/id", "user"},
    {"subject_name", "subject/name", NULL},
    {"outcome", "outcome", "status"},
    {"reason", "reason", "error/detail"},
    {"source", NULL, "sourceIp"},
    {"user_agent", NULL, "userAgent"},
    {"txn", "txn", "txn"},
    {"seat", "seat", NULL},
};
#define NCOLUMNS (sizeof columns / sizeof *columns)

static void put_cell(struct jbuf *b, const char *text, size_t n) {
    bool guard = n > 0 && memchr("=+-@\t\r", text[0], 6) != NULL, quote = guard;
    for (size_t i = 0; i < n; i++)
        quote = quote || memchr(",\"\r\n", text[i], 4) != NULL;
    if (quote)
        jb_raw(b, "\"");
    if (guard)
        jb_raw(b, "'");
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"')
            jb_raw(b, "\"");
        jb_mem(b, text + i, 1);
    }
    if (quote)
        jb_raw(b, "\"");
}

static const json_t *csv_value_at(const json_t *record, const char *path) {
    const char *slash = path != NULL ? strchr(path, '/') : NULL;
    char first[32] = "";
    if (slash == NULL)
        return path != NULL ? json_object_get(record, path) : NULL;
    memcpy(first, path, (size_t)(slash - path));
    return json_object_get(json_object_get(record, first), slash + 1);
}

static void put_csv_value(struct jbuf *b, const json_t *v) {
    if (json_is_string(v))
        put_cell(b, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v)) /* a number is no text that a spreadsheet could run */
        jb_int(b, json_integer_value(v));
}

void export_csv_head(struct jbuf *b) {
    for (size_t i = 0; i < NCOLUMNS; i++)
        jb_printf(b, "%s%s", i > 0 ? "," : "", columns[i].name);
    jb_raw(b, "\r\n");
}

void export_csv(struct jbuf *b, const json_t *record) {
    const char *kind = json_string_value(json_object_get(record, "kind"));
    bool request = kind != NULL && strcmp(kind, "request") == 0;
    for (size_t i = 0; i < NCOLUMNS; i++) {
        if (i > 0)
            jb_raw(b, ",");
        put_csv_value(b, csv_value_at(record, request ? columns[i].request : columns[i].change));
    }
    jb_raw(b, "\r\n");
}

void export_end_csv(struct jbuf *b, const struct export_end *e) {
    struct jbuf text = {0};
    export_end_ndjson(&text, e);
    for (size_t i = 0; i < NCOLUMNS; i++) {
        if (i > 0)
            jb_raw(b, ",");
        if (strcmp(columns[i].name, "kind") == 0)
            jb_raw(b, "end");
        else if (strcmp(columns[i].name, "reason") == 0)
            put_cell(b, text.p, text.n - 1);
    }
    jb_raw(b, "\r\n");
    jb_free(&text);
}
