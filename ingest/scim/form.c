#include "ingest/scim/form.h"

#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/scim/list.h"
#include "schemas/types/scim_error.h"

static void scim_error(struct request *r, const char *detail, const char *path) {
    struct answer *a = &r->answer;
    (void)path; /* errors of SCIM have no member for it */
    a->scim_type = err_scim_type(a->code);
    scim_error_put(&a->body, a->status, a->scim_type, detail);
}

/* With Content-Location; 201 with Location too (rule T6). */
static void scim_resource(struct request *r, const struct resource_row *row) {
    struct answer *a = &r->answer;
    a->content_location = arena_printf(r->arena, "%s%s/%s", r->base, r->route.rt->endpoint, row->id);
    if (a->status == 201)
        a->location = a->content_location;
    resource_render(r->route.rt, row, r->projection, r->base, &a->body);
}

static enum err_code scim_read_body(struct request *r, const json_t **body, struct err *err) {
    json_t *parsed = NULL;
    if (content_parse(r, &parsed, err) != ERR_OK)
        return err->code;
    *body = parsed;
    return ERR_OK;
}

const struct form scim_form = {
    .name = "SCIM",
    .prefix = SCIM_PREFIX,
    .reason = "scim",
    .type = SCIM_JSON,
    .empty_type =
        SCIM_JSON, /* nothing needs it, but a widespread client takes a 204 without it for a failure */
    .accepts = SCIM_JSON,
    .accepts_patch = SCIM_JSON,
    .refs = true,
    .profiled = true,
    .error = scim_error,
    .challenge = answer_bearer_challenge,
    .resource = scim_resource,
    .list = list_answer,
    .read_body = scim_read_body,
};
