#include "workers/livekit/table.h"

#include "ops/runtime/mem.h"
#include "schemas/readers/rooms.h"
#include "workers/livekit/stats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct table {
    pthread_mutex_t lock; /* of all below */
    bool loaded;
    json_t *workspaces; /* rooms.h */
    json_t *where;      /* room -> id of its workspace */
};

struct table *table_new(void) {
    struct table *t = xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->workspaces = json_object();
    t->where = json_object();
    return t;
}

void table_free(struct table *t) {
    json_decref(t->workspaces);
    json_decref(t->where);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct voice_number number_of(const json_t *held) {
    struct number n = rooms_number(held);
    return (struct voice_number){n.epoch, n.seq};
}

static json_t *rooms_in(const json_t *held) {
    return json_object_get(held, "rooms");
}

/* ---- which room is whose ---- */

static void index_rooms(struct table *t, const char *workspace, const json_t *held) {
    const char *room;
    json_t *value, *id = json_string(workspace);
    json_object_foreach(rooms_in(held), room, value) json_object_set(t->where, room, id);
    json_decref(id);
}

static void unindex_rooms(struct table *t, const json_t *held) {
    const char *room;
    json_t *value;
    json_object_foreach(rooms_in(held), room, value) json_object_del(t->where, room);
}

static void count_rooms(const struct table *t) {
    metric_set(livekit_stats.rooms, (int64_t)json_object_size(t->where));
}

/* ---- writing ---- */

void table_load(struct table *t, json_t *workspaces) {
    const char *workspace;
    json_t *held;
    pthread_mutex_lock(&t->lock);
    json_decref(t->workspaces);
    t->workspaces = workspaces;
    json_object_clear(t->where);
    json_object_foreach(workspaces, workspace, held) index_rooms(t, workspace, held);
    t->loaded = true;
    count_rooms(t);
    pthread_mutex_unlock(&t->lock);
}

static void tell_rooms(const json_t *held, const char *workspace, table_each each, void *ctx) {
    const char *room;
    json_t *value;
    json_object_foreach(rooms_in(held), room, value) each(ctx, workspace, room);
}

void table_reload(struct table *t, const char *workspace, json_t *held, table_each each, void *ctx) {
    pthread_mutex_lock(&t->lock);
    json_t *before = json_object_get(t->workspaces, workspace);
    tell_rooms(before, workspace, each, ctx);
    unindex_rooms(t, before);
    json_object_set(t->workspaces, workspace, held);
    index_rooms(t, workspace, held);
    tell_rooms(held, workspace, each, ctx);
    count_rooms(t);
    pthread_mutex_unlock(&t->lock);
}

/* The index follows the two kinds that make or end a room. */
static void follow_room(struct table *t, const char *workspace, const char *kind, const json_t *event) {
    const char *room = json_string_value(json_object_get(json_object_get(event, "room"), "id"));
    if (room == NULL)
        return;
    if (strcmp(kind, "usher.room.created") == 0)
        json_object_set_new(t->where, room, json_string(workspace));
    else if (strcmp(kind, "usher.room.deleted") == 0)
        json_object_del(t->where, room);
}

static enum table_news apply_news(struct table *t, const char *workspace, const char *kind,
                                  const json_t *event, struct number at) {
    json_t *held = rooms_of(t->workspaces, workspace);
    struct number last = rooms_number(held);
    if (number_compare(at, last) <= 0)
        return TABLE_OLD;
    if (!number_follows(last, at) || !rooms_apply(held, kind, event, at))
        return TABLE_UNKNOWN;
    follow_room(t, workspace, kind, event);
    return TABLE_NEWS;
}

enum table_news table_apply(struct table *t, const char *workspace, const char *kind, const json_t *event,
                            struct voice_number at) {
    pthread_mutex_lock(&t->lock);
    enum table_news news = apply_news(t, workspace, kind, event, (struct number){at.epoch, at.seq});
    count_rooms(t);
    pthread_mutex_unlock(&t->lock);
    return news;
}

/* ---- asking ---- */

struct voice_number table_number(struct table *t, const char *workspace) {
    pthread_mutex_lock(&t->lock);
    json_t *held = json_object_get(t->workspaces, workspace);
    struct voice_number at = held != NULL ? number_of(held) : (struct voice_number){1, 0};
    pthread_mutex_unlock(&t->lock);
    return at;
}

struct table_state table_ask(struct table *t, const char *workspace, const char *room, const char *user) {
    struct table_state s = {.at = {1, 0}};
    pthread_mutex_lock(&t->lock);
    json_t *held = t->loaded ? json_object_get(t->workspaces, workspace) : NULL;
    json_t *it = json_object_get(rooms_in(held), room);
    json_t *member = user != NULL ? json_object_get(json_object_get(it, "members"), user) : NULL;
    s.loaded = t->loaded;
    s.room = it != NULL;
    s.member = member != NULL;
    s.transmit = json_is_true(member);
    if (held != NULL)
        s.at = number_of(held);
    pthread_mutex_unlock(&t->lock);
    return s;
}

bool table_find(struct table *t, const char *room, struct uuid *workspace) {
    pthread_mutex_lock(&t->lock);
    const char *id = json_string_value(json_object_get(t->where, room));
    bool there = id != NULL && uuid_parse(id, workspace);
    pthread_mutex_unlock(&t->lock);
    return there;
}

void table_rooms(struct table *t, table_each each, void *ctx) {
    const char *workspace;
    json_t *held;
    pthread_mutex_lock(&t->lock);
    json_object_foreach(t->workspaces, workspace, held) tell_rooms(held, workspace, each, ctx);
    pthread_mutex_unlock(&t->lock);
}

bool table_any(struct table *t, bool (*fits)(void *ctx, const char *workspace), void *ctx,
               struct uuid *workspace, struct uuid *room) {
    const char *id;
    json_t *held;
    bool found = false;
    pthread_mutex_lock(&t->lock);
    json_object_foreach(t->workspaces, id, held) {
        void *first = json_object_iter(rooms_in(held));
        if (first == NULL || !fits(ctx, id))
            continue;
        found = uuid_parse(id, workspace) && uuid_parse(json_object_iter_key(first), room);
        break;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

bool table_loaded(struct table *t) {
    pthread_mutex_lock(&t->lock);
    bool loaded = t->loaded;
    pthread_mutex_unlock(&t->lock);
    return loaded;
}
