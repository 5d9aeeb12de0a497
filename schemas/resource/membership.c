#include "schemas/resource/membership.h"

#include "schemas/types/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UUID_LEN 36

bool membership_id_parse(const char *text, struct membership_id *out) {
    char room[UUID_LEN + 1];
    if (strlen(text) != 2 * UUID_LEN + 1 || text[UUID_LEN] != '.')
        return false;
    memcpy(room, text, UUID_LEN);
    room[UUID_LEN] = '\0';
    return uuid_parse(room, &out->room) && uuid_parse(text + UUID_LEN + 1, &out->user);
}

char *membership_id_text(const struct membership_id *id, char out[MEMBERSHIP_ID_SIZE]) {
    snprintf(out, MEMBERSHIP_ID_SIZE, "%s.%s", id->room.s, id->user.s);
    return out;
}

static enum err_code take_side_id(const json_t *doc, const char *side, const char *what, struct uuid *out,
                                  struct err *err) {
    const char *text = json_string_value(json_object_get(json_object_get(doc, side), "value"));
    char path[32];
    snprintf(path, sizeof path, "%s.value", side);
    if (text == NULL)
        return err_set_path(err, ERR_INVALID_VALUE, path, "%s is required", path);
    if (!uuid_parse(text, out))
        return err_set_path(err, ERR_INVALID_VALUE, path, "%s %.64s does not exist", what, text);
    return ERR_OK;
}

enum err_code membership_of_document(const json_t *doc, struct membership_id *out, struct err *err) {
    const char *type = json_string_value(json_object_get(json_object_get(doc, "member"), "type"));
    if (type != NULL && strcasecmp(type, "User") != 0)
        return err_set_path(err, ERR_INVALID_VALUE, "member.type",
                            "Only users are members; groups do not nest");
    enum err_code code = take_side_id(doc, "group", "Group", &out->room, err);
    return code == ERR_OK ? take_side_id(doc, "member", "User", &out->user, err) : code;
}

json_t *membership_transmit(const json_t *doc) {
    json_t *value = json_object_get(json_object_get(doc, SCHEMA_USHER_MEMBERSHIP), "transmit");
    return json_is_boolean(value) ? value : json_null();
}

enum err_code membership_patched_transmit(const json_t *ops, json_t **out, struct err *err) {
    size_t i;
    json_t *op;
    *out = json_null();
    json_array_foreach(ops, i, op) {
        const char *path = json_string_value(json_object_get(op, "path"));
        json_t *value = json_object_get(op, "value");
        if (path == NULL || strcmp(path, SCHEMA_USHER_MEMBERSHIP ":transmit") != 0 || !json_is_boolean(value))
            return err_set_path(err, ERR_MUTABILITY, path != NULL ? path : "",
                                "Of a membership only transmit can be changed, to true or false");
        *out = value;
    }
    return ERR_OK;
}

json_t *membership_document(const char *urn, const struct membership_id *id, const json_t *transmit) {
    json_t *doc = json_pack("{s:[s], s:{s:s}, s:{s:s, s:s}}", "schemas", urn, "group", "value", id->room.s,
                            "member", "value", id->user.s, "type", "User");
    if (doc == NULL)
        abort();
    if (!json_is_boolean(transmit))
        return doc;
    json_t *more = json_pack("{s:b}", "transmit", json_is_true(transmit));
    if (more == NULL ||
        json_array_append_new(json_object_get(doc, "schemas"), json_string(SCHEMA_USHER_MEMBERSHIP)) ||
        json_object_set_new(doc, SCHEMA_USHER_MEMBERSHIP, more) != 0)
        abort();
    return doc;
}
