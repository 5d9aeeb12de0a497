/* What keys and owners have in common: lists, showing one, creation with a token, revocation. Their handlers
 * call these functions. */
#ifndef USHER_INGEST_API_ADMIN_CREDENTIAL_H
#define USHER_INGEST_API_ADMIN_CREDENTIAL_H

#include "ingest/api/admin.h"
#include "sql/ask/query.h"

struct admin_credential {
    const char *what;   /* "key": in sentences, and the name of the member beside "token" */
    const char *title;  /* "Key" */
    const char *plural; /* "keys": the list, and its path below /admin/ */
    enum db_query_kind query;
    size_t id, prefix; /* columns of the rows */
    enum token_kind token;
    enum command_type create, revoke;
    void (*put)(struct jbuf *b, const char *const *row); /* writes a JSON object, with jb_sep */
    /* Checks the body of a creation and fills the resource of the command. */
    enum err_code (*read)(const json_t *body, json_t *resource, struct err *err);
};

/* Lists: begin, on_rows. */
enum step admin_credential_list(struct request *r, const struct admin_credential *c);
enum step admin_credential_list_answer(struct request *r, const struct admin_credential *c);
/* One: begin, by the id in the path; the query for r->resource_id; on_rows, the answer or 404. */
enum step admin_credential_get(struct request *r, const struct admin_credential *c);
enum step admin_credential_query(struct request *r, const struct admin_credential *c);
enum step admin_credential_show(struct request *r, const struct admin_credential *c);

/* Creation: begin, on_reply. (Repeated under one txn, it shows what the first request has made.) */
enum step admin_credential_create(struct request *r, const struct admin_credential *c);
enum step admin_credential_create_on_reply(struct request *r, const struct admin_credential *c);
/* Makes a token, keeps it in r->work until it is shown, and puts its hash into the resource. */
void admin_credential_token(struct request *r, const struct admin_credential *c, json_t *resource);
/* Answers with the token and the row. 409 if another token is stored now: this request repeats an earlier
 * one, or a later one was faster. */
enum step admin_credential_show_token(struct request *r, const struct admin_credential *c, int status);

/* Revocation: begin; on_rows, when the credential is dead and the command follows for order and audit. */
enum step admin_credential_revoke(struct request *r, const struct admin_credential *c);
enum step admin_credential_revoke_on_rows(struct request *r, const struct admin_credential *c);

#endif
