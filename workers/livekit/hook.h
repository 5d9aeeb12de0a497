/* The guard: takes LiveKit's webhooks, and marks whoever has come in and may not, or not so. LiveKit itself
 * lets in whoever has a token, also one from before a removal. */
#ifndef USHER_WORKERS_LIVEKIT_HOOK_H
#define USHER_WORKERS_LIVEKIT_HOOK_H

#include "workers/livekit/bridge.h"

struct hook;

/* listen: "host:port". NULL and err (ERR_CONFIG) if it cannot listen there. The others must outlive it. */
struct hook *hook_start(const char *listen, const struct voice_projects *projects, struct table *t,
                        struct bridge *b, struct err *err);
void hook_stop(struct hook *h);

#endif
