/* What keys and owners have in common: how they are listed, shown, made with a token, and revoked. The
 * handlers of both are made of these. */
#ifndef USHER_INGEST_API_ADMIN_CREDENTIAL_H
#define USHER_INGEST_API_ADMIN_CREDENTIAL_H

#include "ingest/api/admin.h"
#include "sql/ask/query.h"

struct admin_credential {
    const char *what;   /* "key": in sentences, and the member beside a token */
    const char *title;  /* "Key" */
    const char *plural; /* "keys": the list, and its path below /admin/ */
    enum db_query_kind query;
    size_t id, prefix; /* columns of its rows */
    enum token_kind token;
    enum command_type create, revoke;
    void (*put)(struct jbuf *b, const char *const *row); /* as a JSON object, with jb_sep */
    /* What a creation's body says, checked, into the command's resource. */
    enum err_code (*read)(const json_t *body, json_t *resource, struct err *err);
};

/* Lists: begin, looked. */
enum step admin_credential_list(struct request *r, const struct admin_credential *c);
enum step admin_credential_list_answer(struct request *r, const struct admin_credential *c);
/* One: by the id in the path; by r->resource_id; what was found, or 404. */
enum step admin_credential_get(struct request *r, const struct admin_credential *c);
enum step admin_credential_query(struct request *r, const struct admin_credential *c);
enum step admin_credential_show(struct request *r, const struct admin_credential *c);

/* Creation: begin, replied. (Repeated under one txn it finds the one that the first request made.) */
enum step admin_credential_create(struct request *r, const struct admin_credential *c);
enum step admin_credential_create_on_reply(struct request *r, const struct admin_credential *c);
/* Makes a token, which r->work has until it is shown, and puts what is stored of it into the resource. */
void admin_credential_token(struct request *r, const struct admin_credential *c, json_t *resource);
/* The answer to what made a token: the token and the row. 409 where the token is not the one that is stored
 * now: the change was made by an earlier request that this one repeats, or was overtaken. */
enum step admin_credential_show_token(struct request *r, const struct admin_credential *c, int status);

/* Revocation: begin; and dead from now on, the command tells the order and the audit. */
enum step admin_credential_revoke(struct request *r, const struct admin_credential *c);
enum step admin_credential_revoke_on_rows(struct request *r, const struct admin_credential *c);

#endif
