/* Those who watch a workspace (GET /api/v1/admin/changes, server-sent events), and the thread that tells
 * them.
 *
 * What they are told comes from the archive alone, what was and what is now by the same statement: so between
 * the two nothing is missed and nothing comes twice. The thread asks for all of them in one round trip, four
 * times a second and only while somebody watches. Those who have seen the same of a workspace are one place
 * in it, so a hundred who watch one workspace cost one look-up.
 *
 * A viewer has no queue. His place moves when his connection wants more; who reads slowly lags behind in the
 * archive, where it costs nothing. */
#ifndef USHER_INGEST_PORTAL_CHANGES_H
#define USHER_INGEST_PORTAL_CHANGES_H

#include "ingest/ingest.h"
#include "ingest/request/handler.h"

struct changes *changes_new(struct ingest *in);
/* After the HTTP server has stopped. */
void changes_close(struct changes *c);

extern const struct handler admin_changes;

#endif
