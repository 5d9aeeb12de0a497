/* LiveKit's webhooks: is it genuine, and what does it say? Pure. */
#ifndef USHER_WORKERS_LIVEKIT_WEBHOOK_H
#define USHER_WORKERS_LIVEKIT_WEBHOOK_H

#include "schemas/voice/voice_project.h"

#include <jansson.h>
#include <stdint.h>

#define WEBHOOK_BYTES 65536
/* So far the clocks of LiveKit and the bridge may differ. */
#define WEBHOOK_SKEW_S 60

/* authorization: the header, a token that was signed with the secret of the key that it names, and has the
 * SHA-256 of the body. ERR_UNAUTHORIZED, and what is wrong; NULL is one without. */
enum err_code webhook_check(const struct voice_projects *projects, const char *authorization,
                            const char *body, size_t n, int64_t now_s, struct err *err);

enum webhook_kind { WEBHOOK_OTHER, WEBHOOK_JOINED, WEBHOOK_ROOM_FINISHED };

struct webhook {
    enum webhook_kind kind;
    const char *room;          /* its name at LiveKit */
    const json_t *participant; /* of WEBHOOK_JOINED */
    json_t *tree;              /* the others live in it */
};

/* body is genuine. False: it is no JSON, or has not what its kind needs. */
USHER_MUST_CHECK bool webhook_read(const char *body, size_t n, struct webhook *out);
void webhook_clear(struct webhook *w);

#endif
