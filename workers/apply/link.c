#include "workers/apply/link.h"

#include "schemas/resource/resource.h"
#include "schemas/text/fold.h"
#include "workers/apply/resource.h"

#include <stdlib.h>
#include <string.h>

/* The folded main address of a user who comes from an identity provider; malloc'ed. NULL: none. */
static char *mail_key(const struct command *c) {
    const char *mail =
        c->type == COMMAND_USER_CREATE && strcmp(c->reason, "scim") == 0 ? resource_email(c->resource) : NULL;
    return mail != NULL ? fold_text(mail) : NULL;
}

void link_announce(struct unit *u, struct unit_workspace *w, const struct command *c) {
    char *key = mail_key(c);
    if (key != NULL)
        unit_want_mail(u, w, key);
    free(key);
}

/* It is alive, nobody's yet, and this is its main address. */
static bool fits(struct task *t, struct unit_resource *r, const char *key) {
    const char *text = row_alive(r->state) && !r->managed ? unit_doc(t->unit, r) : NULL;
    json_t *doc = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *mail = doc != NULL ? resource_email(doc) : NULL;
    char *folded = mail != NULL ? fold_text(mail) : NULL;
    bool same = folded != NULL && strcmp(folded, key) == 0;
    free(folded);
    json_decref(doc);
    return same;
}

static bool older(const struct unit_resource *a, const struct unit_resource *b) {
    return a->created_us != b->created_us ? a->created_us < b->created_us : strcmp(a->id, b->id) < 0;
}

struct unit_resource *link_account(struct task *t) {
    char *key = t->workspace->settings.link_by_email ? mail_key(t->command) : NULL;
    struct unit_resource *found = NULL;
    size_t n = 0;
    struct unit_resource *const *holders =
        key != NULL ? unit_mail_holders(t->unit, t->workspace, key, &n) : NULL;
    for (size_t i = 0; i < n; i++)
        if ((found == NULL || older(holders[i], found)) && fits(t, holders[i], key))
            found = holders[i];
    free(key);
    return unit_error(t->unit, NULL) == ERR_OK ? found : NULL;
}

enum err_code link_take_over(struct task *t, struct unit_resource *account) {
    struct change c;
    json_t *after = NULL;
    if (!change_begin(&c, t, account))
        return t->err.code;
    c.linked = true;
    if (resource_replace(account->rt, c.before, t->command->resource, NULL, &after, &t->err) != ERR_OK)
        return t->err.code;
    change_set(&c, after);
    return change_carry_through(&c);
}
