/* Attributes of a Schema in JSON (RFC 7643 section 7) as rows of a table. */
#include "schemas/types/schema_load_impl.h"

#include "schemas/types/schema_impl.h"
#include "schemas/types/schema_names.h"

#include <string.h>
#include <strings.h>

#define ATTRS_MAX 250     /* of a schema, or of a complex attribute: they are looked through for each name */
#define NAME_MAX_BYTES 60 /* so that every path fits ATTR_PATH_SIZE */

/* ALPHA *("$" / "-" / "_" / DIGIT / ALPHA), and "$ref" (RFC 7643 section 2.1, rule F15). */
static bool is_attr_name(const char *s) {
    size_t n = strlen(s);
    bool first = (s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z');
    return n <= NAME_MAX_BYTES &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_$") == n &&
           (first || strcmp(s, "$ref") == 0);
}

/* One of the words of a table; *out stays where the member is absent. */
static enum err_code read_word(struct loader *l, const char *where, const json_t *object, const char *name,
                               const char *const *words, size_t n, size_t *out) {
    const char *text = NULL;
    enum err_code code = loader_text(l, where, object, name, false, &text);
    if (code != ERR_OK || text == NULL)
        return code;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return ERR_OK;
        }
    }
    return loader_refuse(l, where, "'%s' cannot be \"%.60s\"", name, text);
}

static enum err_code read_texts(struct loader *l, const char *where, const json_t *object, const char *name,
                                const char *const **out) {
    const json_t *list;
    enum err_code code = loader_list(l, where, object, name, &list);
    if (code != ERR_OK || list == NULL)
        return code;
    size_t n = json_array_size(list);
    const char **texts = arena_alloc(l->arena, (n + 1) * sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        texts[i] = arena_strdup(l->arena, json_string_value(json_array_get(list, i)));
        if (texts[i] == NULL)
            return loader_refuse(l, where, "'%s' must be an array of strings", name);
    }
    *out = n > 0 ? texts : NULL;
    return ERR_OK;
}

static enum err_code read_words(struct loader *l, const char *where, const json_t *object, struct attr *a) {
    size_t type = ATTR_STRING, mutability = ATTR_READ_WRITE, uniqueness = ATTR_UNIQUE_NONE;
    size_t returned = ATTR_RETURNED_DEFAULT;
    enum err_code code;
    if ((code = read_word(l, where, object, "type", attr_type_names, ATTR_TYPES, &type)) != ERR_OK ||
        (code = read_word(l, where, object, "mutability", attr_mutability_names, ATTR_MUTABILITIES,
                          &mutability)) != ERR_OK)
        return code;
    if (mutability == ATTR_WRITE_ONLY)
        returned = ATTR_RETURNED_NEVER;
    if ((code = read_word(l, where, object, "returned", attr_returned_names, ATTR_RETURNEDS, &returned)) !=
            ERR_OK ||
        (code = read_word(l, where, object, "uniqueness", attr_uniqueness_names, ATTR_UNIQUENESSES,
                          &uniqueness)) != ERR_OK)
        return code;
    a->type = (enum attr_type)type;
    a->mutability = (enum attr_mutability)mutability;
    a->returned = (enum attr_returned)returned;
    a->uniqueness = (enum attr_uniqueness)uniqueness;
    return ERR_OK;
}

static enum err_code read_flags(struct loader *l, const char *where, const json_t *object, struct attr *a) {
    enum err_code code;
    if ((code = loader_bool(l, where, object, "multiValued", &a->multi)) != ERR_OK ||
        (code = loader_bool(l, where, object, "required", &a->required)) != ERR_OK ||
        (code = loader_bool(l, where, object, "caseExact", &a->case_exact)) != ERR_OK ||
        (code = loader_bool(l, where, object, "lookup", &a->lookup)) != ERR_OK ||
        (code = read_texts(l, where, object, "canonicalValues", &a->canonical)) != ERR_OK)
        return code;
    return read_texts(l, where, object, "referenceTypes", &a->reference_types);
}

