#include "schemas/voice/voice_grant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int voice_number_compare(struct voice_number a, struct voice_number b) {
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static void put_times(struct jbuf *out, int64_t now_s, int64_t expires_s) {
    jb_kint(out, "nbf", now_s);
    jb_kint(out, "iat", now_s);
    jb_kint(out, "exp", expires_s);
}

void voice_join_claims(const struct voice_join *j, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kstr(out, "iss", j->key);
    jb_kstr(out, "sub", j->identity);
    jb_kstr(out, "name", j->name);
    jb_kstr(out, "jti", j->id);
    put_times(out, j->now_s, j->expires_s);
    jb_key(out, "video");
    jb_raw(out, "{");
    jb_kstr(out, "room", j->room);
    jb_kbool(out, "roomJoin", true);
    jb_kbool(out, "canPublish", j->transmit);
    jb_kbool(out, "canSubscribe", true);
    jb_kbool(out, "canPublishData", j->transmit);
    jb_kbool(out, "canUpdateOwnMetadata", false); /* or the number could be forged */
    jb_raw(out, "}");
    jb_key(out, "attributes");
    jb_printf(out,
              "{\"" VOICE_ATTRIBUTE_EPOCH "\":\"%" PRId64 "\",\"" VOICE_ATTRIBUTE_SEQ "\":\"%" PRId64 "\"}",
              j->at.epoch, j->at.seq);
    jb_raw(out, "}");
}

void voice_bridge_claims(const char *key, const char *room, int64_t now_s, int64_t expires_s,
                         struct jbuf *out) {
    jb_raw(out, "{");
    jb_kstr(out, "iss", key);
    put_times(out, now_s, expires_s);
    jb_key(out, "video");
    jb_raw(out, "{");
    jb_kbool(out, "roomCreate", true);
    jb_kbool(out, "roomList", true);
    jb_kbool(out, "roomAdmin", true);
    if (room != NULL)
        jb_kstr(out, "room", room);
    jb_raw(out, "}}");
}

void voice_permission(bool transmit, struct jbuf *out) {
    jb_raw(out, "{");
    jb_kbool(out, "can_subscribe", true);
    jb_kbool(out, "can_publish", transmit);
    jb_kbool(out, "can_publish_data", transmit);
    jb_raw(out, "}");
}

/* LiveKit's JSON leaves out what is false, and spells names either way. */
static bool is_set(const json_t *permission, const char *snake, const char *camel) {
    return json_is_true(json_object_get(permission, snake)) ||
           json_is_true(json_object_get(permission, camel));
}

bool voice_permission_fits(const json_t *permission, bool transmit) {
    return is_set(permission, "can_publish", "canPublish") == transmit &&
           is_set(permission, "can_publish_data", "canPublishData") == transmit &&
           is_set(permission, "can_subscribe", "canSubscribe") &&
           !is_set(permission, "can_update_metadata", "canUpdateMetadata");
}

#define METADATA "usher "

void voice_room_metadata(const char *workspace, struct voice_number at, struct jbuf *out) {
    jb_printf(out, METADATA "%s %" PRId64 " %" PRId64, workspace, at.epoch, at.seq);
}

static int64_t read_number(const char *text) {
    char *end;
    long long n = text != NULL ? strtoll(text, &end, 10) : 0;
    return text != NULL && *end == '\0' && n > 0 ? n : 0;
}

bool voice_room_metadata_read(const char *text, struct uuid *workspace, struct voice_number *at) {
    char id[37], epoch[24], seq[24], more;
    *at = (struct voice_number){0, 0};
    if (text == NULL || sscanf(text, METADATA "%36s %23s %23s%c", id, epoch, seq, &more) != 3 ||
        !uuid_parse(id, workspace))
        return false;
    *at = (struct voice_number){read_number(epoch), read_number(seq)};
    return at->epoch > 0;
}

struct voice_number voice_attributes_number(const json_t *attributes) {
    struct voice_number at = {
        read_number(json_string_value(json_object_get(attributes, VOICE_ATTRIBUTE_EPOCH))),
        read_number(json_string_value(json_object_get(attributes, VOICE_ATTRIBUTE_SEQ)))};
    return at.epoch > 0 ? at : (struct voice_number){0, 0};
}
