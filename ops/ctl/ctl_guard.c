/* usherctl guard list|release: the guard against mass changes. */
#include "ops/ctl/ctl_find.h"

enum { G_KEY, G_NAME, G_KIND, G_REMOVED, G_BASE, G_TRIPPED }; /* of statements/ctl_list.sql */

static void put_guard(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "key", db_text(r, row, G_KEY));
    jb_kstr(b, "name", db_is_null(r, row, G_NAME) ? NULL : db_text(r, row, G_NAME));
    jb_kstr(b, "kind", db_text(r, row, G_KIND));
    jb_kint(b, "removed", db_int(r, row, G_REMOVED));
    jb_kint(b, "base", db_int(r, row, G_BASE));
    jb_kstr(b, "tripped", db_is_null(r, row, G_TRIPPED) ? NULL : db_text(r, row, G_TRIPPED));
    jb_raw(b, "}");
}

static void print_guard(struct jbuf *b, const struct db_result *r, size_t row) {
    jb_printf(b, "%s  %s: %s of %s %s removed within the window%s%s\n", db_text(r, row, G_KEY),
              db_is_null(r, row, G_NAME) ? "?" : db_text(r, row, G_NAME), db_text(r, row, G_REMOVED),
              db_text(r, row, G_BASE), db_text(r, row, G_KIND),
              db_is_null(r, row, G_TRIPPED) ? "" : ", TRIPPED ",
              db_is_null(r, row, G_TRIPPED) ? "" : db_text(r, row, G_TRIPPED));
}

enum err_code ctl_guard_list(struct ctl *c, struct err *err) {
    static const struct ctl_list list = {"guards", "no key has removed anything under guard\n", put_guard,
                                         print_guard};
    return ctl_list_workspace(c, &list, SQL_CTL_LIST_GUARDS, err);
}

enum err_code ctl_guard_release(struct ctl *c, struct err *err) {
    struct ctl_credential k;
    enum err_code code = ctl_credential_named(c, CTL_KEY, &k, err);
    if (code != ERR_OK)
        return code;
    struct command cmd = {.type = COMMAND_GUARD_RELEASE, .workspace = k.workspace, .id = k.id};
    code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    if (code != ERR_OK)
        return code;
    if (c->json) {
        jb_raw(&c->out, "{\"guard\":{");
        jb_kstr(&c->out, "key", k.id.s);
        jb_raw(&c->out, ",\"released\":true}}\n");
    } else {
        jb_printf(&c->out, "key %s \"%s\" may remove again\n", k.id.s, k.name);
    }
    return ERR_OK;
}
