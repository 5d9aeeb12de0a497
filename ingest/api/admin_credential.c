#include "ingest/api/admin_credential.h"

#include "ingest/gate/lists.h"
#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/handle.h"
#include "schemas/api/credential.h"
#include "sql/ask/revocation.h"

#include <string.h>

/* ---- reads ---- */

enum step admin_credential_list(struct request *r, const struct admin_credential *c) {
    return admin_list(r, c->plural, c->query, 1);
}

enum step admin_credential_list_answer(struct request *r, const struct admin_credential *c) {
    return admin_list_answer(r, c->plural, c->id, c->put);
}

enum step admin_credential_query(struct request *r, const struct admin_credential *c) {
    struct db_query *q = api_query(r, c->query);
    q->p[0] = r->resource_id.s;
    q->p[2] = "1";
    return STEP_QUERY;
}

enum step admin_credential_get(struct request *r, const struct admin_credential *c) {
    return admin_id(r, c->title) ? admin_credential_query(r, c) : STEP_ANSWERED;
}

enum step admin_credential_show(struct request *r, const struct admin_credential *c) {
    if (r->db_query->nrows == 0)
        return api_not_found(r, c->title, r->resource_id.s);
    c->put(answer_begin(r, 200), r->db_query->rows[0]);
    return STEP_ANSWERED;
}

/* ---- creation, and tokens ---- */

void admin_credential_token(struct request *r, const struct admin_credential *c, json_t *resource) {
    char text[TOKEN_TEXT_SIZE];
    token_new(c->token, text);
    credential_put_token(resource, text);
    r->work = arena_strdup(r->arena, text);
}

enum step admin_credential_create(struct request *r, const struct admin_credential *c) {
    struct err err = {0};
    json_t *body, *resource;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    resource = json_object();
    if (c->read(body, resource, &err) != ERR_OK) {
        json_decref(resource);
        return handle_refuse(r, &err);
    }
    r->resource_id = uuid_v7();
    admin_credential_token(r, c, resource);
    return admin_publish(r, c->create, resource);
}

enum step admin_credential_create_on_reply(struct request *r, const struct admin_credential *c) {
    r->resource_id = r->command->reply.id;
    return admin_credential_query(r, c);
}

/* Is the token that this request has made the one that is stored now? The row has its prefix. */
static bool is_stored(const struct request *r, const char *prefix) {
    char ours[TOKEN_PREFIX_SIZE];
    token_show_prefix(r->work, ours);
    return strcmp(ours, prefix) == 0;
}

static enum step token_gone(struct request *r, const char *what) {
    struct err err = {0};
    (void)err_set(
        &err, ERR_CONFLICT,
        "This was done already, by an earlier request, for %s %s; its token was shown in the answer to that "
        "one and cannot be shown again",
        what, r->command->reply.id.s);
    return handle_refuse(r, &err);
}

enum step admin_credential_show_token(struct request *r, const struct admin_credential *c, int status) {
    const char *const *row = r->db_query->rows[0];
    if (r->db_query->nrows == 0 || !is_stored(r, row[c->prefix]))
        return token_gone(r, c->what);
    struct jbuf *b = answer_begin(r, status);
    r->answer.no_store = true;
    if (status == 201)
        r->answer.location = arena_printf(r->arena, "%s/admin/%s/%s", r->base, c->plural, row[c->id]);
    jb_raw(b, "{");
    jb_kstr(b, "token", r->work);
    jb_key(b, c->what);
    c->put(b, row);
    jb_raw(b, "}");
    return STEP_ANSWERED;
}

/* ---- revocation ---- */

struct revoke_question {
    struct question question;
    struct revocation revocation;
};

static enum err_code revoke_now(struct question *q, struct db *db, struct err *err) {
    return credential_revoke_now(db, &((struct revoke_question *)q)->revocation, err);
}

enum step admin_credential_revoke(struct request *r, const struct admin_credential *c) {
    if (!admin_id(r, c->title))
        return STEP_ANSWERED;
    struct revoke_question *q = arena_alloc(r->arena, sizeof *q);
    q->question = (struct question){.ask = revoke_now, .durable = true};
    q->revocation = (struct revocation){.owner = c->revoke == COMMAND_OWNER_REVOKE,
                                        .workspace = r->verdict.workspace.s,
                                        .id = r->resource_id.s,
                                        .by = r->verdict.key_name};
    r->question = &q->question;
    return STEP_ASK;
}

enum step admin_credential_revoke_on_rows(struct request *r, const struct admin_credential *c) {
    const struct revocation *done = &((const struct revoke_question *)r->question)->revocation;
    struct err err = {0};
    if (!done->known)
        return api_not_found(r, c->title, r->resource_id.s);
    if (done->last) {
        (void)err_set(&err, ERR_CONFLICT, "This is the last owner; make another one first");
        return handle_refuse(r, &err);
    }
    lists_revoke(r->in->lists, &r->resource_id, "The key has been revoked");
    r->done_already =
        "The credential is revoked from now on; only its record is not in the log yet. Repeat the "
        "request later";
    return admin_publish(r, c->revoke, NULL);
}
