/* The settings of the workspace. They are shown as the Management API shows them. */
#include "ingest/api/admin.h"

#include "ingest/api/handlers.h"
#include "ingest/request/handle.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/text/jsonx.h"

#include <string.h>

/* Answers also show these facts. A client may send them back; they are ignored. */
static json_t *settings_of(const json_t *body) {
    static const char *const facts[] = {"id", "seatsUsed", "created"};
    json_t *given = jsonx_copy(body);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        json_object_del(given, facts[i]);
    return given;
}

static enum step workspace_patch_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *given;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return handle_refuse(r, &err);
    given = settings_of(body);
    if (workspace_settings_check(given, &err) != ERR_OK) {
        json_decref(given);
        return handle_refuse(r, &err);
    }
    r->resource_id = r->verdict.workspace;
    return admin_publish(r, COMMAND_WORKSPACE_SET, given);
}
static enum step workspace_patch_on_rows(struct request *r) {
    return api_workspace.on_rows(r);
}

static enum step workspace_patch_on_reply(struct request *r) {
    return api_workspace.begin(r);
}
const struct handler admin_workspace_patch = {
    .begin = workspace_patch_begin, .on_rows = workspace_patch_on_rows, .on_reply = workspace_patch_on_reply};
