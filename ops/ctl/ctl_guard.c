/* usherctl guard list|release: the guard against mass changes. */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"
#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>

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

static void print_guard(struct jbuf *b, const json_t *g) {
    const char *tripped = ctl_text(g, "tripped");
    jb_printf(b, "%s  %s: %lld of %lld %s removed within the window%s%s\n", ctl_text(g, "key"),
              ctl_or(ctl_text(g, "name"), "?"), (long long)ctl_number(g, "removed"),
              (long long)ctl_number(g, "base"), ctl_text(g, "kind"), tripped != NULL ? ", TRIPPED " : "",
              ctl_or(tripped, ""));
}

static const struct ctl_list guards = {"guards", "no key has removed anything under guard\n", put_guard,
                                       print_guard, "/guards"};

/* The service has one item a key, with what it counts beside each other; here each is a row. */
static json_t *rows_of_guards(const json_t *items) {
    static const char *const kinds[] = {"members", "users"};
    json_t *rows = json_array();
    const json_t *item;
    size_t i;
    json_array_foreach(items, i, item) {
        const json_t *key = json_object_get(item, "key");
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            const json_t *count = json_object_get(item, kinds[k]);
            if (!json_is_object(count))
                continue;
            jsonx_push(rows,
                       json_pack("{s:O, s:O, s:s, s:O, s:O, s:O}", "key", json_object_get(key, "id"), "name",
                                 json_object_get(key, "name"), "kind", kinds[k], "removed",
                                 json_object_get(count, "removed"), "base", json_object_get(count, "base"),
                                 "tripped", json_object_get(count, "tripped")));
        }
    }
    return rows;
}

static enum err_code guards_far(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    json_t *items;
    if (ctl_workspace_flag(c, &w, err) != ERR_OK ||
        ctl_far_items(c, guards.path, SIZE_MAX, &items, err) != ERR_OK)
        return err->code;
    json_t *rows = rows_of_guards(items);
    ctl_show_items(c, &guards, rows);
    json_decref(rows);
    json_decref(items);
    return ERR_OK;
}

enum err_code ctl_guard_list(struct ctl *c, struct err *err) {
    return c->far != NULL ? guards_far(c, err) : ctl_list_workspace(c, &guards, SQL_CTL_LIST_GUARDS, err);
}

static enum err_code release(struct ctl *c, const struct ctl_credential *k, struct err *err) {
    if (c->far != NULL) {
        char *path = xasprintf("/guards/%s/release", k->id.s);
        enum err_code code = ctl_far_ask(c, "POST", path, NULL, NULL, err);
        free(path);
        return code;
    }
    struct command cmd = {.type = COMMAND_GUARD_RELEASE, .workspace = k->workspace, .id = k->id};
    enum err_code code = ctl_command_run(c, &cmd, err);
    command_clear(&cmd);
    return code;
}

enum err_code ctl_guard_release(struct ctl *c, struct err *err) {
    struct ctl_credential k;
    enum err_code code = ctl_credential_named(c, CTL_KEY, &k, err);
    if (code == ERR_OK)
        code = release(c, &k, err);
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
