#include "ingest/request/answer.h"

#include "ingest/request/place.h"
#include "schemas/types/scim_error.h"

#include <string.h>

struct jbuf *answer_begin(struct request *r, int status) {
    struct answer *a = &r->answer;
    struct answer fresh = {
        .status = status, .content_type = r->form->type, .body = a->body, .close = a->close, .dry = r->dry};
    *a = fresh;
    jb_reset(&a->body);
    return &a->body;
}

/* Those of which one is needed; NULL where it depends on more than the route. */
static const char *scopes_due(struct request *r) {
    return route_scope_names(route_scopes(&r->route), r->arena);
}

/* May the text stand between quotes? */
static bool is_plain(const char *text) {
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/:[]")] ==
           '\0';
}

/* Tells OAuth clients where they learn how to get a token (RFC 9728 section 5.1). Owners' credentials are not
 * to be had that way. */
static const char *metadata_of(struct request *r) {
    const char *prefix = r->route.prefix != NULL ? r->route.prefix : "";
    if (r->head.host == NULL || r->route.row == NULL || r->route.row->access >= ACCESS_ADMINISTRATOR)
        return "";
    const char *url =
        arena_printf(r->arena, "%s/.well-known/oauth-protected-resource%s", place_origin(r), prefix);
    return is_plain(url) ? arena_printf(r->arena, ", resource_metadata=\"%s\"", url) : "";
}

/* Without a token the challenge has no error code. */
const char *answer_bearer_challenge(struct request *r, enum err_code code) {
    if (code == ERR_UNAUTHORIZED)
        return arena_printf(r->arena, "Bearer realm=\"usher\"%s%s",
                            r->head.token != NULL ? ", error=\"invalid_token\"" : "", metadata_of(r));
    const char *scopes = code == ERR_INSUFFICIENT_SCOPE ? scopes_due(r) : NULL;
    if (scopes != NULL)
        return arena_printf(r->arena, "Bearer realm=\"usher\", error=\"insufficient_scope\", scope=\"%s\"",
                            scopes);
    if (code == ERR_INSUFFICIENT_SCOPE)
        return "Bearer realm=\"usher\", error=\"insufficient_scope\"";
    return NULL;
}

/* Of a 415 (RFC 9110 sections 12.5.1, 12.5.3 and 15.5.16). */
static void tell_what_is_taken(struct request *r) {
    const char *type = r->route.method == HTTP_PATCH ? r->form->accepts_patch : r->form->accepts;
    if (r->head.content_coding != NULL)
        r->answer.accept_encoding = "identity";
    else
        r->answer.accept = type != NULL ? arena_printf(r->arena, "%s, " PLAIN_JSON, type) : PLAIN_JSON;
}

/* path: the attribute or parameter that the error is about; NULL = not known. */
static void answer_failure(struct request *r, enum err_code code, const char *detail, const char *path) {
    enum err_code shown = scim_error_outward(code);
    if (shown != code || detail == NULL || detail[0] == '\0') {
        struct err plain = {.code = shown};
        detail = err_text(&plain);
    }
    /* "nothing was changed" would be untrue */
    if (r->done_already != NULL && err_http_status(shown) == 503) {
        shown = ERR_UNAVAILABLE;
        detail = r->done_already;
    }
    answer_begin(r, err_http_status(shown));
    struct answer *a = &r->answer;
    a->code = shown;
    a->authenticate = r->form->challenge(r, shown);
    if (shown == ERR_METHOD)
        a->allow = r->route.allow;
    if (shown == ERR_MEDIA_TYPE)
        tell_what_is_taken(r);
    if (shown == ERR_RATE_LIMITED)
        a->retry_after_s = r->verdict.retry_after_s > 0 ? r->verdict.retry_after_s : 1;
    else if (a->status == 503)
        a->retry_after_s = 1;
    a->detail = arena_strdup(r->arena, detail);
    r->form->error(r, detail, path);
}

void answer_error(struct request *r, enum err_code code, const char *detail) {
    answer_failure(r, code, detail, NULL);
}

void answer_err(struct request *r, const struct err *err) {
    answer_failure(r, err->code, err->detail, err->path);
}

void answer_unknown(struct request *r) {
    answer_error(r, ERR_OUTCOME_UNKNOWN,
                 arena_printf(r->arena, "Not done in time; the outcome of txn %s is not known", r->txn.s));
}

void answer_resource(struct request *r, int status, const struct resource_row *row) {
    answer_begin(r, status);
    resource_row_etag(r->route.rt, row, r->answer.etag);
    r->form->resource(r, row);
}

void answer_not_modified(struct request *r, const struct resource_row *row) {
    answer_resource(r, 304, row);
    r->answer.content_type = NULL;
}

void answer_no_content(struct request *r, int64_t version) {
    answer_begin(r, 204);
    r->answer.content_type = r->form->empty_type;
    if (version > 0)
        resource_etag(version, r->answer.etag);
}

void answer_options(struct request *r) {
    answer_no_content(r, 0);
    r->answer.allow = r->route.allow;
}

void answer_json(struct request *r, int status, const char *json) {
    answer_begin(r, status);
    jb_raw(&r->answer.body, json);
}

void answer_plain(struct request *r, int status, const char *type) {
    r->answer.status = status;
    r->answer.content_type = type;
}
