/* Sessions of the portal: opening, showing, ending, and the list of them. */
#include "ingest/portal/session.h"

#include "ingest/api/admin.h"
#include "ingest/api/api.h"
#include "ingest/portal/handlers.h"
#include "ingest/request/answer.h"
#include "ingest/request/cookie.h"
#include "ingest/request/handle.h"
#include "ingest/request/place.h"
#include "ingest/scim/form.h"
#include "ingest/stats.h"
#include "ops/runtime/clock.h"
#include "sql/ask/pass.h"
#include "sql/ask/query.h"

#include <string.h>

#define AGENT_MAX 256

/* ---- opening ---- */

struct open_question {
    struct question question; /* the first member */
    struct pass pass;
    char token[TOKEN_TEXT_SIZE];
    struct err refusal; /* of the link; code ERR_OK: there is none */
};

static enum err_code ask_open(struct question *q, struct db *db, struct err *err) {
    struct open_question *o = (struct open_question *)q;
    enum err_code code = pass_open(db, &o->pass, err);
    if (code != ERR_UNAUTHORIZED && code != ERR_CONFLICT)
        return code;
    o->refusal = *err;
    return ERR_OK;
}

/* What a list of sessions shows of a browser. */
static const char *agent_of(const struct request *r) {
    return r->head.user_agent != NULL ? arena_strndup(r->arena, r->head.user_agent, AGENT_MAX) : NULL;
}

enum step session_open(struct request *r, const struct session_guest *guest) {
    const struct settings *s = &r->in->settings;
    struct open_question *o = arena_alloc(r->arena, sizeof *o);
    bool setup = guest->kind == PASS_SETUP;
    o->question = (struct question){.ask = ask_open, .durable = true};
    o->pass = (struct pass){.kind = guest->kind,
                            .workspace = r->verdict.workspace.s,
                            .owner = guest->owner,
                            .id = guest->id != NULL ? *guest->id : uuid_v7(),
                            .key = guest->key,
                            .way = guest->way,
                            .source = r->head.source_ip,
                            .agent = agent_of(r),
                            /* a set-up waits for what an identity provider does, which may take a day */
                            .seconds = setup ? s->link_seconds : s->session_seconds,
                            .idle_seconds = setup ? s->session_seconds : s->session_idle_s,
                            .most = s->owner_sessions,
                            .link = guest->link};
    token_new(TOKEN_SESSION, o->token);
    token_hash(o->token, strlen(o->token), o->pass.token_hash);
    r->question = &o->question;
    return STEP_ASK;
}

static int64_t sooner(int64_t a_us, int64_t b_us) {
    return b_us != 0 && b_us < a_us ? b_us : a_us;
}

struct shown {
    const char *id;
    enum admit_pass kind;
    int64_t expires_us;
    int idle_s;
    const char *const *key; /* a row of QUERY_KEYS; NULL: none */
};

static void put_session(const struct request *r, struct jbuf *b, const struct shown *s) {
    const struct admit_verdict *v = &r->verdict;
    jb_raw(b, "{");
    jb_kstr(b, "id", s->id);
    jb_kstr(b, "kind", s->kind == PASS_SETUP ? "setup" : v->kind == ADMIT_OWNER ? "owner" : "administrator");
    jb_kstr(b, "name", v->key_name);
    jb_key(b, "workspace");
    jb_raw(b, "{");
    jb_kstr(b, "id", v->workspace.s);
    jb_kstr(b, "name", v->workspace_name);
    jb_raw(b, "}");
    jb_kstr(b, "scim", arena_printf(r->arena, "%s" SCIM_PREFIX, place_origin(r)));
    api_put_time(b, "expiresAt", s->expires_us);
    jb_kint(b, "idleSeconds", s->idle_s);
    if (s->key != NULL) {
        jb_kstr(b, "dialect", v->pass_guide);
        jb_key(b, "key");
        admin_key_put(b, s->key);
    }
    jb_raw(b, "}");
}

const char *session_token(const struct request *r, struct err *err) {
    const struct open_question *o = (const struct open_question *)r->question;
    if (o->refusal.code != ERR_OK) {
        *err = o->refusal;
        return NULL;
    }
    metric_add(stats.sign_ins, 1);
    return o->token;
}

enum step session_opened(struct request *r, const char *const *key) {
    const struct open_question *o = (const struct open_question *)r->question;
    int64_t expires_us = clock_wall_us() + o->pass.seconds * INT64_C(1000000);
    struct err err = {0};
    if (session_token(r, &err) == NULL)
        return handle_refuse(r, &err);
    struct jbuf *b = answer_begin(r, 201);
    r->answer.no_store = true;
    r->answer.cookie = cookie_set(r, o->token);
    struct shown shown = {.id = o->pass.id.s,
                          .kind = o->pass.kind,
                          .expires_us = sooner(expires_us, r->verdict.expires_us),
                          .idle_s = o->pass.idle_seconds,
                          .key = key};
    put_session(r, b, &shown);
    return STEP_ANSWERED;
}

/* ---- showing ---- */

static enum step show_session(struct request *r, const char *const *key) {
    const struct settings *s = &r->in->settings;
    const struct admit_verdict *v = &r->verdict;
    struct shown shown = {.id = v->pass_id.s,
                          .kind = v->pass,
                          .expires_us = v->expires_us,
                          .idle_s = v->pass == PASS_SETUP ? s->session_seconds : s->session_idle_s,
                          .key = key};
    struct jbuf *b = answer_begin(r, 200);
    r->answer.no_store = true;
    put_session(r, b, &shown);
    return STEP_ANSWERED;
}

