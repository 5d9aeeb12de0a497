/* A session of the portal: how it is opened, and how it is shown. */
#ifndef USHER_INGEST_PORTAL_SESSION_H
#define USHER_INGEST_PORTAL_SESSION_H

#include "ingest/request/request.h"

/* Who is let in. */
struct session_guest {
    enum admit_pass kind;  /* PASS_SESSION or PASS_SETUP */
    const char *owner;     /* id */
    const char *key;       /* of a set-up; NULL: none */
    const char *way;       /* sql/ask/pass.h */
    const char *link;      /* the link that is used; NULL: none */
    const struct uuid *id; /* of the session, where it was promised before; NULL: a new one */
};
/* Makes a session with a new token: STEP_ASK, and then session_opened answers. The workspace is that of
 * r->verdict. */
enum step session_open(struct request *r, const struct session_guest *guest);
/* on_rows: the cookie and what GET /portal/session shows, with status 201; key: a row of QUERY_KEYS of a
 * set-up, NULL: none. */
enum step session_opened(struct request *r, const char *const *key);

/* on_rows, for an answer that is none of JSON: the value of the cookie. NULL: the error says why there is no
 * session. */
const char *session_token(const struct request *r, struct err *err);

#endif
