#include "ingest/scim/read.h"

#include "ingest/request/answer.h"
#include "ingest/request/content.h"
#include "ingest/request/etag.h"
#include "ingest/request/handle.h"
#include "ingest/scim/list.h"
#include "ingest/scim/membership.h"
#include "ingest/scim/search.h"
#include "sql/ask/read.h"

#include <string.h>

static const char *list_param(const struct request *r, const char *name) {
    const char *value = query_get(&r->query, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

enum err_code read_projection(struct request *r, struct err *err) {
    return projection_parse(r->route.rt, list_param(r, "attributes"), list_param(r, "excludedAttributes"),
                            r->arena, &r->projection, err);
}

static void base_query(struct request *r) {
    r->read = arena_alloc(r->arena, sizeof *r->read);
    *r->read = (struct read_query){
        .workspace = r->verdict.workspace.s,
        .rt = r->route.rt,
        .refs = r->form->refs ? projection_refs(r->route.rt, r->projection) : REFS_NONE,
        .base = r->base,
        .arena = r->arena,
    };
}

void read_resource(struct request *r) {
    base_query(r);
    r->read->id = r->membership != NULL ? r->membership : r->resource_id.s;
}

void read_existence(struct request *r) {
    read_resource(r);
    r->read->refs = REFS_NONE;
}

enum err_code read_user_name(struct request *r, const char *user_name, struct err *err) {
    struct jbuf text = {0};
    base_query(r);
    struct read_part *part = arena_alloc(r->arena, sizeof *part);
    part->rt = r->route.rt;
    r->read->parts = part;
    r->read->nparts = 1;
    r->read->start_index = 1;
    r->read->count = 1;
    jb_raw(&text, "userName eq ");
    jb_str(&text, user_name);
    enum err_code code = filter_parse(r->route.rt, DIALECT_RFC, text.p, text.n, r->arena, &part->filter, err);
    jb_free(&text);
    return code;
}

static enum err_code not_found(const struct request *r, struct err *err) {
    bool named = r->route.rt->kind == RESOURCE_ROOM && r->form->room != NULL;
    return err_set(err, ERR_NOT_FOUND, "%s %s not found", named ? r->form->room : r->route.rt->name,
                   r->route.segment);
}

/* Ids are read in any letter case, but for the interoperability profile (clause IO06). */
enum err_code read_target(struct request *r, struct err *err) {
    const bool exact = r->form->profiled && r->verdict.strictness == STRICTNESS_INTEROP;
    bool good = membership_is_meant(r) ? membership_target(r, r->route.segment)
                                       : uuid_parse(r->route.segment, &r->resource_id);
    const char *id = r->membership != NULL ? r->membership : r->resource_id.s;
    if (!good || (exact && strcmp(id, r->route.segment) != 0))
        return not_found(r, err);
    return ERR_OK;
}

/* ---- one resource ---- */

enum step read_begin(struct request *r) {
    struct err err = {0};
    if (read_target(r, &err) != ERR_OK)
        return handle_refuse(r, &err);
    read_resource(r);
    return STEP_READ;
}

static enum step scim_read_begin(struct request *r) {
    struct err err = {0};
    return read_projection(r, &err) == ERR_OK ? read_begin(r) : handle_refuse(r, &err);
}

/* Does the client have this version already? (If-None-Match, RFC 9110 section 13.1.2, rule V2) */
static bool has_it(const struct request *r, const struct resource_row *row) {
    struct etag_list tags;
    if (r->head.if_none_match == NULL)
        return false;
    etag_parse(r->head.if_none_match, r->arena, &tags);
    return etag_matches(&tags, row->version, resource_refs_tag(r->route.rt, row));
}

enum step read_on_read(struct request *r, enum err_code code) {
    struct err err = {0};
    if (code != ERR_OK) {
        answer_error(r, code, NULL);
    } else if (r->read->code != ERR_OK) {
        r->read->err.code = r->read->code;
        answer_err(r, &r->read->err);
    } else if (r->read->id == NULL) {
        r->form->list(r);
    } else if (r->read->nrows == 0) {
        (void)not_found(r, &err);
        answer_err(r, &err);
    } else if (has_it(r, &r->read->rows[0])) {
        answer_not_modified(r, &r->read->rows[0]);
    } else {
        answer_resource(r, 200, &r->read->rows[0]);
    }
    return STEP_ANSWERED;
}

/* ---- lists ---- */

static enum step scim_list_begin(struct request *r) {
    struct err err = {0};
    return list_prepare(r, &err) == ERR_OK ? STEP_READ : handle_refuse(r, &err);
}

/* The body of a search says what the query of a list says (rule J5). */
static enum step scim_search_begin(struct request *r) {
    struct err err = {0};
    json_t *body = NULL;
    if (content_parse(r, &body, &err) != ERR_OK ||
        search_query(body, r->verdict.strictness != STRICTNESS_STANDARD, r->arena, &r->query, &err) != ERR_OK)
        return handle_refuse(r, &err);
    return scim_list_begin(r);
}

const struct handler scim_read = {.begin = scim_read_begin, .on_read = read_on_read};
const struct handler scim_list = {.begin = scim_list_begin, .on_read = read_on_read};
const struct handler scim_search = {.begin = scim_search_begin, .on_read = read_on_read};
