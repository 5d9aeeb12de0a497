/* What is asked of a workspace as a whole: its name, how many users there are, and who has a seat. The
 * backend knows what is stored; what the batch has changed so far is added here. */
#include "sql/unit/unit_private.h"

#include <string.h>

/* The backend's answer; false, with the unit's error, where there is none. */
static bool answered(struct unit *u, enum err_code code) {
    u->begun = u->begun && code == ERR_OK;
    return code == ERR_OK;
}

bool unit_workspace_name_free(struct unit *u, const char *name) {
    bool is_free;
    if (u->err.code != ERR_OK || !answered(u, u->store.backend->name_free(u, name, &is_free, &u->err)))
        return false;
    for (const struct object *o = u->objects[UNIT_WORKSPACES]; o != NULL; o = o->next) {
        const struct unit_workspace *w = o->p;
        if (!row_alive(w->state))
            continue;
        if (strcmp(w->settings.name, name) == 0)
            return false;
        is_free |= w->stored_name != NULL && strcmp(w->stored_name, name) == 0; /* given up here */
    }
    return is_free;
}

static bool seen(const struct unit_member *m, bool stored) {
    return stored ? m->was_present && !m->was_held : m->present && !m->held;
}

int64_t unit_count(struct unit *u, struct unit_workspace *w, enum guard_kind kind) {
    int64_t n;
    if (u->err.code != ERR_OK || !answered(u, u->store.backend->count(u, w, kind, &n, &u->err)))
        return -1;
    const struct object *o = u->objects[kind == GUARD_USERS ? UNIT_USERS : UNIT_MEMBERS];
    for (; o != NULL; o = o->next) { /* what the batch has changed so far is not in the database yet */
        const struct unit_resource *r = o->p;
        const struct unit_member *m = o->p;
        if (kind == GUARD_USERS && r->workspace == w)
            n += (row_alive(r->state) && r->active) - r->stored_active;
        else if (kind == GUARD_MEMBERS && m->room->workspace == w)
            n += seen(m, false) - seen(m, true);
    }
    return n;
}

int64_t unit_count_keys(struct unit *u, struct unit_workspace *w) {
    int64_t n;
    if (u->err.code != ERR_OK || !answered(u, u->store.backend->count_keys(u, w, &n, &u->err)))
        return -1;
    for (const struct object *o = u->objects[UNIT_KEYS]; o != NULL; o = o->next) {
        const struct unit_key *k = o->p;
        bool stored = k->state == ROW_LOADED || k->state == ROW_CHANGED;
        if (k->workspace == w)
            n += (row_alive(k->state) && !k->revoked) - (stored && !k->stored_revoked);
    }
    return n;
}

/* Does the workspace's mode give this user a seat? stored: as the database knows user and logins. */
static bool has_seat(struct unit *u, const struct unit_resource *r, bool on_login, bool stored) {
    const struct unit_login *l = on_login ? unit_find(u, UNIT_LOGINS, r->workspace, r->id, "") : NULL;
    bool active = stored ? r->stored_active : row_alive(r->state) && r->active;
    bool login =
        l != NULL && (stored ? l->state == ROW_LOADED || l->state == ROW_CHANGED : row_alive(l->state));
    return active && (!on_login || login);
}

bool unit_recount_seats(struct unit *u, struct unit_workspace *w) {
    bool on_login = strcmp(w->settings.seat_mode, "on_first_login") == 0;
    struct unit_page page = {.after = UUID_NIL, .limit = INT64_MAX};
    int64_t n;
    for (const struct object *o = u->objects[UNIT_USERS]; on_login && o != NULL; o = o->next)
        if (((const struct unit_resource *)o->p)->workspace == w)
            unit_want_login(u, w, ((const struct unit_resource *)o->p)->id);
    if (!unit_fetch_wanted(u) ||
        !answered(u, u->store.backend->recount_seats(u, w, on_login, &page, &n, &u->err)))
        return false;
    for (const struct object *o = u->objects[UNIT_USERS]; o != NULL; o = o->next) {
        struct unit_resource *r = o->p;
        if (r->workspace != w)
            continue;
        r->stored_seat = has_seat(u, r, on_login, true);
        r->seat = has_seat(u, r, on_login, false);
        n += r->seat - r->stored_seat;
    }
    w->seats_used = n;
    return true;
}