static enum step session_begin(struct request *r) {
    if (r->verdict.pass != PASS_SETUP)
        return show_session(r, NULL);
    struct db_query *q = api_query(r, QUERY_KEYS);
    q->p[0] = r->verdict.pass_key.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

static enum step session_on_rows(struct request *r) {
    return show_session(r, r->db_query->nrows > 0 ? r->db_query->rows[0] : NULL);
}

const struct handler portal_session = {.begin = session_begin, .on_rows = session_on_rows};

/* ---- ending ---- */

struct end_question {
    struct question question; /* the first member */
    const char *workspace, *id, *owner, *keep;
    int n;
};

static enum err_code ask_end(struct question *q, struct db *db, struct err *err) {
    struct end_question *e = (struct end_question *)q;
    return pass_end(db, e->workspace, e->id, e->owner, e->keep, &e->n, err);
}

static enum step end_passes(struct request *r, const char *id, const char *owner, const char *keep) {
    struct end_question *e = arena_alloc(r->arena, sizeof *e);
    *e = (struct end_question){.question = {.ask = ask_end, .durable = true},
                               .workspace = r->verdict.workspace.s,
                               .id = id,
                               .owner = owner,
                               .keep = keep};
    r->question = &e->question;
    return STEP_ASK;
}

static enum step sign_out_begin(struct request *r) {
    return end_passes(r, r->verdict.pass_id.s, NULL, NULL);
}

static enum step sign_out_on_rows(struct request *r) {
    answer_no_content(r, 0);
    r->answer.cookie = cookie_set(r, "");
    return STEP_ANSWERED;
}

const struct handler portal_sign_out = {.begin = sign_out_begin, .on_rows = sign_out_on_rows};

/* ---- the list: an owner sees all of the workspace, an administrator his own ---- */

static const char *whose(const struct request *r) {
    return r->verdict.kind == ADMIT_OWNER ? NULL : r->verdict.key.s;
}

static enum step session_list_begin(struct request *r) {
    enum step step = admin_list(r, "sessions", QUERY_PASSES, 1);
    if (step == STEP_QUERY)
        r->db_query->p[0] = whose(r);
    return step;
}

static void put_ref(struct jbuf *b, const char *name, const char *id, const char *text, const char *role) {
    jb_key(b, name);
    if (id == NULL) {
        jb_raw(b, "null");
        return;
    }
    jb_raw(b, "{");
    jb_kstr(b, "id", id);
    jb_kstr(b, "name", text);
    if (role != NULL)
        jb_kstr(b, "role", role);
    jb_raw(b, "}");
}

static void put_pass(struct jbuf *b, const char *const *row) {
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", row[COL_PASS_ID]);
    jb_kstr(b, "kind", row[COL_PASS_KIND]);
    put_ref(b, "owner", row[COL_PASS_OWNER], row[COL_PASS_OWNER_NAME], row[COL_PASS_OWNER_ROLE]);
    put_ref(b, "key", row[COL_PASS_KEY], row[COL_PASS_KEY_NAME], NULL);
    jb_kstr(b, "dialect", row[COL_PASS_DIALECT]);
    jb_kstr(b, "way", row[COL_PASS_WAY]);
    jb_kstr(b, "source", row[COL_PASS_SOURCE]);
    jb_kstr(b, "userAgent", row[COL_PASS_AGENT]);
    api_put_time(b, "made", db_cell_int(row[COL_PASS_MADE]));
    api_put_time(b, "lastSeen", db_cell_int(row[COL_PASS_SEEN]));
    api_put_time(b, "expires", db_cell_int(row[COL_PASS_EXPIRES]));
    jb_raw(b, "}");
}

static enum step session_list_on_rows(struct request *r) {
    return admin_list_answer(r, "sessions", COL_PASS_ID, put_pass);
}

const struct handler admin_session_list = {.begin = session_list_begin, .on_rows = session_list_on_rows};

static enum step session_end_begin(struct request *r) {
    return admin_id(r, "Session") ? end_passes(r, r->resource_id.s, whose(r), NULL) : STEP_ANSWERED;
}

static enum step session_end_on_rows(struct request *r) {
    if (((const struct end_question *)r->question)->n == 0)
        return api_not_found(r, "Session", r->resource_id.s);
    answer_no_content(r, 0);
    return STEP_ANSWERED;
}

const struct handler admin_session_end = {.begin = session_end_begin, .on_rows = session_end_on_rows};

/* All sessions of the caller, but the one that he asks with. */
static enum step session_end_others_begin(struct request *r) {
    const struct admit_verdict *v = &r->verdict;
    return end_passes(r, NULL, v->key.s, v->pass == PASS_SESSION ? v->pass_id.s : NULL);
}

static enum step session_end_others_on_rows(struct request *r) {
    struct jbuf *b = answer_begin(r, 200);
    jb_raw(b, "{");
    jb_kint(b, "ended", ((const struct end_question *)r->question)->n);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

const struct handler admin_session_end_others = {.begin = session_end_others_begin,
                                                 .on_rows = session_end_others_on_rows};
