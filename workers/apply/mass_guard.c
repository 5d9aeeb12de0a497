#include "workers/apply/mass_guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const guard_words[GUARD_KINDS] = {"users", "members"};

static bool guard_holds(const struct decision *d) {
    return strcmp(d->workspace->settings.guard_mode, "hold") == 0;
}

bool mass_guard_watches(const struct decision *d) {
    return d->command->actor.kind == ACTOR_KEY && strcmp(d->workspace->settings.guard_mode, "off") != 0;
}

void mass_guard_slide(struct unit_guard *g, int64_t now_us, int64_t window_s) {
    int64_t bucket = now_us / (window_s * 1000000 / GUARD_BUCKETS), steps = bucket - g->head;
    if (steps < 0 || steps > GUARD_BUCKETS)
        steps = GUARD_BUCKETS;
    for (int64_t i = 0; i < steps; i++)
        g->slots[(bucket + GUARD_BUCKETS - i) % GUARD_BUCKETS] = 0;
    g->head = bucket;
}

int64_t mass_guard_removed(const struct unit_guard *g) {
    int64_t sum = 0;
    for (int i = 0; i < GUARD_BUCKETS; i++)
        sum += g->slots[i];
    return sum;
}

int64_t mass_guard_allowed(int64_t base, const struct workspace_settings *s) {
    int64_t share = base * s->guard_share / 100;
    return share > s->guard_min ? share : s->guard_min;
}

/* Counts how many there are, with the first removal of a window, and again when that count has left the
 * window. */
static bool guard_count_base(struct decision *d, struct unit_guard *g) {
    int64_t age = g->head - g->base_at, now;
    if (g->state != ROW_ABSENT && mass_guard_removed(g) > 0 && age >= 0 && age < GUARD_BUCKETS)
        return true;
    now = unit_count(d->unit, d->workspace, g->kind);
    g->base = now + mass_guard_removed(g);
    g->base_at = g->head;
    return now >= 0;
}

static enum err_code guard_refuse(struct decision *d, const struct unit_guard *g, int64_t removed,
                                  int64_t allowed) {
    const struct workspace_settings *s = &d->workspace->settings;
    return err_set(
        &d->err, ERR_GUARD,
        "The guard against mass changes: with this %" PRId64
        " %s would have been %s by one key within %" PRId64 " seconds, and %" PRId64 " of %" PRId64
        " are allowed. Nothing was changed. %s %s",
        removed, guard_words[g->kind], g->kind == GUARD_USERS ? "deactivated or deleted" : "removed",
        s->guard_window, allowed, g->base,
        guard_holds(d) ? "The key's removals are held until an owner or operator releases them: usherctl "
                         "guard release"
                       : "It is possible again when earlier removals have left the window, or when an owner "
                         "or operator releases the key: usherctl guard release",
        g->key);
}

static void guard_trip(struct decision *d, struct unit_guard *g, int64_t before, int64_t after) {
    const struct unit_key *k = unit_key(d->unit, d->workspace, g->key);
    struct audit_target target = {.kind = TARGET_KEY, .id = g->key, .name = k != NULL ? k->name : NULL};
    if (g->tripped_us)
        return;
    g->tripped_us = d->now_us;
    decision_audit_json(d, ACTION_GUARD_TRIPPED, &target,
                        arena_printf(unit_arena(d->unit),
                                     "[{\"path\":\"%s\",\"op\":\"replace\",\"from\":%" PRId64
                                     ",\"to\":%" PRId64 "}]",
                                     guard_words[g->kind], before, after));
}

/* In mode hold a guard that has tripped holds up all removals of its key until it is released. */
static enum err_code guard_check_held(struct decision *d) {
    for (enum guard_kind kind = 0; guard_holds(d) && kind < GUARD_KINDS; kind++) {
        const struct unit_guard *g = unit_guard(d->unit, d->workspace, d->command->actor.id, kind);
        if (g == NULL)
            return decision_db_error(d);
        if (g->tripped_us)
            return err_set(
                &d->err, ERR_GUARD,
                "This key's removals are held by the guard against mass changes: too many %s were to "
                "be removed within %" PRId64
                " seconds. An owner or operator releases them: usherctl guard release %s",
                guard_words[kind], d->workspace->settings.guard_window, g->key);
    }
    return ERR_OK;
}

/* A command that is refused here leaves one trace: that the guard has tripped. */
enum err_code mass_guard_pass(struct decision *d, enum guard_kind kind, int64_t n) {
    const struct workspace_settings *s = &d->workspace->settings;
    if (!mass_guard_watches(d) || n == 0)
        return ERR_OK;
    struct unit_guard *g = unit_guard(d->unit, d->workspace, d->command->actor.id, kind);
    if (g == NULL)
        return decision_db_error(d);
    if (guard_check_held(d) != ERR_OK)
        return d->err.code;
    mass_guard_slide(g, d->now_us, s->guard_window);
    if (!guard_count_base(d, g))
        return decision_db_error(d);
    unit_row_touch(&g->state);
    int64_t before = mass_guard_removed(g), allowed = mass_guard_allowed(g->base, s);
    if (before + n > allowed) {
        guard_trip(d, g, before, before + n);
        return guard_refuse(d, g, before + n, allowed);
    }
    g->tripped_us = 0;
    g->slots[g->head % GUARD_BUCKETS] += n;
    return ERR_OK;
}

/* Lets the key remove again, as if it had removed nothing so far. */
enum err_code apply_guard_release(struct decision *d) {
    const struct unit_key *k = unit_key(d->unit, d->workspace, d->command->id.s);
    bool counted = false;
    if (k == NULL)
        return decision_db_error(d);
    if (!row_alive(k->state))
        return err_set(&d->err, ERR_NOT_FOUND, "Key %s does not exist", d->command->id.s);
    for (enum guard_kind kind = 0; kind < GUARD_KINDS; kind++) {
        struct unit_guard *g = unit_guard(d->unit, d->workspace, k->id, kind);
        if (g == NULL)
            return decision_db_error(d);
        if (!row_alive(g->state) || (mass_guard_removed(g) == 0 && !g->tripped_us))
            continue;
        counted = true;
        memset(g->slots, 0, sizeof g->slots);
        g->tripped_us = 0;
        unit_row_touch(&g->state);
    }
    struct audit_target target = {.kind = TARGET_KEY, .id = k->id, .name = k->name};
    if (counted)
        decision_audit(d, ACTION_GUARD_RELEASED, &target, NULL, NULL, NULL, 0);
    return ERR_OK;
}
