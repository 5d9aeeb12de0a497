/* The set-up of an identity provider: one key, what has arrived through it, and a new token of it. The guest
 * of a set-up link sees this and nothing else; owners and administrators see it of every key. */
#include "sql/ask/setup.h"
#include "ingest/api/admin.h"
#include "ingest/api/api.h"
#include "ingest/portal/handlers.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ingest/request/place.h"
#include "ingest/scim/form.h"
#include "sql/ask/audit.h"
#include "sql/ask/query.h"

#include <string.h>

struct setup_question {
    struct question question; /* the first member */
    struct arena *arena;
    const char *workspace, *key;
    struct setup_seen seen;
};

static enum err_code ask_setup(struct question *q, struct db *db, struct err *err) {
    struct setup_question *s = (struct setup_question *)q;
    enum err_code code = audit_begin(db, s->workspace, err);
    if (code == ERR_OK)
        code = setup_look(db, s->workspace, s->key, s->arena, &s->seen, err);
    audit_end(db);
    return code;
}

/* The key of the link, or for those who run the workspace the one in the path. */
static bool key_of(struct request *r) {
    if (r->verdict.pass != PASS_SETUP)
        return admin_id(r, "Key");
    r->resource_id = r->verdict.pass_key;
    return true;
}

static enum step setup_begin(struct request *r) {
    if (!key_of(r))
        return STEP_ANSWERED;
    struct db_query *q = api_query(r, QUERY_KEYS);
    q->p[0] = r->resource_id.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

static enum step look(struct request *r) {
    struct setup_question *q = arena_alloc(r->arena, sizeof *q);
    q->question = (struct question){.ask = ask_setup, .is_long = true};
    q->arena = r->arena;
    q->workspace = r->verdict.workspace.s;
    q->key = r->resource_id.s;
    r->question = &q->question;
    return STEP_ASK;
}

static void put_refusal(struct jbuf *b, const struct setup_refusal *x) {
    jb_sep(b);
    jb_raw(b, "{");
    api_put_time(b, "time", x->at_us);
    jb_kstr(b, "txn", x->txn);
    jb_kstr(b, "method", x->method);
    jb_kstr(b, "path", x->path);
    jb_kint(b, "status", x->status);
    jb_kstr(b, "detail", x->detail);
    jb_raw(b, "}");
}

static void put_seen(struct jbuf *b, const struct setup_seen *seen) {
    jb_kraw(b, "steps", "[");
    for (int i = 0; i < SETUP_STEPS; i++) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "step", setup_step_names[i]);
        api_put_time(b, "seen", seen->at_us[i]);
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
    jb_kint(b, "requests", seen->requests);
    jb_kint(b, "refused", seen->refused);
    jb_kraw(b, "refusals", "[");
    for (size_t i = 0; i < seen->nrefusals; i++)
        put_refusal(b, &seen->refusals[i]);
    jb_raw(b, "]");
}

static enum step show_setup(struct request *r) {
    const struct setup_question *q = (const struct setup_question *)r->question;
    const char *const *key = r->db_query->rows[0];
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_key(b, "key");
    admin_key_put(b, key);
    jb_kstr(b, "dialect", r->verdict.pass == PASS_SETUP ? r->verdict.pass_guide : key[COL_KEY_DIALECT]);
    jb_kstr(b, "scim", arena_printf(r->arena, "%s" SCIM_PREFIX, place_origin(r)));
    put_seen(b, &q->seen);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

static enum step setup_on_rows(struct request *r) {
    if (r->question != NULL)
        return show_setup(r);
    return r->db_query->nrows > 0 ? look(r) : api_not_found(r, "Key", r->resource_id.s);
}

const struct handler portal_setup = {.begin = setup_begin, .on_rows = setup_on_rows};

/* ---- the token: the key is rotated, so that the guest alone knows it ---- */

static enum step setup_token_begin(struct request *r) {
    r->resource_id = r->verdict.pass_key;
    return admin_key_rotate_one(r);
}
static enum step setup_token_on_rows(struct request *r) {
    return admin_key_rotate.on_rows(r);
}
static enum step setup_token_on_reply(struct request *r) {
    return admin_key_rotate.on_reply(r);
}

const struct handler portal_setup_token = {
    .begin = setup_token_begin, .on_rows = setup_token_on_rows, .on_reply = setup_token_on_reply};
