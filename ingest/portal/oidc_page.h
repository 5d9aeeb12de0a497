/* What a browser is shown when signing in by a provider has failed: a page that says why, and leads back to
 * the sign-in. It needs no script, and its address leaves the browser's history with what stood in it. */
#ifndef USHER_INGEST_PORTAL_OIDC_PAGE_H
#define USHER_INGEST_PORTAL_OIDC_PAGE_H

#include "ingest/request/request.h"

/* Why it failed, as the sign-in says it then: a fixed set, so nothing that was sent leads anywhere. */
enum oidc_reason {
    OIDC_REASON_NONE, /* by the code of the error */
    OIDC_REASON_OFF,  /* nobody signs in so here */
    OIDC_REASON_STATE,
    OIDC_REASON_PROVIDER,
    OIDC_REASON_REFUSED, /* the provider has, or its token cannot be taken */
    OIDC_REASON_UNKNOWN, /* not on the list */
    OIDC_REASON_UNVERIFIED,
    OIDC_REASON_BUSY,
};

/* r->work begins with the reason, once there is any. */
extern const struct form oidc_form;

#endif
