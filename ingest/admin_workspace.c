/* The workspace itself: its settings and its seats. */
#include "ingest/admin.h"

#include "ingest/answer.h"
#include "schemas/jsonx.h"
#include "schemas/workspace_settings.h"
#include "sql/look.h"

#include <string.h>

static enum api_step look_at_workspace(struct request *r) {
    (void)api_look(r, LOOK_WORKSPACE);
    return API_LOOK;
}

/* All settings, whatever they are. */
static enum api_step show(struct request *r) {
    struct workspace_settings s;
    if (r->look->nrows == 0)
        return api_not_found(r, "Workspace", r->verdict.workspace.s);
    const char *const *row = r->look->rows[0];
    struct jbuf *b = api_answer(r, 200);
    workspace_settings_init(&s);
    jb_raw(b, "{");
    jb_kstr(b, "id", r->verdict.workspace.s);
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *setting = &workspace_setting_table[i];
        workspace_setting_load(&s, setting, row[i], r->arena);
        jb_key(b, setting->name);
        workspace_setting_put(&s, setting, b);
    }
    jb_kint(b, "seatsUsed", look_int(row[WORKSPACE_SEATS_USED]));
    api_put_time(b, "created", look_int(row[WORKSPACE_CREATED]));
    jb_raw(b, "}");
    return API_ANSWERED;
}
const struct api_handler admin_workspace_get = {look_at_workspace, show, NULL};

/* What answers show besides may be sent back, and says nothing. */
static json_t *settings_of(const json_t *body) {
    static const char *const facts[] = {"id", "seatsUsed", "created"};
    json_t *given = jsonx_copy(body);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        json_object_del(given, facts[i]);
    return given;
}

static enum api_step patch_begin(struct request *r) {
    struct err err = {0};
    json_t *body, *given;
    if (api_body(r, false, &body, &err) != ERR_OK)
        return api_refuse(r, &err);
    given = settings_of(body);
    if (workspace_settings_check(given, &err) != ERR_OK) {
        json_decref(given);
        return api_refuse(r, &err);
    }
    r->resource_id = r->verdict.workspace;
    return admin_publish(r, COMMAND_WORKSPACE_SET, given);
}
const struct api_handler admin_workspace_patch = {patch_begin, show, look_at_workspace};
