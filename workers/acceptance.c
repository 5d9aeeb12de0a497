#include "workers/acceptance.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SCIM "/scim/v2/"
#define OPERATIONS_MAX 1000 /* of a Bulk */

/* Most records say something else, and need not be parsed. */
static bool may_accept(const char *value, size_t n) {
    static const char status[] = "\"status\":202,";
    return value != NULL && memmem(value, n, status, sizeof status - 1) != NULL;
}

static const char *text_of(const json_t *o, const char *name) {
    const char *s = json_string_value(json_object_get(o, name));
    return s != NULL ? s : "";
}

static bool read_actor(const json_t *record, struct actor *a) {
    const json_t *key = json_object_get(record, "key");
    struct uuid id;
    if (!uuid_parse(text_of(key, "id"), &id))
        return false;
    *a = (struct actor){.kind = strcmp(text_of(key, "class"), "owner") == 0 ? ACTOR_OWNER : ACTOR_KEY};
    memcpy(a->id, id.s, sizeof a->id);
    snprintf(a->name, sizeof a->name, "%s", text_of(key, "name"));
    return true;
}

/* "/scim/v2/Users/{id}", also below /w/{workspace}. What a create would have made has no id that anybody
 * knows, so any will do. False: no path of a resource. */
static bool read_path(const char *path, const char *method, struct command *c) {
    char type[128];
    const char *at = strcasestr(path, SCIM);
    at = at != NULL ? at + strlen(SCIM) : "";
    size_t n = strcspn(at, "/");
    snprintf(type, sizeof type, "%.*s", (int)n, at);
    c->rt = resource_type_by_endpoint(type);
    if (c->rt == NULL)
        return false;
    if (strcmp(method, "POST") == 0) {
        c->id = uuid_v7();
        return true;
    }
    return at[n] == '/' && uuid_parse(at + n + 1, &c->id);
}

/* Which operation of its Bulk it is, is told by its txn alone. */
static bool read_operation(const char *bulk, struct command *c) {
    struct uuid all;
    if (!uuid_parse(bulk, &all))
        return false;
    for (uint32_t i = 0; i < OPERATIONS_MAX; i++) {
        struct uuid one = uuid_derive(&all, i);
        if (uuid_eq(&one, &c->txn)) {
            snprintf(c->async.txn, sizeof c->async.txn, "%s:%u", all.s, i);
            return true;
        }
    }
    return false;
}

/* Whoever asks what became of an accepted request is answered 202 too, while nothing has. */
static bool is_question(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A Bulk as a whole is no command; each of its operations has a record of its own. */
static bool is_bulk(const char *path) {
    const char *at = strcasestr(path, SCIM "Bulk");
    return at != NULL && (at[strlen(SCIM "Bulk")] == '\0' || at[strlen(SCIM "Bulk")] == '/');
}

static bool read_record(const json_t *record, struct command *c) {
    const char *path = text_of(record, "path"), *method = text_of(record, "method"),
               *bulk = text_of(record, "bulk");
    if (strcmp(text_of(record, "kind"), "request") != 0 ||
        json_integer_value(json_object_get(record, "status")) != 202 || is_question(method) ||
        (bulk[0] == '\0' && is_bulk(path)) || !uuid_parse(text_of(record, "txn"), &c->txn) ||
        !uuid_parse(text_of(record, "workspace"), &c->workspace) || !read_actor(record, &c->actor))
        return false;
    snprintf(c->async.method, sizeof c->async.method, "%.7s", method);
    snprintf(c->async.txn, sizeof c->async.txn, "%s", c->txn.s);
    if (!read_path(path, method, c)) {
        c->rt = NULL;
        c->id = c->txn;
    }
    return bulk[0] == '\0' || read_operation(bulk, c);
}

bool acceptance_read(const char *value, size_t n, int64_t now_us, struct command *c) {
    if (!may_accept(value, n))
        return false;
    json_t *record = json_loadb(value, n, 0, NULL);
    *c = (struct command){.type = COMMAND_REQUEST_REFUSED,
                          .dialect = DIALECT_RFC,
                          .reason = "scim",
                          .reply_partition = -1,
                          .time_us = now_us,
                          .refusal = ERR_LOST};
    bool accepted = json_is_object(record) && read_record(record, c);
    json_decref(record);
    return accepted;
}
