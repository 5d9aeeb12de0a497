/* The cookie of a session of the portal, and whether a request that has it was asked for by a page of ours.
 * Pure functions of what the client has sent. */
#ifndef USHER_INGEST_REQUEST_COOKIE_H
#define USHER_INGEST_REQUEST_COOKIE_H

#include "ingest/request/request.h"

/* Over TLS, here or at a proxy (public-url), the name has the prefix with which browsers take the cookie from
 * this very host alone. On plain HTTP browsers refuse that name, so there is another one; it counts at
 * loopback alone. */
#define COOKIE_SECURE "__Host-usher"
#define COOKIE_PLAIN "usher-session"
/* That of a sign-in by a provider that is under way. Browsers send it with the way back from there too. */
#define COOKIE_FLOW_SECURE "__Host-usher-oidc"
#define COOKIE_FLOW_PLAIN "usher-oidc"
#define COOKIE_FLOW_S 600

/* May a session be opened? False: it would go over the network in the clear. */
bool cookie_is_safe(const struct request *r);
/* The value of the session's cookie; NULL: there is none. In the arena. */
const char *cookie_session(const struct request *r);
/* The header that sets it; value "" takes it away. */
const char *cookie_set(const struct request *r, const char *value);

/* The same of a sign-in that is under way. */
const char *cookie_flow(const struct request *r);
const char *cookie_flow_set(const struct request *r, const char *value);

/* ERR_OK: the request comes from a page of ours, or only reads and comes from no other site. A write must say
 * so, by Sec-Fetch-Site or, from old browsers, by Origin; and its body must be of a type that no form of HTML
 * can send. Any other is ERR_FORBIDDEN or ERR_MEDIA_TYPE. */
enum err_code cookie_check_site(const struct request *r, struct err *err);

#endif
