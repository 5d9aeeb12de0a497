/* How a workspace lets people sign in to the portal by an OpenID provider: issuer, client, and who is let in.
 * A list names the people, each with the owner or administrator that he is here; nobody becomes one by
 * signing in. The client's secret is kept sealed, in commands as in the database, as those of deliveries are
 * (delivery.h). */
#ifndef USHER_SCHEMAS_API_SIGN_IN_H
#define USHER_SCHEMAS_API_SIGN_IN_H

#include "ops/runtime/err.h"
#include "schemas/api/id_token.h"

#include <jansson.h>

#define SIGN_IN_PEOPLE 200      /* on the list of a workspace */
#define SIGN_IN_SECRET_MAX 1024 /* bytes of a client's secret */
#define SIGN_IN_CLIENT_MAX 255
#define SIGN_IN_SEALED_MAX 1500 /* base64 of nonce, secret and tag */
#define SIGN_IN_SERVICE_SECRET 32

/* Checks those of issuer, clientId and people that are given, as they stand in a command and in the table:
 * people is
 * [{"email" or "subject": …, "owner": id}]. An e-mail address is in lower case there. */
enum err_code sign_in_check(const json_t *given, struct err *err);
/* A copy of what somebody has sent, with addresses in lower case; a new reference. */
json_t *sign_in_normal(const json_t *given);
enum err_code sign_in_check_secret(const char *secret, struct err *err);

/* The id of the owner that the identity is here; NULL: it is not on the list. */
const char *sign_in_find(const json_t *doc, const struct identity *who);

/* Sealed for one workspace; base64 in the arena. And back; NULL: it is not ours, or of another workspace. */
char *sign_in_seal(const char *secret, const unsigned char *service, const char *workspace, struct arena *a);
char *sign_in_open(const char *sealed, const unsigned char *service, const char *workspace, struct arena *a);

#endif
