#include "workers/apply/decision.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

enum err_code decision_alone(struct decision *d) {
    d->wants_alone = !d->alone;
    return d->alone ? ERR_OK : err_set(&d->err, ERR_TOO_LARGE, "The change must be alone");
}

enum err_code decision_next_step(struct decision *d) {
    d->wants_steps = true;
    return err_set(&d->err, ERR_TOO_LARGE, "The change is not looked up yet");
}

enum err_code decision_in_steps(struct decision *d) {
    return d->crowd != NULL ? ERR_OK : decision_next_step(d);
}

void decision_audit_recount(struct decision *d, int64_t before) {
    const struct unit_workspace *w = d->workspace;
    struct audit_target target = {.kind = TARGET_WORKSPACE, .id = w->id, .name = w->settings.name};
    if (before != w->seats_used)
        decision_audit_json(d, ACTION_SEATS_RECOUNTED, &target,
                            arena_printf(unit_arena(d->unit),
                                         "[{\"path\":\"seatsUsed\",\"op\":\"replace\",\"from\":%" PRId64
                                         ",\"to\":%" PRId64 "}]",
                                         before, w->seats_used));
}

enum err_code decision_db_error(struct decision *d) {
    if (unit_error(d->unit, &d->err) == ERR_OK)
        return err_set(&d->err, ERR_INTERNAL, "An object is missing");
    return d->err.code;
}

struct audit_target decision_target(const struct unit_resource *r) {
    return target_resource(r->rt, r->id, r->name);
}

void decision_audit(struct decision *d, enum audit_action action, const struct audit_target *target,
                    const struct audit_target *subject, const char *reason,
                    const struct resource_change *changes, size_t nchanges) {
    struct audit_change change = {.action = action,
                                  .target = *target,
                                  .outcome = "applied",
                                  .reason = reason,
                                  .changes = changes,
                                  .nchanges = nchanges};
    if (subject != NULL)
        change.subject = *subject;
    if (nchanges == 0)
        change.changes_json = "[]";
    record_audit_change(&d->records, &change);
}

void decision_audit_user(struct decision *d, enum audit_action action, const struct unit_resource *user,
                         enum audit_seat seat, const struct resource_change *changes, size_t nchanges) {
    struct audit_change change = {.action = action,
                                  .seat = seat,
                                  .target = decision_target(user),
                                  .outcome = "applied",
                                  .changes = changes,
                                  .nchanges = nchanges,
                                  .changes_json = nchanges == 0 ? "[]" : NULL};
    record_audit_change(&d->records, &change);
}

void decision_audit_json(struct decision *d, enum audit_action action, const struct audit_target *target,
                         const char *changes_json) {
    struct audit_change change = {
        .action = action, .target = *target, .outcome = "applied", .changes_json = changes_json};
    record_audit_change(&d->records, &change);
}

void decision_reply_resource(struct decision *d, const struct unit_resource *r, bool with_doc) {
    snprintf(d->reply->id.s, sizeof d->reply->id.s, "%s", r->id);
    d->reply->version = r->version;
    d->reply->created_us = r->created_us;
    d->reply->modified_us = r->modified_us;
    d->reply->doc = with_doc && r->doc != NULL ? arena_strdup(d->records.arena, r->doc) : NULL;
}

const char **decision_id_texts(struct decision *d, const json_t *ids, size_t *n) {
    const char **texts = arena_alloc(unit_arena(d->unit), (json_array_size(ids) + 1) * sizeof *texts);
    size_t i;
    json_t *id;
    *n = 0;
    json_array_foreach(ids, i, id) texts[(*n)++] = json_string_value(id);
    return texts;
}

void decision_bump(struct decision *d, struct unit_resource *r, bool doc_changed) {
    r->version++;
    r->modified_us = d->now_us;
    unit_touch(r, doc_changed);
}

/* ---- refusals ---- */

static void audit_refusal(struct decision *d) {
    char reason[40];
    snprintf(reason, sizeof reason, "%s", err_name(d->err.code));
    for (char *p = reason; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    struct audit_change change = {.action =
                                      d->err.code == ERR_SEATS ? ACTION_SEAT_REFUSED : ACTION_COMMAND_REFUSED,
                                  .target = command_target(d->command),
                                  .outcome = "refused",
                                  .reason = arena_strdup(d->records.arena, reason),
                                  .changes_json = "[]"};
    record_audit_change(&d->records, &change);
}

void decision_refuse(struct decision *d) {
    d->reply->code = d->err.code;
    snprintf(d->reply->detail, sizeof d->reply->detail, "%s", err_text(&d->err));
    snprintf(d->reply->path, sizeof d->reply->path, "%s", d->err.path);
    if (!row_alive(d->workspace->state) || d->err.code == ERR_BULK_STOPPED)
        return; /* no workspace has no stream, and what was not tried has no record */
    audit_refusal(d);
    struct unit_bulk *b =
        d->command->bulk_fail_on > 0 ? unit_bulk(d->unit, d->workspace, d->command->bulk.s) : NULL;
    if (b != NULL)
        b->failures++;
}
