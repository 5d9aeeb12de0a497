#include "ingest/scim/search.h"

#include "ops/runtime/jbuf.h"
#include "schemas/resource/body.h"
#include "schemas/types/schema.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum kind { TEXT, NUMBER, LIST };

static const struct {
    const char *name;
    enum kind kind;
} members[] = {
    {"attributes", LIST}, {"excludedAttributes", LIST}, {"filter", TEXT},  {"sortBy", TEXT},
    {"sortOrder", TEXT},  {"startIndex", NUMBER},       {"count", NUMBER}, {"cursor", TEXT},
};
#define MEMBERS (sizeof members / sizeof *members)

static enum err_code check_search_schemas(const json_t *body, struct err *err) {
    const json_t *list = body_member(body, "schemas");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *urn = json_string_value(json_array_get(list, i));
        if (urn != NULL && strcasecmp(urn, MESSAGE_SEARCH) == 0)
            return ERR_OK;
    }
    return err_set_path(err, ERR_INVALID_SYNTAX, "schemas", "schemas must hold %s", MESSAGE_SEARCH);
}

/* Attribute names with commas between. */
static const char *join(const json_t *list, struct arena *a) {
    struct jbuf text = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *name = json_array_get(list, i);
        if (!json_is_string(name)) {
            jb_free(&text);
            return NULL;
        }
        jb_raw(&text, i > 0 ? "," : "");
        jb_raw(&text, json_string_value(name));
    }
    const char *kept = arena_strndup(a, text.p != NULL ? text.p : "", text.n);
    jb_free(&text);
    return kept;
}

static const char *text_of_value(const json_t *value, enum kind kind, struct arena *a) {
    switch (kind) {
    case LIST:
        return json_is_array(value) ? join(value, a) : NULL;
    case NUMBER:
        return json_is_integer(value) ? arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                                      : NULL;
    case TEXT:
        break;
    }
    return json_is_string(value) ? arena_strdup(a, json_string_value(value)) : NULL;
}

enum err_code search_query(const json_t *body, struct arena *a, struct query *out, struct err *err) {
    static const char *const wants[] = {
        [TEXT] = "a string", [NUMBER] = "an integer", [LIST] = "a list of strings"};
    *out = (struct query){.params = arena_alloc(a, MEMBERS * sizeof(struct query_param))};
    if (check_search_schemas(body, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < MEMBERS; i++) {
        const json_t *value = body_member(body, members[i].name);
        if (value == NULL || json_is_null(value))
            continue;
        struct query_param p = {members[i].name, text_of_value(value, members[i].kind, a)};
        if (p.value == NULL)
            return err_set_path(err, members[i].kind == NUMBER ? ERR_INVALID_VALUE : ERR_INVALID_SYNTAX,
                                p.name, "%s must be %s", p.name, wants[members[i].kind]);
        out->params[out->n++] = p;
    }
    return ERR_OK;
}
