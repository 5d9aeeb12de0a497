#include "ingest/read.h"

#include "ingest/answer.h"

#include <string.h>

#define COUNT_DEFAULT 100
#define COUNT_MAX 200 /* DESIGN section 7: paged silently */

static const char *list_param(const struct request *r, const char *name) {
    const char *value = query_get(&r->query, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

enum err_code read_projection(struct request *r, struct err *err) {
    return projection_parse(r->route.rt, list_param(r, "attributes"), list_param(r, "excludedAttributes"),
                            r->arena, &r->projection, err);
}

static void base_query(struct request *r) {
    r->read = (struct read_query){
        .workspace = r->verdict.workspace.s,
        .rt = r->route.rt,
        .refs = projection_wants_refs(r->route.rt, r->projection),
        .base = r->base,
        .arena = r->arena,
    };
}

void read_resource(struct request *r) {
    base_query(r);
    r->read.id = r->resource_id.s;
}

void read_existence(struct request *r) {
    read_resource(r);
    r->read.refs = false;
}

enum err_code read_user_name(struct request *r, const char *user_name, struct err *err) {
    struct jbuf text = {0};
    base_query(r);
    r->part = (struct read_part){.rt = r->route.rt};
    r->read.parts = &r->part;
    r->read.nparts = 1;
    r->read.start_index = 1;
    r->read.count = 1;
    jb_raw(&text, "userName eq ");
    jb_str(&text, user_name);
    enum err_code code =
        filter_parse(r->route.rt, DIALECT_RFC, text.p, text.n, r->arena, &r->part.filter, err);
    jb_free(&text);
    return code;
}

enum err_code read_not_found(const struct request *r, struct err *err) {
    return err_set(err, ERR_NOT_FOUND, "%s %s not found", r->route.rt->name, r->route.segment);
}

static enum err_code prepare_list(struct request *r, struct err *err) {
    int64_t start, count;
    if (query_int(&r->query, "startIndex", 1, &start, err) != ERR_OK ||
        query_int(&r->query, "count", COUNT_DEFAULT, &count, err) != ERR_OK)
        return err->code;
    r->read.start_index = start < 1 ? 1 : start;
    r->read.count = count < 0 ? 0 : count > COUNT_MAX ? COUNT_MAX : (int)count;
    r->part = (struct read_part){.rt = r->route.rt, .refs = r->read.refs};
    r->read.parts = &r->part;
    r->read.nparts = 1;
    const char *filter = query_get(&r->query, "filter");
    if (filter == NULL)
        return ERR_OK;
    return filter_parse(r->route.rt, r->verdict.dialect, filter, strlen(filter), r->arena, &r->part.filter,
                        err);
}

enum err_code read_prepare(struct request *r, struct err *err) {
    if (read_projection(r, err) != ERR_OK)
        return err->code;
    if (r->route.kind == ROUTE_COLLECTION) {
        base_query(r);
        return prepare_list(r, err);
    }
    if (!uuid_parse(r->route.segment, &r->resource_id))
        return read_not_found(r, err);
    read_resource(r);
    return ERR_OK;
}

void read_answer(struct request *r, enum err_code code) {
    struct err err = {0};
    if (code != ERR_OK) {
        answer_error(r, code, NULL);
    } else if (r->read.code != ERR_OK) {
        r->read.err.code = r->read.code;
        answer_err(r, &r->read.err);
    } else if (r->read.id == NULL) {
        answer_list(r);
    } else if (r->read.nrows == 0) {
        read_not_found(r, &err);
        answer_err(r, &err);
    } else {
        answer_resource(r, 200, &r->read.rows[0]);
    }
}
