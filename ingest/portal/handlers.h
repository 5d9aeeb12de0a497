/* The handlers of the portal, for the table of routes. */
#ifndef USHER_INGEST_PORTAL_HANDLERS_H
#define USHER_INGEST_PORTAL_HANDLERS_H

#include "ingest/request/handler.h"

/* sign_in.c */
extern const struct handler portal_sign_in, portal_ways;
/* session.c */
extern const struct handler portal_session, portal_sign_out;
extern const struct handler admin_session_list, admin_session_end, admin_session_end_others;
/* oidc.c */
extern const struct handler portal_oidc_start, portal_oidc_callback;
/* links.c */
extern const struct handler admin_setup_link;
/* setup.c */
extern const struct handler portal_setup, portal_setup_token;

#endif
