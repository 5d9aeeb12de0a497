#include "schemas/readers/rooms.h"

#include <string.h>

int number_compare(struct number a, struct number b) {
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

bool number_follows(struct number before, struct number next) {
    return next.epoch == before.epoch && next.seq == before.seq + 1;
}

/* The member of that name, an object; made where there is none. Borrowed. */
static json_t *object_in(json_t *parent, const char *name) {
    json_t *child = json_object_get(parent, name);
    if (child == NULL) {
        child = json_object();
        json_object_set_new(parent, name, child);
    }
    return child;
}

json_t *rooms_of(json_t *workspaces, const char *workspace) {
    json_t *held = json_object_get(workspaces, workspace);
    if (held != NULL)
        return held;
    held = object_in(workspaces, workspace);
    rooms_set_number(held, (struct number){1, 0});
    object_in(held, "rooms");
    return held;
}

struct number rooms_number(const json_t *held) {
    return (struct number){json_integer_value(json_object_get(held, "epoch")),
                           json_integer_value(json_object_get(held, "seq"))};
}

void rooms_set_number(json_t *held, struct number at) {
    json_object_set_new(held, "epoch", json_integer(at.epoch));
    json_object_set_new(held, "seq", json_integer(at.seq));
}

static json_t *room_in(json_t *rooms, const char *id) {
    json_t *room = json_object_get(rooms, id);
    if (room != NULL)
        return room;
    room = object_in(rooms, id);
    json_object_set_new(room, "name", json_null());
    object_in(room, "members");
    return room;
}

/* A member may be told before its room: of each key compaction leaves only the last record. But what is gone
 * makes no room. */
static void put_state(json_t *held, const char *room, const char *user, json_t *state) {
    json_t *rooms = json_object_get(held, "rooms");
    if (state == NULL && user == NULL)
        json_object_del(rooms, room);
    else if (state == NULL)
        json_object_del(json_object_get(json_object_get(rooms, room), "members"), user);
    else if (user == NULL)
        json_object_set(room_in(rooms, room), "name", state);
    else
        json_object_set(json_object_get(room_in(rooms, room), "members"), user, state);
}

void rooms_fold(json_t *held, const char *room, const char *user, const json_t *value, struct number at) {
    if (number_compare(at, rooms_number(held)) < 0) /* a transaction was broken off and done again */
        return;
    rooms_set_number(held, at);
    put_state(held, room, user, json_object_get(value, user != NULL ? "transmit" : "name"));
}

static const struct {
    const char *type;
    bool gone;
} known[] = {
    {"usher.room.created", false}, {"usher.room.renamed", false},  {"usher.room.deleted", true},
    {"usher.member.added", false}, {"usher.member.removed", true}, {"usher.member.transmit_changed", false},
};

/* An event says how things are now, so it is put and not added. */
bool rooms_apply(json_t *held, const char *type, const json_t *event, struct number at) {
    const json_t *room = json_object_get(event, "room"), *user = json_object_get(event, "user");
    json_t *state = user != NULL ? json_object_get(event, "transmit") : json_object_get(room, "name");
    size_t i = 0, n = sizeof known / sizeof *known;
    while (i < n && strcmp(known[i].type, type) != 0)
        i++;
    if (i == n)
        return false;
    rooms_set_number(held, at);
    put_state(held, json_string_value(json_object_get(room, "id")),
              json_string_value(json_object_get(user, "id")), known[i].gone ? NULL : state);
    return true;
}
