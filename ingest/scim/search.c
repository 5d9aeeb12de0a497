#include "ingest/scim/search.h"

#include "ops/runtime/jbuf.h"
#include "schemas/resource/body.h"
#include "schemas/text/jsonx.h"
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

static const char *text_of_number(const json_t *value, struct arena *a) {
    json_t *number =
        json_is_string(value) ? jsonx_number(json_string_value(value), json_string_length(value)) : NULL;
    const json_t *given = number != NULL ? number : value;
    const char *text =
        json_is_integer(given) ? arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(given)) : NULL;
    json_decref(number);
    return text;
}

/* NULL: the value does not fit. */
static const char *text_of_value(const json_t *value, enum kind kind, struct arena *a) {
    if (kind == LIST && json_is_array(value))
        return join(value, a);
    value = body_unlist(value);
    if (kind == NUMBER)
        return text_of_number(value, a);
    return json_is_string(value) ? arena_strdup(a, json_string_value(value)) : NULL;
}

/* The form that the RFC gives it, and no other that is taken for it. */
static bool is_exact(const json_t *value, enum kind kind) {
    return kind == LIST     ? json_is_array(value)
           : kind == NUMBER ? json_is_integer(value)
                            : json_is_string(value);
}

enum err_code search_query(const json_t *body, bool strict, struct arena *a, struct query *out,
                           struct err *err) {
    static const char *const wants[] = {
        [TEXT] = "a string", [NUMBER] = "an integer", [LIST] = "a list of strings"};
    *out = (struct query){.params = arena_alloc(a, MEMBERS * sizeof(struct query_param))};
    if (body_check_schemas(body, MESSAGE_SEARCH, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < MEMBERS; i++) {
        const enum kind kind = members[i].kind;
        const json_t *value = body_member(body, members[i].name);
        if (value == NULL || json_is_null(value))
            continue;
        struct query_param p = {members[i].name, text_of_value(value, kind, a)};
        if (p.value == NULL || (strict && !is_exact(value, kind)))
            return err_set_path(err, kind == NUMBER ? ERR_INVALID_VALUE : ERR_INVALID_SYNTAX, p.name,
                                "%s must be %s%s", p.name, wants[kind],
                                p.value != NULL ? "; this workspace is strict" : "");
        out->params[out->n++] = p;
    }
    return ERR_OK;
}
