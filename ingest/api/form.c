#include "ingest/api/form.h"

#include "ingest/api/resources.h"
#include "ingest/request/answer.h"

#include <ctype.h>
#include <stdio.h>

char *problem_name(enum err_code code, char out[40]) {
    snprintf(out, 40, "%s", err_name(code));
    for (char *p = out; *p != '\0'; p++)
        *p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
    return out;
}

void problem_put(struct jbuf *out, enum err_code code, const char *detail, const char *txn,
                 const char *path) {
    struct err plain = {.code = code};
    char name[40];
    jb_printf(out, "{\"type\":\"urn:usher:problem:%s\"", problem_name(code, name));
    jb_kstr(out, "title", err_text(&plain));
    jb_kint(out, "status", err_http_status(code));
    jb_kstr(out, "detail", detail);
    if (txn != NULL)
        jb_printf(out, ",\"instance\":\"urn:uuid:%s\"", txn);
    if (path != NULL && path[0] != '\0') {
        jb_raw(out, ",\"errors\":[{\"path\":");
        jb_str(out, path);
        jb_raw(out, "}]");
    }
    jb_raw(out, "}");
}

static void api_error(struct request *r, const char *detail, const char *path) {
    struct answer *a = &r->answer;
    a->content_type = PROBLEM_JSON;
    problem_put(&a->body, a->code, detail, r->txn.s, path);
}

static void api_resource(struct request *r, const struct resource_row *row) {
    if (r->answer.status == 201)
        r->answer.location = api_location(r, row->id);
    api_put_resource(r, row);
}

/* Sign-in and set-up: no resources, and no path that the others begin with. */
const struct form portal_form = {
    .name = "the portal",
    .reason = "api",
    .type = PLAIN_JSON,
    .error = api_error,
    .challenge = answer_bearer_challenge,
};

const struct form api_form = {
    .name = "the Management API",
    .prefix = API_PREFIX,
    .reason = "api",
    .type = PLAIN_JSON,
    .accepts_patch = "application/merge-patch+json", /* RFC 7396 */
    .room = "Room",
    .empty_patch = true,
    .error = api_error,
    .challenge = answer_bearer_challenge,
    .resource = api_resource,
    .list = api_list_answer,
    .read_body = api_write_body,
};
