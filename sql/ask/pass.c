#include "sql/ask/pass.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const char *kind_text(enum admit_pass kind) {
    static const char *const names[] = {[PASS_SESSION] = "session",
                                        [PASS_SETUP] = "setup",
                                        [PASS_LINK] = "link",
                                        [PASS_SETUP_LINK] = "setup-link"};
    return names[kind];
}

static enum err_code outcome(const char *text, struct err *err) {
    if (strcmp(text, "used") == 0)
        return err_set(err, ERR_UNAUTHORIZED, "The link was used before, or is too old; ask for another one");
    if (strcmp(text, "many") == 0)
        return err_set(err, ERR_CONFLICT,
                       "The workspace has enough links that nobody has used yet; end one first");
    return ERR_OK;
}

enum err_code pass_open(struct db *db, const struct pass *p, struct err *err) {
    char hash[2 * TOKEN_HASH_SIZE + 1], seconds[16], idle[16], most[16];
    struct db_result *r = NULL;
    sodium_bin2hex(hash, sizeof hash, p->token_hash, sizeof p->token_hash);
    snprintf(seconds, sizeof seconds, "%d", p->seconds);
    snprintf(idle, sizeof idle, "%d", p->idle_seconds);
    snprintf(most, sizeof most, "%d", p->most);
    const char *params[] = {p->workspace, p->id.s, kind_text(p->kind), hash,     p->owner, p->key,
                            p->dialect,   p->way,  p->source,          p->agent, seconds,  idle,
                            most,         p->link};
    if (db_run(db, SQL_PASS_OPEN, params, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = outcome(db_text(r, 0, 0), err);
    db_results_free(&r, 1);
    return code;
}

enum err_code pass_end(struct db *db, const char *workspace, const char *id, const char *owner,
                       const char *keep, int *n, struct err *err) {
    const char *params[] = {workspace, id, owner, keep};
    struct db_result *r = NULL;
    *n = 0;
    if (db_run(db, SQL_PASS_END, params, &r, err) != ERR_OK)
        return err->code;
    *n = (int)db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}
