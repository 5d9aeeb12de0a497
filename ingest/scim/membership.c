#include "ingest/scim/membership.h"

#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/request/content.h"
#include "ingest/request/etag.h"
#include "schemas/patch/flat.h"
#include "schemas/patch/patch.h"
#include "schemas/patch/strict.h"
#include "schemas/resource/membership.h"
#include "schemas/resource/resource.h"

#include <stdlib.h>

/* The versions that a membership has. */
#define MUTE 1
#define TRANSMIT 2
#define BOTH (MUTE | TRANSMIT)

bool membership_is_meant(const struct request *r) {
    return r->route.rt != NULL && r->route.rt->kind == RESOURCE_MEMBERSHIP;
}

static void set_target(struct request *r, const struct membership_id *id) {
    char text[MEMBERSHIP_ID_SIZE];
    r->membership = arena_strdup(r->arena, membership_id_text(id, text));
    r->resource_id = id->room;
}

bool membership_target(struct request *r, const char *text) {
    struct membership_id id;
    if (text == NULL || !membership_id_parse(text, &id))
        return false;
    set_target(r, &id);
    return true;
}

/* ---- preconditions (RFC 9110 section 13.1, rule V2) ---- */

static unsigned versions_in(struct request *r, const char *header, bool *any) {
    struct etag_list tags;
    unsigned found = 0;
    etag_parse(header, r->arena, &tags);
    *any = tags.any;
    for (size_t i = 0; i < tags.n; i++)
        if (tags.tags[i].version == MUTE || tags.tags[i].version == TRANSMIT)
            found |= (unsigned)tags.tags[i].version;
    return found;
}

/* What must be of the membership so far: the worker looks. */
static const char *was_of(struct request *r) {
    static const char *const names[] = {"never", "mute", "transmit", "present"};
    unsigned allowed = BOTH;
    bool any = false;
    if (r->route.method == HTTP_POST)
        return "absent";
    if (r->head.if_match != NULL) {
        unsigned named = versions_in(r, r->head.if_match, &any);
        allowed = any ? BOTH : named;
    }
    if (r->head.if_none_match != NULL) {
        unsigned named = versions_in(r, r->head.if_none_match, &any);
        allowed &= any ? 0 : ~named;
    }
    return names[allowed & BOTH];
}

/* ---- bodies ---- */

static enum err_code check_same(const struct membership_id *given, const struct membership_id *due,
                                struct err *err) {
    if (!uuid_eq(&given->room, &due->room))
        return err_set_path(err, ERR_MUTABILITY, "group.value", "group cannot be changed");
    if (!uuid_eq(&given->user, &due->user))
        return err_set_path(err, ERR_MUTABILITY, "member.value", "member cannot be changed");
    return ERR_OK;
}

/* POST and PUT. *transmit: null where it stays as it is. */
static enum err_code read_document(struct request *r, const json_t *body, json_t **transmit,
                                   struct err *err) {
    json_t *plain, *doc = NULL, *members = NULL;
    struct membership_id given, due;
    if (strict_body(r->verdict.strictness, r->route.rt, body, err) != ERR_OK)
        return err->code;
    if (flat_body(r->route.rt, r->verdict.dialect, body, r->arena, &plain, &r->ignored, err) != ERR_OK)
        return err->code;
    content_keep(r, plain);
    if (resource_normalise(r->route.rt, r->verdict.dialect, plain, &doc, &members, NULL, err) != ERR_OK)
        return err->code;
    content_keep(r, doc);
    content_keep(r, members);
    if (membership_of_document(doc, &given, err) != ERR_OK)
        return err->code;
    if (r->route.method == HTTP_POST)
        set_target(r, &given);
    else if (!membership_id_parse(r->membership, &due) || check_same(&given, &due, err) != ERR_OK)
        return err->code;
    *transmit = membership_transmit(doc);
    return ERR_OK;
}

static enum err_code read_patch(struct request *r, const json_t *body, json_t **transmit, struct err *err) {
    json_t *ops = NULL;
    if (strict_patch(r->verdict.strictness, r->route.rt, r->verdict.dialect, body, err) != ERR_OK)
        return err->code;
    if (patch_normalise(r->route.rt, r->verdict.dialect, body, r->resource_id.s, &ops, err) != ERR_OK)
        return err->code;
    content_keep(r, ops);
    return membership_patched_transmit(ops, transmit, err);
}

enum err_code membership_prepare(struct request *r, const json_t *body, struct err *err) {
    json_t *transmit = json_null();
    struct membership_id id;
    bool deletes = r->route.method == HTTP_DELETE;
    struct request_command *c = request_make_command(r, deletes ? COMMAND_MEMBER_DELETE : COMMAND_MEMBER_PUT);
    enum err_code code = deletes                         ? ERR_OK
                         : r->route.method == HTTP_PATCH ? read_patch(r, body, &transmit, err)
                                                         : read_document(r, body, &transmit, err);
    if (code != ERR_OK)
        return code;
    if (!membership_id_parse(r->membership, &id))
        return err_set(err, ERR_INTERNAL, "a membership without an id");
    c->resource = json_pack("{s:s, s:s}", "user", id.user.s, "was", was_of(r));
    content_keep(r, c->resource);
    if (c->resource == NULL || (!deletes && json_object_set(c->resource, "transmit", transmit) != 0))
        abort();
    return ERR_OK;
}

void membership_show_written(struct request *r, int status) {
    const json_t *transmit = json_object_get(r->command->resource, "transmit");
    struct membership_id id;
    if (!membership_id_parse(r->membership, &id))
        abort();
    json_t *doc = membership_document(r->route.rt->schema->id, &id, transmit);
    char *text = json_dumps(doc, JSON_COMPACT);
    struct resource_row row = {.id = r->membership,
                               .doc = text,
                               .version = json_is_false(transmit) ? MUTE : TRANSMIT,
                               .created_us = r->wall_us,
                               .modified_us = r->wall_us};
    answer_resource(r, status, &row);
    free(text);
    json_decref(doc);
}