/* Refuses characteristics that do not go together. */
static enum err_code check_attr(struct loader *l, const char *where, const struct attr *a, bool is_sub) {
    if (is_sub && a->type == ATTR_COMPLEX)
        return loader_refuse(l, where, "a complex attribute cannot be inside a complex one");
    if (a->required && a->mutability == ATTR_READ_ONLY)
        return loader_refuse(l, where, "what is readOnly cannot be required: nobody could give it");
    if (a->mutability == ATTR_WRITE_ONLY && a->returned != ATTR_RETURNED_NEVER)
        return loader_refuse(l, where, "what is writeOnly is returned never");
    if (a->type == ATTR_COMPLEX && (a->uniqueness != ATTR_UNIQUE_NONE || a->lookup))
        return loader_refuse(l, where,
                             "a complex attribute has no uniqueness or lookup: its sub-attributes may");
    if (a->type == ATTR_BOOLEAN && a->uniqueness != ATTR_UNIQUE_NONE)
        return loader_refuse(l, where, "a boolean cannot be unique");
    if (a->type != ATTR_REFERENCE && a->reference_types != NULL)
        return loader_refuse(l, where, "'referenceTypes' belongs to references alone");
    if (strcasecmp(a->name, "primary") == 0 && is_sub && a->type != ATTR_BOOLEAN)
        return loader_refuse(l, where, "'primary' is a boolean (RFC 7643 section 2.4)");
    return ERR_OK;
}

/* Sets what follows from the other characteristics. */
static void complete(struct attr *a) {
    if (a->type == ATTR_REFERENCE || a->type == ATTR_BINARY) /* RFC 7643 sections 2.3.6 and 2.3.7 */
        a->case_exact = true;
    if (a->lookup || a->uniqueness != ATTR_UNIQUE_NONE)
        a->max_bytes = INDEXED_MAX_BYTES;
    /* What is not shown by default is kept by a PUT: a client that writes back what it has read would clear
     * it. */
    a->keep_on_put = attr_is_secret(a) || a->returned == ATTR_RETURNED_REQUEST;
}

static enum err_code read_subs(struct loader *l, const char *where, const json_t *object, struct attr *a) {
    const json_t *list;
    enum err_code code = loader_list(l, where, object, "subAttributes", &list);
    if (code != ERR_OK)
        return code;
    if (a->type != ATTR_COMPLEX)
        return json_array_size(list) == 0
                   ? ERR_OK
                   : loader_refuse(l, where, "only a complex attribute has 'subAttributes'");
    if (json_array_size(list) == 0)
        return loader_refuse(l, where, "a complex attribute needs 'subAttributes'");
    return loader_attrs(l, a, list, &a->subs, &a->nsubs);
}

static enum err_code read_attr(struct loader *l, const struct attr *parent, const json_t *object,
                               struct attr *a) {
    static const char *const members[] = {
        "name",          "type",       "multiValued", "description", "required", "canonicalValues",
        "caseExact",     "mutability", "returned",    "uniqueness",  "lookup",   "referenceTypes",
        "subAttributes", NULL};
    const char *of = parent != NULL ? parent->name : "attributes";
    enum err_code code = loader_text(l, of, object, "name", true, &a->name);
    if (code != ERR_OK)
        return code;
    const char *where = parent != NULL ? arena_printf(l->arena, "%s.%s", parent->name, a->name) : a->name;
    if (!is_attr_name(a->name))
        return loader_refuse(l, where,
                             "not a name: a letter, then letters, digits, \"-\", \"_\" and \"$\", %d at most",
                             NAME_MAX_BYTES);
    if (strcasecmp(a->name, "not") == 0)
        return loader_refuse(l, where, "the name is a word of the filter language");
    a->description = a->name;
    if ((code = loader_members(l, where, object, members)) != ERR_OK ||
        (code = loader_description(l, where, object, &a->description)) != ERR_OK ||
        (code = read_words(l, where, object, a)) != ERR_OK ||
        (code = read_flags(l, where, object, a)) != ERR_OK ||
        (code = check_attr(l, where, a, parent != NULL)) != ERR_OK)
        return code;
    complete(a);
    return read_subs(l, where, object, a);
}

enum err_code loader_attrs(struct loader *l, const struct attr *parent, const json_t *list,
                           const struct attr **attrs, size_t *nattrs) {
    size_t n = json_array_size(list);
    if (n > ATTRS_MAX)
        return loader_refuse(l, parent != NULL ? parent->name : "attributes",
                             "there are %zu attributes here, at most %d are allowed", n, ATTRS_MAX);
    struct attr *rows = arena_alloc(l->arena, (n + 1) * sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        enum err_code code = read_attr(l, parent, json_array_get(list, i), &rows[i]);
        if (code != ERR_OK)
            return code;
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(rows[k].name, rows[i].name) == 0)
                return loader_refuse(l, rows[i].name, "the name is given twice");
    }
    *attrs = rows;
    *nattrs = n;
    return ERR_OK;
}
