/* usherctl audit resume: an operator decides about a tree that has stopped, or that is not signed any more.
 */
#include "ops/ctl/ctl_audit.h"

#include "schemas/text/jsonx.h"

#include <string.h>

#define WHY_MAX 500

static enum err_code read_why(struct ctl *c, const char **why, struct err *err) {
    if (ctl_flag_required(c->args, "why", why, err) != ERR_OK)
        return err->code;
    size_t n = strlen(*why);
    return n > 0 && n <= WHY_MAX
               ? ERR_OK
               : err_set(err, ERR_USAGE, "--why is a text of 1 to %d bytes, for whoever reads the audit",
                         WHY_MAX);
}

/* The decision is a change like any other, in the tree itself. Nobody's trees have no commands. */
static enum err_code put_resume(struct ctl *c, const struct ctl_workspace *w, int tree,
                                const struct audit_tree *t, const char *why, struct err *err) {
    json_t *said = json_object();
    if (strcmp(w->id.s, UUID_NIL) == 0) {
        json_decref(said);
        return ERR_OK;
    }
    jsonx_put(said, "tree", json_string(audit_tree_name(tree)));
    jsonx_put(said, "why", json_string(why));
    if (t->stopped != NULL)
        jsonx_put(said, "stopped", json_string(t->stopped));
    if (t->refused != NULL)
        jsonx_put(said, "refused", json_string(t->refused));
    struct command cmd = {.type = COMMAND_AUDIT_RESUME, .workspace = w->id, .id = w->id, .resource = said};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

static void show_resumed(struct ctl *c, const struct ctl_workspace *w, int tree, const struct audit_tree *t) {
    if (c->json) {
        jb_raw(&c->out, "{\"resumed\":{");
        jb_kstr(&c->out, "workspace", w->id.s);
        jb_kstr(&c->out, "tree", audit_tree_name(tree));
        jb_kstr(&c->out, "stopped", t->stopped);
        jb_kstr(&c->out, "refused", t->refused);
        jb_kint(&c->out, "origin", t->origin + (t->refused != NULL));
        jb_raw(&c->out, "}}\n");
        return;
    }
    if (t->stopped != NULL)
        jb_printf(&c->out, "%s had stopped: %s.\nThe archive adds what was put aside, within seconds.\n",
                  audit_tree_name(tree), t->stopped);
    if (t->refused != NULL)
        jb_printf(&c->out, "%s was not signed: %s.\nIt is signed again as …/%s/%s/%d.\n",
                  audit_tree_name(tree), t->refused, w->id.s, audit_tree_name(tree), t->origin + 1);
}

static enum err_code resume(struct ctl *c, const struct ctl_workspace *w, int tree,
                            const struct audit_tree *t, const char *why, struct err *err) {
    bool done = false;
    if (t->stopped == NULL && t->refused == NULL)
        return err_set(err, ERR_CONFLICT,
                       "%s of %s has neither stopped nor been refused: there is nothing to decide",
                       audit_tree_name(tree), w->name);
    enum err_code code = put_resume(c, w, tree, t, why, err);
    if (code == ERR_OK)
        code = audit_resume(c->db, w->id.s, tree, why, &done, err);
    if (code == ERR_OK && !done)
        code = err_set(err, ERR_CONFLICT, "somebody else has decided already");
    if (code == ERR_OK)
        show_resumed(c, w, tree, t);
    return code;
}

enum err_code ctl_audit_resume(struct ctl *c, struct err *err) {
    static const char *const names[] = {"changes", "requests", NULL};
    const char *given, *why;
    struct ctl_workspace w;
    struct audit_tree trees[AUDIT_TREES];
    struct arena *a = arena_new();
    enum err_code code = ctl_audit_whose(c, c->args->words[2], &w, err);
    if (code == ERR_OK)
        code = ctl_flag_required(c->args, "tree", &given, err);
    if (code == ERR_OK)
        code = ctl_value_choice("--tree", given, names, err);
    if (code == ERR_OK)
        code = read_why(c, &why, err);
    if (code == ERR_OK)
        code = audit_begin(c->db, w.id.s, err);
    if (code == ERR_OK) {
        code = audit_trees(c->db, w.id.s, a, trees, err);
        audit_end(c->db);
    }
    if (code == ERR_OK) {
        int tree = strcmp(given, "changes") == 0 ? AUDIT_CHANGES : AUDIT_REQUESTS;
        code = resume(c, &w, tree, &trees[tree - 1], why, err);
    }
    arena_free(a);
    return code;
}
