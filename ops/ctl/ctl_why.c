/* usherctl why: is a user in a room, and why. */
#include "ops/ctl/ctl_audit.h"
#include "ops/ctl/ctl_far.h"
#include "ops/runtime/mem.h"
#include "sql/ask/audit_why.h"

#include <stdio.h>
#include <stdlib.h>

static const char *said(const json_t *record, const char *object, const char *name) {
    const json_t *at = object != NULL ? json_object_get(record, object) : record;
    const char *text = json_string_value(json_object_get(at, name));
    return text != NULL ? text : "-";
}

static bool holds(const json_t *why, const char *name) {
    return json_is_true(json_object_get(why, name));
}

static void print_state(struct jbuf *b, const json_t *why) {
    const char *since = ctl_or(ctl_text(why, "since"), "");
    if (holds(why, "member"))
        jb_printf(b, "In the room since %s%s.\n", since, holds(why, "transmit") ? "" : ", may not transmit");
    else if (holds(why, "held"))
        jb_printf(b, "Not in the room: held since %s, and back when the user is active again.\n", since);
    else
        jb_printf(b, "Not in the room%s%s.\n", holds(why, "roomExists") ? "" : ", which does not exist",
                  holds(why, "userExists") ? "" : "; there is no such user");
}

static void print_because(struct jbuf *b, const json_t *why) {
    const json_t *because = json_object_get(why, "because"), *change = json_object_get(because, "record"),
                 *request = json_object_get(json_object_get(why, "request"), "record");
    jb_printf(b, "  %s  %s, epoch %" JSON_INTEGER_FORMAT " seq %" JSON_INTEGER_FORMAT ", by %s \"%s\"",
              said(change, NULL, "time"), said(change, NULL, "action"),
              json_integer_value(json_object_get(change, "epoch")),
              json_integer_value(json_object_get(change, "seq")), said(change, "actor", "kind"),
              said(change, "actor", "name"));
    if (json_is_string(json_object_get(change, "reason")))
        jb_printf(b, " (%s)", said(change, NULL, "reason"));
    jb_printf(b, ", through a %s\n  record %s%s\n", said(why, NULL, "through"), said(because, NULL, "id"),
              ctl_text(why, "proof") != NULL ? ": usherctl audit prove writes its proof"
                                             : ", not signed yet");
    if (request != NULL)
        jb_printf(b, "  %s %s -> %" JSON_INTEGER_FORMAT ", key \"%s\" (%s), from %s, %s\n  txn %s\n",
                  said(request, NULL, "method"), said(request, NULL, "path"),
                  json_integer_value(json_object_get(request, "status")), said(request, "key", "name"),
                  said(request, "key", "id"), said(request, NULL, "sourceIp"),
                  said(request, NULL, "userAgent"), said(request, NULL, "txn"));
}

/* As the admin API answers; a new reference. */
static enum err_code why_near(struct ctl *c, const struct ctl_workspace *w, const char *room,
                              const char *user, json_t **out, struct err *err) {
    struct audit_why why;
    struct jbuf text = {0};
    struct arena *a = arena_new();
    enum err_code code = audit_begin(c->db, w->id.s, err);
    if (code == ERR_OK)
        code = audit_why(c->db, w->id.s, room, user, a, &why, err);
    audit_end(c->db);
    if (code == ERR_OK) {
        audit_why_put(&text, room, user, &why);
        *out = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL);
    }
    jb_free(&text);
    arena_free(a);
    return code;
}

static enum err_code why_far(struct ctl *c, const char *room, const char *user, json_t **out,
                             struct err *err) {
    char *path = xasprintf("/rooms/%s/members/%s/why", room, user);
    enum err_code code = ctl_far_ask(c, "GET", path, NULL, out, err);
    free(path);
    return code;
}

static void print_why(struct jbuf *b, const json_t *why) {
    print_state(b, why);
    if (json_is_object(json_object_get(why, "because")))
        print_because(b, why);
    else
        jb_raw(b, "  The archive has no record of it.\n");
}

static const struct ctl_list whys = {"whys", "", NULL, print_why, NULL};

enum err_code ctl_why(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    struct uuid room, user;
    json_t *why = NULL;
    if (!uuid_parse(c->args->words[1], &room) || !uuid_parse(c->args->words[2], &user))
        return err_set(err, ERR_USAGE, "ROOM and USER are ids");
    if (ctl_workspace_flag(c, &w, err) != ERR_OK)
        return err->code;
    enum err_code code =
        c->far != NULL ? why_far(c, room.s, user.s, &why, err) : why_near(c, &w, room.s, user.s, &why, err);
    if (code == ERR_OK)
        ctl_show_item(c, &whys, "why", why);
    json_decref(why);
    return code;
}
