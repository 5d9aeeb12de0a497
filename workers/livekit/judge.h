/* May somebody who is in a room be there, and as he is? Asked by the guard of whoever comes in, and by
 * comparing of all who are there. */
#ifndef USHER_WORKERS_LIVEKIT_JUDGE_H
#define USHER_WORKERS_LIVEKIT_JUDGE_H

#include "workers/livekit/table.h"

enum judge_verdict {
    JUDGE_LEAVE,
    JUDGE_REMOVE, /* he is no member */
    JUDGE_CORRECT /* his permission is another one */
};

/* participant: LiveKit's JSON. Who is no person (a recorder, an agent …) is left alone. So is everybody while
 * nothing is loaded, and whoever's token is newer than the table: what the table does not know yet comes as
 * events. */
enum judge_verdict judge_participant(struct table *t, const char *workspace, const char *room,
                                     const json_t *participant);
/* NULL: the JSON has none. */
const char *judge_identity(const json_t *participant);
/* A room that LiveKit has and the table does not: is it one that usher made, and that is gone? metadata: the
 * room's, or NULL. *workspace: whose it was. */
USHER_MUST_CHECK bool judge_room_is_gone(struct table *t, const char *metadata, struct uuid *workspace);

#endif
