#include "workers/apply/bulk_trial.h"

#include "workers/apply/checks.h"
#include "workers/apply/trial.h"
#include "workers/apply/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the operations ---- */

/* An operation as a command of its own. */
struct part {
    struct command command;
    struct err fault; /* of what it carries, or why it is no command: it is refused; ERR_OK: it is in order */
};

static void part_clear(void *arg) {
    struct part *part = arg;
    command_clear(&part->command);
}

/* Who sends it, and whose it is, is said by the whole, which was looked at. */
static struct part *part_read(const struct command *whole, const json_t *text, struct arena *a) {
    struct part *part = arena_alloc(a, sizeof *part);
    char *bytes = json_dumps(text, JSON_COMPACT);
    *part = (struct part){0};
    enum err_code code =
        command_decode(bytes, bytes != NULL ? strlen(bytes) : 0, &part->command, &part->fault);
    free(bytes);
    if (code != ERR_OK) {
        part->command = (struct command){.type = COMMAND_REQUEST_REFUSED, .txn = whole->txn, .id = whole->id};
    } else {
        arena_defer(a, part_clear, part);
        (void)command_check(&part->command, &part->fault);
    }
    part->command.dry = true;
    part->command.workspace = whole->workspace;
    part->command.actor = whole->actor;
    part->command.dialect = whole->dialect;
    part->command.reason = whole->reason;
    part->command.not_after_us = whole->not_after_us;
    return part;
}

void bulk_trial_announce(struct unit *u, struct unit_workspace *w, const struct command *c) {
    size_t i;
    json_t *text;
    json_array_foreach(c->operations, i, text) {
        const struct part *part = part_read(c, text, unit_arena(u));
        check_announce(u, w, &part->command);
        if (part->fault.code == ERR_OK)
            verb_of(part->command.type)->announce(u, w, &part->command);
    }
}

/* ---- one operation ---- */

/* What must be alone in its transaction cannot be decided behind others, whose changes are not stored. */
static void refuse_large(struct decision *d) {
    if (d->wants_alone || d->wants_steps)
        (void)err_set(
            &d->err, ERR_TOO_LARGE,
            "The operation is about too many members to be tried together with others: try it alone");
}

static json_t *tell_operation(const struct decision *d, size_t first, size_t *reasons) {
    json_t *out = json_object(), *counts = json_object();
    struct err said = d->err;
    *reasons += strlen(err_text(&said));
    if (*reasons > BULK_TRIAL_REASONS)
        snprintf(said.detail, sizeof said.detail, "%s", "(the reasons are too many to be told)");
    trial_count(d->records.out, first, counts, NULL, NULL);
    json_object_set_new(out, "txn", json_string(d->command->txn.s));
    json_object_set_new(out, "applies", json_boolean(d->err.code == ERR_OK));
    json_object_set_new(out, "stopped", json_boolean(d->err.code == ERR_BULK_STOPPED));
    json_object_set_new(out, "error", trial_error(&said));
    json_object_set_new(out, "counts", counts);
    json_object_set_new(out, "version", json_integer(d->err.code == ERR_OK ? d->reply->version : 0));
    return out;
}

/* A refusal changes nothing, counts for failOnErrors, and leaves no record here: it is told. */
static void count_refusal(struct decision *d) {
    struct record_list *records = d->records.out;
    size_t n = records->n;
    decision_refuse(d);
    records->n = n;
}

static enum err_code try_operation(struct decision *whole, const struct part *part, size_t *reasons) {
    struct reply reply = {.txn = part->command.txn, .id = part->command.id};
    struct decision d = *whole;
    size_t first = whole->records.out->n;
    d.command = &part->command;
    d.reply = &reply;
    d.alone = false;
    d.crowd = NULL;
    if (first > BULK_TRIAL_RECORDS)
        (void)err_set(
            &d.err, ERR_TOO_LARGE,
            "What comes before makes more than %d records, so this was not tried: send less at once",
            BULK_TRIAL_RECORDS);
    else
        (void)verb_decide(&d, &part->fault);
    if (unit_error(d.unit, &whole->err) != ERR_OK)
        return whole->err.code;
    refuse_large(&d);
    if (d.err.code != ERR_OK)
        count_refusal(&d);
    json_array_append_new(whole->tried_operations, tell_operation(&d, first, reasons));
    return ERR_OK;
}

static void drop_told(void *json) {
    json_decref(json);
}

enum err_code bulk_trial_decide(struct decision *d) {
    size_t i, reasons = 0;
    json_t *text;
    if (check_command(d) != ERR_OK)
        return d->err.code;
    d->tried_operations = json_array();
    arena_defer(unit_arena(d->unit), drop_told, d->tried_operations);
    json_array_foreach(d->command->operations, i, text) {
        if (try_operation(d, part_read(d->command, text, unit_arena(d->unit)), &reasons) != ERR_OK)
            return d->err.code;
    }
    return ERR_OK;
}

/* ---- the records ---- */

void bulk_trial_audit(struct decision *d, const json_t *operations) {
    size_t i;
    json_t *text;
    json_array_foreach(d->command->operations, i, text) {
        const struct part *part = part_read(d->command, text, unit_arena(d->unit));
        const json_t *told = json_array_get(operations, i);
        if (!json_is_true(json_object_get(told, "stopped")))
            trial_record(&d->records, &part->command, told);
    }
}
