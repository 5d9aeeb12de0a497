#include "workers/apply/link.h"

#include "schemas/resource/resource.h"
#include "schemas/text/fold.h"
#include "workers/apply/carry.h"

#include <stdlib.h>
#include <string.h>

/* The folded main address of a user who comes from an identity provider; malloc'ed. NULL: none. */
static char *link_mail_key(const struct command *c) {
    const char *mail =
        c->type == COMMAND_USER_CREATE && strcmp(c->reason, "scim") == 0 ? resource_email(c->resource) : NULL;
    return mail != NULL ? fold_text(mail) : NULL;
}

void link_announce(struct unit *u, struct unit_workspace *w, const struct command *c) {
    char *key = link_mail_key(c);
    if (key != NULL)
        unit_want_mail(u, w, key);
    free(key);
}

/* Is the account alive, unmanaged, and this its main address? */
static bool link_fits(struct decision *d, struct unit_resource *r, const char *key) {
    const char *text = row_alive(r->state) && !r->managed ? unit_doc(d->unit, r) : NULL;
    json_t *doc = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *mail = doc != NULL ? resource_email(doc) : NULL;
    char *folded = mail != NULL ? fold_text(mail) : NULL;
    bool same = folded != NULL && strcmp(folded, key) == 0;
    free(folded);
    json_decref(doc);
    return same;
}

static bool link_older(const struct unit_resource *a, const struct unit_resource *b) {
    return a->created_us != b->created_us ? a->created_us < b->created_us : strcmp(a->id, b->id) < 0;
}

struct unit_resource *link_account(struct decision *d) {
    char *key = d->workspace->settings.link_by_email ? link_mail_key(d->command) : NULL;
    struct unit_resource *found = NULL;
    size_t n = 0;
    struct unit_resource *const *holders =
        key != NULL ? unit_mail_holders(d->unit, d->workspace, key, &n) : NULL;
    for (size_t i = 0; i < n; i++)
        if ((found == NULL || link_older(holders[i], found)) && link_fits(d, holders[i], key))
            found = holders[i];
    free(key);
    return unit_error(d->unit, NULL) == ERR_OK ? found : NULL;
}

enum err_code link_take_over(struct decision *d, struct unit_resource *account) {
    struct change c;
    json_t *after = NULL;
    if (!change_begin(&c, d, account))
        return d->err.code;
    c.linked = true;
    if (resource_replace(account->rt, c.before, d->command->resource, NULL, &after, &d->err) != ERR_OK)
        return d->err.code;
    change_set(&c, after);
    return change_carry_through(&c);
}
