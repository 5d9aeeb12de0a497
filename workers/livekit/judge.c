#include "workers/livekit/judge.h"

#include <string.h>

/* Kinds are told by name or number; people are 0, which may be left out. */
static bool is_person(const json_t *participant) {
    const json_t *kind = json_object_get(participant, "kind");
    const char *name = json_string_value(kind);
    return name != NULL ? strcmp(name, "STANDARD") == 0 : json_integer_value(kind) == 0;
}

const char *judge_identity(const json_t *participant) {
    const char *identity = json_string_value(json_object_get(participant, "identity"));
    return identity != NULL && identity[0] != '\0' ? identity : NULL;
}

enum judge_verdict judge_participant(struct table *t, const char *workspace, const char *room,
                                     const json_t *participant) {
    const char *identity = judge_identity(participant);
    if (identity == NULL || !is_person(participant))
        return JUDGE_LEAVE;
    struct table_state s = table_ask(t, workspace, room, identity);
    struct voice_number token = voice_attributes_number(json_object_get(participant, "attributes"));
    if (!s.loaded || !s.room || voice_number_compare(token, s.at) > 0)
        return JUDGE_LEAVE;
    if (!s.member)
        return JUDGE_REMOVE;
    return voice_permission_fits(json_object_get(participant, "permission"), s.transmit) ? JUDGE_LEAVE
                                                                                         : JUDGE_CORRECT;
}

bool judge_room_is_gone(struct table *t, const char *metadata, struct uuid *workspace) {
    struct voice_number made;
    return voice_room_metadata_read(metadata, workspace, &made) &&
           voice_number_compare(made, table_number(t, workspace->s)) <= 0;
}
