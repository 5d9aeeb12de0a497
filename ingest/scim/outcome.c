#include "ingest/request/answer.h"
#include "ingest/request/command.h"
#include "ingest/scim/membership.h"
#include "ingest/scim/read.h"
#include "ingest/scim/write.h"
#include "sql/ask/read.h"

#include <stdlib.h>

int write_success(const struct request *r) {
    return r->route.method == HTTP_POST ? 201 : 200;
}

bool write_is_quiet(const struct request *r) {
    if (r->route.method == HTTP_DELETE)
        return true;
    if (r->route.method != HTTP_PATCH || query_get(&r->query, "attributes") != NULL)
        return false;
    if (r->head.prefer.returned == PREFER_ANY)
        return r->route.rt->kind == RESOURCE_ROOM;
    return r->head.prefer.returned == PREFER_MINIMAL;
}

static void applied_preference(struct request *r) {
    if (r->route.method != HTTP_PATCH || r->answer.status / 100 != 2)
        return;
    if (r->head.prefer.returned == PREFER_MINIMAL && r->answer.status == 204)
        r->answer.preference_applied = "return=minimal";
    else if (r->head.prefer.returned == PREFER_REPRESENTATION && r->answer.status == 200)
        r->answer.preference_applied = "return=representation";
}

void write_show_document(struct request *r, const char *doc) {
    struct resource_row row = {.id = r->membership != NULL ? r->membership : r->resource_id.s,
                               .doc = doc,
                               .version = r->command->reply.version,
                               .created_us = r->command->reply.created_us,
                               .modified_us = r->command->reply.modified_us};
    answer_resource(r, write_success(r), &row);
}

/* Is the document the whole answer? It is, if members and groups are not shown, or if there can be none yet.
 */
static bool complete(const struct request *r) {
    return r->command->type == COMMAND_USER_CREATE || resource_type_refs(r->route.rt) == NULL ||
           projection_refs(r->route.rt, r->projection) == REFS_NONE;
}

enum step scim_write_on_reply(struct request *r) {
    const struct reply *reply = &r->command->reply;
    if (write_is_quiet(r)) {
        answer_no_content(r, r->route.method == HTTP_DELETE ? 0 : reply->version);
    } else if (r->dry) { /* no read shows what was not done */
        write_show(r, false);
    } else if (reply->doc != NULL && complete(r)) {
        write_show_document(r, reply->doc);
    } else {
        read_resource(r);
        return STEP_READ;
    }
    applied_preference(r);
    return STEP_ANSWERED;
}

enum step scim_write_on_read(struct request *r, enum err_code code) {
    enum step next = write_on_read(r, code);
    if (code == ERR_OK && r->read->code == ERR_OK && r->read->nrows == 1)
        applied_preference(r);
    return next;
}

void write_show(struct request *r, bool read_ok) {
    if (read_ok && r->read->code == ERR_OK && r->read->nrows == 1) {
        answer_resource(r, write_success(r), &r->read->rows[0]);
        return;
    }
    /* The command was applied, but the resource is gone again or cannot be read now. Shows what was written.
     */
    const char *doc = r->command->reply.doc;
    if (r->membership != NULL) {
        membership_show_written(r, write_success(r));
        return;
    }
    if (doc == NULL && r->command->resource != NULL) {
        char *text = json_dumps(r->command->resource, JSON_COMPACT);
        doc = arena_strdup(r->arena, text);
        free(text);
    }
    if (doc != NULL)
        write_show_document(r, doc);
    else if (r->route.rt->kind != RESOURCE_USER)
        answer_no_content(r, r->command->reply.version);
    else
        answer_unknown(r);
}
