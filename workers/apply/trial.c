#include "workers/apply/trial.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The members of a record that say what would happen to whom. */
static json_t *change_of(const json_t *record) {
    static const char *const members[] = {"action", "target", "subject", "reason"};
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(record, members[i]);
        json_object_set_new(out, members[i], value != NULL ? json_incref(value) : json_null());
    }
    return out;
}

static void count(json_t *counts, const char *action) {
    json_int_t n = json_integer_value(json_object_get(counts, action));
    json_object_set_new(counts, action, json_integer(n + 1));
}

/* The audit's records are what the decision would do, action by action. */
static void count_actions(const struct record_list *records, json_t *counts, json_t *changes,
                          json_int_t *more) {
    for (size_t i = 0; i < records->n; i++) {
        const struct record *row = &records->rows[i];
        if (row->topic != RECORD_AUDIT || row->value == NULL)
            continue;
        json_t *record = json_loads(row->value, JSON_ALLOW_NUL, NULL);
        const char *action = json_string_value(json_object_get(record, "action"));
        if (action != NULL)
            count(counts, action);
        if (action != NULL && json_array_size(changes) < TRIAL_CHANGES_MAX)
            json_array_append_new(changes, change_of(record));
        else
            *more += 1;
        json_decref(record);
    }
}

static json_t *error_of(const struct err *err) {
    char code[40];
    if (err->code == ERR_OK)
        return json_null();
    snprintf(code, sizeof code, "%s", err_name(err->code));
    for (char *p = code; *p != '\0'; p++)
        *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
    json_t *out = json_pack("{s:s, s:s}", "code", code, "detail", err_text(err));
    json_object_set_new(out, "path", err->path[0] != '\0' ? json_string(err->path) : json_null());
    return out;
}

static json_t *seats_of(const struct decision *d, int64_t before) {
    const struct unit_workspace *w = d->workspace;
    json_t *out = json_object();
    json_object_set_new(out, "before", json_integer(before));
    json_object_set_new(out, "after", json_integer(d->err.code == ERR_OK ? w->seats_used : before));
    json_object_set_new(out, "limit", w->settings.seats >= 0 ? json_integer(w->settings.seats) : json_null());
    return out;
}

char *trial_text(const struct decision *d, int64_t seats_before, struct arena *a) {
    json_t *out = json_object(), *counts = json_object(), *changes = json_array();
    json_int_t more = 0;
    count_actions(d->records.out, counts, changes, &more);
    json_object_set_new(out, "applies", json_boolean(d->err.code == ERR_OK));
    json_object_set_new(out, "error", error_of(&d->err));
    json_object_set_new(out, "large", json_boolean(d->sliced));
    json_object_set_new(out, "seats", seats_of(d, seats_before));
    json_object_set_new(out, "counts", counts);
    json_object_set_new(out, "changes", changes);
    json_object_set_new(out, "more", json_integer(more));
    char *text = json_dumps(out, JSON_COMPACT), *kept = arena_strdup(a, text);
    free(text);
    json_decref(out);
    return kept;
}

void trial_audit(struct decision *d, const char *text) {
    struct jbuf b = {0};
    json_t *told = json_loads(text, 0, NULL), *n;
    const char *action;
    if (!row_alive(d->workspace->state)) {
        json_decref(told);
        return; /* no workspace has no stream */
    }
    jb_raw(&b, "[");
    json_object_foreach(json_object_get(told, "counts"), action, n) {
        jb_sep(&b);
        jb_raw(&b, "{");
        jb_kstr(&b, "path", action);
        jb_kstr(&b, "op", "add");
        jb_kraw(&b, "from", "null");
        jb_kint(&b, "to", json_integer_value(n));
        jb_raw(&b, "}");
    }
    jb_raw(&b, "]");
    struct audit_change change = {.action = ACTION_COMMAND_TRIED,
                                  .target = command_target(d->command),
                                  .outcome = "refused",
                                  .reason = "dry_run",
                                  .changes_json = arena_strdup(d->records.arena, b.p)};
    record_audit_change(&d->records, &change);
    jb_free(&b);
    json_decref(told);
}
