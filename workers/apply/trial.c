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
    json_t *seat = json_object_get(record, "seat");
    if (seat != NULL)
        json_object_set(out, "seat", seat);
    return out;
}

static void count(json_t *counts, const char *action) {
    json_int_t n = json_integer_value(json_object_get(counts, action));
    json_object_set_new(counts, action, json_integer(n + 1));
}

/* A seat counts as an action, whether it has a record of its own or stands in one of another. */
static void count_seat(json_t *counts, const json_t *record) {
    const char *seat = json_string_value(json_object_get(record, "seat"));
    if (seat != NULL)
        count(counts,
              audit_action_row(strcmp(seat, "taken") == 0 ? ACTION_SEAT_TAKEN : ACTION_SEAT_FREED)->name);
}

/* The audit's records are what the decision would do, action by action. */
void trial_count(const struct record_list *records, size_t first, json_t *counts, json_t *changes,
                 json_int_t *more) {
    for (size_t i = first; i < records->n; i++) {
        const struct record *row = &records->rows[i];
        if (row->topic != RECORD_AUDIT || row->value == NULL)
            continue;
        json_t *record = json_loads(row->value, JSON_ALLOW_NUL, NULL);
        const char *action = json_string_value(json_object_get(record, "action"));
        if (action != NULL)
            count(counts, action);
        count_seat(counts, record);
        if (changes != NULL && action != NULL && json_array_size(changes) < TRIAL_CHANGES_MAX)
            json_array_append_new(changes, change_of(record));
        else if (more != NULL)
            *more += 1;
        json_decref(record);
    }
}

/* A text that may have been cut within a character. */
static json_t *whole_text(const char *text) {
    size_t n = strlen(text);
    json_t *out = json_stringn(text, n);
    for (size_t cut = 1; out == NULL && cut < 4 && cut <= n; cut++)
        out = json_stringn(text, n - cut);
    return out != NULL ? out : json_string("");
}

json_t *trial_error(const struct err *err) {
    char code[40];
    if (err->code == ERR_OK)
        return json_null();
    snprintf(code, sizeof code, "%s", err_name(err->code));
    for (char *p = code; *p != '\0'; p++)
        *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
    json_t *out = json_pack("{s:s}", "code", code);
    json_object_set_new(out, "detail", whole_text(err_text(err)));
    json_object_set_new(out, "path", err->path[0] != '\0' ? whole_text(err->path) : json_null());
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

static bool all_apply(const struct decision *d) {
    size_t i;
    json_t *one;
    json_array_foreach(d->tried_operations, i, one) {
        if (!json_is_true(json_object_get(one, "applies")))
            return false;
    }
    return d->err.code == ERR_OK;
}

char *trial_text(const struct decision *d, int64_t seats_before, struct arena *a) {
    json_t *out = json_object(), *counts = json_object(), *changes = json_array();
    json_int_t more = 0;
    trial_count(d->records.out, 0, counts, changes, &more);
    json_object_set_new(out, "applies", json_boolean(all_apply(d)));
    json_object_set_new(out, "error", trial_error(&d->err));
    json_object_set_new(out, "large", json_boolean(d->sliced));
    json_object_set_new(out, "seats", seats_of(d, seats_before));
    json_object_set_new(out, "counts", counts);
    json_object_set_new(out, "changes", changes);
    json_object_set_new(out, "more", json_integer(more));
    if (d->tried_operations != NULL)
        json_object_set(out, "operations", d->tried_operations);
    char *text = json_dumps(out, JSON_COMPACT), *kept = arena_strdup(a, text);
    free(text);
    json_decref(out);
    return kept;
}

/* ---- on record ---- */

/* {"path","op":"add","from":null,"to"} of each action, and of the refusal. */
static void put_tried(struct jbuf *b, const char *path, const json_t *to) {
    char *text = json_dumps(to, JSON_COMPACT | JSON_ENCODE_ANY);
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "path", path);
    jb_kstr(b, "op", "add");
    jb_kraw(b, "from", "null");
    jb_kraw(b, "to", text);
    jb_raw(b, "}");
    free(text);
}

void trial_record(struct record_context *records, const struct command *c, const json_t *told) {
    struct jbuf b = {0};
    json_t *n;
    const char *action, *error = json_string_value(json_object_get(json_object_get(told, "error"), "detail"));
    jb_raw(&b, "[");
    json_object_foreach(json_object_get(told, "counts"), action, n) {
        put_tried(&b, action, n);
    }
    if (error != NULL)
        put_tried(&b, "error", json_object_get(json_object_get(told, "error"), "detail"));
    jb_raw(&b, "]");
    struct audit_change change = {.action = ACTION_COMMAND_TRIED,
                                  .target = command_target(c),
                                  .outcome = "refused",
                                  .reason = "dry_run",
                                  .changes_json = arena_strdup(records->arena, b.p)};
    record_audit_change(records, &change);
    jb_free(&b);
}

void trial_show(struct decision *d) {
    const struct command *c = d->command;
    if (d->err.code != ERR_OK || d->reply->doc != NULL || c->rt == NULL || c->rt->kind != RESOURCE_ROOM ||
        c->resource == NULL || c->type == COMMAND_MEMBER_PUT || c->type == COMMAND_MEMBER_DELETE)
        return;
    const struct unit_resource *r = unit_resource(d->unit, d->workspace, c->rt, d->reply->id.s);
    d->reply->doc = r != NULL && r->doc != NULL ? arena_strdup(d->records.arena, r->doc) : NULL;
}
