/* The OpenID providers by which people sign in to the portal: their metadata, fetched when it is needed and
 * kept for a while, and the codes that they are asked to exchange for tokens. Fetching has a thread of its
 * own (ops/runtime/fetch.h); a request that needs it waits here, and no thread waits with it. Their public
 * keys are fetched and kept as those of OAuth clients are (gate/key_sets.h).
 *
 * Bounds: of one workspace PROVIDERS_FETCHES fetches begin in PROVIDERS_WINDOW_US, PROVIDERS_WAITING requests
 * wait, and PROVIDERS_CODES codes are exchanged at once; in all PROVIDERS_AT_ONCE transfers, and the metadata
 * of PROVIDERS_MOST workspaces is kept. */
#ifndef USHER_INGEST_PORTAL_PROVIDERS_H
#define USHER_INGEST_PORTAL_PROVIDERS_H

#include "ingest/request/request.h"
#include "ops/runtime/fetch.h"
#include "schemas/api/id_token.h"

#define PROVIDERS_FETCHES 6
#define PROVIDERS_WINDOW_US 60000000
#define PROVIDERS_FRESH_US 300000000  /* metadata is asked for again after this time … */
#define PROVIDERS_STALE_US 3600000000 /* … and is good for so long where that fails */
#define PROVIDERS_WAITING 64
#define PROVIDERS_CODES 8
#define PROVIDERS_AT_ONCE 64
#define PROVIDERS_MOST 1024

struct providers;
struct providers *providers_new(struct ingest *in, struct err *err);
/* No request may wait any more. NULL is fine. */
void providers_close(struct providers *p);

enum providers_verdict {
    PROVIDERS_HERE,
    PROVIDERS_AWAY,  /* not to be had now; *why says in a few words what is wrong */
    PROVIDERS_WAITS, /* the gate gets r again, for JOB_ASK; the caller no longer owns it */
};

/* The metadata of a workspace's provider, copied to the arena. waited: r comes back from PROVIDERS_WAITS, and
 * takes what there is now. */
enum providers_verdict providers_ask(struct providers *p, struct request *r, const char *workspace,
                                     const char *issuer, bool waited, struct arena *a, struct provider *out,
                                     const char **why);

/* What came of a code: on the fetch thread, before the gate gets r again. why NULL: text is the answer. */
typedef void (*providers_take)(struct request *r, const char *text, size_t n, const char *why);
/* Posts the form to the provider of the workspace. Never PROVIDERS_HERE. */
enum providers_verdict providers_redeem(struct providers *p, struct request *r, const char *workspace,
                                        const struct fetch_form *form, providers_take take, const char **why);

#endif
