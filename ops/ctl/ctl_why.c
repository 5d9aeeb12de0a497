/* usherctl why: is a user in a room, and why. */
#include "ops/ctl/ctl_audit.h"

#include "ops/runtime/clock.h"
#include "sql/ask/audit_why.h"

#include <inttypes.h>
#include <stdio.h>

static const char *said(const json_t *record, const char *object, const char *name) {
    const json_t *at = object != NULL ? json_object_get(record, object) : record;
    const char *text = json_string_value(json_object_get(at, name));
    return text != NULL ? text : "-";
}

static void print_state(struct jbuf *b, const struct audit_why *w) {
    char since[RFC3339_SIZE] = "";
    if (w->since_us != 0)
        rfc3339_us(w->since_us, since);
    if (w->member)
        jb_printf(b, "In the room since %s%s.\n", since, w->transmit ? "" : ", may not transmit");
    else if (w->held)
        jb_printf(b, "Not in the room: held since %s, and back when the user is active again.\n", since);
    else
        jb_printf(b, "Not in the room%s%s.\n", w->room ? "" : ", which does not exist",
                  w->user ? "" : "; there is no such user");
}

static void print_because(struct jbuf *b, const struct audit_why *w) {
    json_t *change = json_loadb(w->because->bytes, w->because->nbytes, JSON_ALLOW_NUL, NULL);
    jb_printf(b, "  %s  %s, epoch %" JSON_INTEGER_FORMAT " seq %" JSON_INTEGER_FORMAT ", by %s \"%s\"",
              said(change, NULL, "time"), said(change, NULL, "action"),
              json_integer_value(json_object_get(change, "epoch")),
              json_integer_value(json_object_get(change, "seq")), said(change, "actor", "kind"),
              said(change, "actor", "name"));
    if (json_is_string(json_object_get(change, "reason")))
        jb_printf(b, " (%s)", said(change, NULL, "reason"));
    jb_printf(b, ", through a %s\n  record %s%s\n", w->through, w->because->event,
              w->proof != NULL ? ": usherctl audit prove writes its proof" : ", not signed yet");
    json_decref(change);
    if (w->request == NULL)
        return;
    json_t *request = json_loadb(w->request->bytes, w->request->nbytes, JSON_ALLOW_NUL, NULL);
    jb_printf(b, "  %s %s -> %" JSON_INTEGER_FORMAT ", key \"%s\" (%s), from %s, %s\n  txn %s\n",
              said(request, NULL, "method"), said(request, NULL, "path"),
              json_integer_value(json_object_get(request, "status")), said(request, "key", "name"),
              said(request, "key", "id"), said(request, NULL, "sourceIp"), said(request, NULL, "userAgent"),
              said(request, NULL, "txn"));
    json_decref(request);
}

static enum err_code show_why(struct ctl *c, const struct ctl_workspace *w, const char *room,
                              const char *user, struct err *err) {
    struct audit_why why;
    struct arena *a = arena_new();
    enum err_code code = audit_begin(c->db, w->id.s, err);
    if (code == ERR_OK)
        code = audit_why(c->db, w->id.s, room, user, a, &why, err);
    audit_end(c->db);
    if (code == ERR_OK && c->json) {
        jb_raw(&c->out, "{\"why\":");
        audit_why_put(&c->out, room, user, &why);
        jb_raw(&c->out, "}\n");
    } else if (code == ERR_OK) {
        print_state(&c->out, &why);
        if (why.because != NULL)
            print_because(&c->out, &why);
        else
            jb_raw(&c->out, "  The archive has no record of it.\n");
    }
    arena_free(a);
    return code;
}

enum err_code ctl_why(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    struct uuid room, user;
    if (!uuid_parse(c->args->words[1], &room) || !uuid_parse(c->args->words[2], &user))
        return err_set(err, ERR_USAGE, "ROOM and USER are ids");
    if (ctl_audit_workspace(c, &w, err) != ERR_OK)
        return err->code;
    return show_why(c, &w, room.s, user.s, err);
}
