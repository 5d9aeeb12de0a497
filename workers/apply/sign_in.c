#include "workers/apply/sign_in.h"

#include "schemas/api/sign_in.h"
#include "schemas/text/jsonx.h"
#include "workers/apply/credential.h"
#include "workers/apply/owners.h"

#include <string.h>

static const char *const members[] = {"issuer", "clientId", "people"};
#define NMEMBERS (sizeof members / sizeof *members)

void announce_sign_in(struct unit *u, struct unit_workspace *w, const struct command *c) {
    (void)c;
    unit_want_owners(u, w);
    unit_want_sign_in(u, w);
}

/* ---- what a command carries ---- */

/* Only who is an owner or administrator already can be let in: the list makes nobody one. */
static enum err_code check_owners(struct decision *d, const json_t *doc) {
    const json_t *one;
    size_t i;
    json_array_foreach(json_object_get(doc, "people"), i, one) {
        const char *id = json_string_value(json_object_get(one, "owner"));
        const struct unit_owner *o = unit_owner(d->unit, d->workspace, id);
        if (o == NULL)
            return decision_db_error(d);
        if (!row_alive(o->state) || o->revoked)
            return err_set_path(&d->err, ERR_INVALID_VALUE, "people",
                                "%s is no owner or administrator of the workspace, or is revoked", id);
    }
    return ERR_OK;
}

static enum err_code sign_in_check_sealed(struct decision *d) {
    const json_t *given = json_object_get(d->command->resource, "secret");
    const char *text = json_string_value(given);
    if (given == NULL || json_is_null(given) ||
        (text != NULL && *text != '\0' && strlen(text) <= SIGN_IN_SEALED_MAX))
        return ERR_OK;
    return err_set_path(&d->err, ERR_INVALID_VALUE, "secret", "The client's secret must be sealed");
}

/* Whoever may set an issuer must not have the secret sent there that was meant for another one. */
static enum err_code check_issuer(struct decision *d, const struct unit_sign_in *s, const json_t *doc) {
    json_t *before = row_alive(s->state) ? json_loads(s->doc, 0, NULL) : NULL;
    bool moves = s->secret != NULL && before != NULL &&
                 json_object_get(d->command->resource, "secret") == NULL &&
                 !json_equal(json_object_get(before, "issuer"), json_object_get(doc, "issuer"));
    json_decref(before);
    return moves ? err_set_path(&d->err, ERR_INVALID_VALUE, "clientSecret",
                                "For another issuer the client's secret must be given anew, or null")
                 : ERR_OK;
}

/* What is there with what is given put over it; a new reference. NULL: the error says what is wrong. */
static json_t *merged(struct decision *d, const struct unit_sign_in *s) {
    json_t *doc = row_alive(s->state) ? json_loads(s->doc, 0, NULL) : json_object();
    for (size_t i = 0; i < NMEMBERS; i++) {
        const json_t *v = json_object_get(d->command->resource, members[i]);
        if (v != NULL)
            jsonx_put(doc, members[i], jsonx_copy(v));
    }
    if (json_object_get(doc, "people") == NULL)
        jsonx_put(doc, "people", json_array());
    if (json_object_get(doc, "issuer") == NULL || json_object_get(doc, "clientId") == NULL)
        (void)err_set(&d->err, ERR_INVALID_VALUE, "Signing in by a provider needs its issuer and a clientId");
    else if (sign_in_check(doc, &d->err) == ERR_OK && check_owners(d, doc) == ERR_OK &&
             sign_in_check_sealed(d) == ERR_OK && check_issuer(d, s, doc) == ERR_OK)
        return doc;
    json_decref(doc);
    return NULL;
}

/* ---- the record ---- */

static void sign_in_put_change(struct jbuf *b, const char *path, const json_t *from, const json_t *to) {
    if ((from == NULL && to == NULL) || (from != NULL && to != NULL && json_equal(from, to)))
        return;
    jb_sep(b);
    jb_printf(b, "{\"path\":\"signIn.%s\"", path);
    jb_kstr(b, "op", from == NULL ? "add" : to == NULL ? "remove" : "replace");
    jb_key(b, "from");
    jsonx_text(from, b);
    jb_key(b, "to");
    jsonx_text(to, b);
    jb_raw(b, "}");
}

/* Of the secret only that it is another one. */
static void record(struct decision *d, const json_t *before, const json_t *after, bool secret) {
    struct unit_workspace *w = d->workspace;
    struct audit_target target = {.kind = TARGET_WORKSPACE, .id = w->id, .name = w->settings.name};
    struct jbuf changes = {0};
    jb_raw(&changes, "[");
    for (size_t i = 0; i < NMEMBERS; i++)
        sign_in_put_change(&changes, members[i], json_object_get(before, members[i]),
                           json_object_get(after, members[i]));
    if (secret) {
        jb_sep(&changes);
        jb_raw(&changes, "{\"path\":\"signIn.secret\",\"op\":\"replace\",\"from\":\"***\",\"to\":\"***\"}");
    }
    jb_raw(&changes, "]");
    if (changes.n > 2)
        decision_audit_json(d, ACTION_SETTINGS_CHANGED, &target,
                            arena_strdup(unit_arena(d->unit), changes.p));
    jb_free(&changes);
}

/* ---- the verb ---- */

static void sign_in_end(struct decision *d, struct unit_sign_in *s) {
    if (!row_alive(s->state))
        return;
    json_t *before = json_loads(s->doc, 0, NULL);
    record(d, before, NULL, false);
    json_decref(before);
    s->state = s->state == ROW_NEW ? ROW_ABSENT : ROW_DELETED;
}

static void sign_in_write(struct decision *d, struct unit_sign_in *s, json_t *doc) {
    struct arena *a = unit_arena(d->unit);
    json_t *before = row_alive(s->state) ? json_loads(s->doc, 0, NULL) : NULL;
    const json_t *secret = json_object_get(d->command->resource, "secret");
    struct jbuf text = {0};
    record(d, before, doc, secret != NULL);
    if (secret != NULL || !row_alive(s->state))
        s->secret = arena_strdup(a, json_string_value(secret));
    jsonx_put(doc, "hasSecret", json_boolean(s->secret != NULL));
    jsonx_text(doc, &text);
    s->doc = arena_strdup(a, text.p);
    if (s->state == ROW_DELETED) /* by a command before this one */
        s->state = ROW_CHANGED;
    unit_row_touch(&s->state);
    jb_free(&text);
    json_decref(before);
}

enum err_code apply_sign_in_set(struct decision *d) {
    if (owner_check_actor(d) != ERR_OK)
        return d->err.code;
    struct unit_sign_in *s = unit_sign_in(d->unit, d->workspace);
    if (s == NULL)
        return decision_db_error(d);
    if (json_is_null(json_object_get(d->command->resource, "issuer"))) {
        sign_in_end(d, s);
        return ERR_OK;
    }
    json_t *doc = merged(d, s);
    if (doc == NULL)
        return d->err.code;
    sign_in_write(d, s, doc);
    json_decref(doc);
    return ERR_OK;
}
