/* SCIM filters: text -> tree, and the tree's meaning on a document in memory (RFC 7644 section 3.4.2.2, rules
 * F1-F16). sql/filter/where.c gives the same tree its meaning in SQL; both must agree. */
#ifndef USHER_SCHEMAS_FILTER_FILTER_H
#define USHER_SCHEMAS_FILTER_FILTER_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/types/attr_path.h"
#include "schemas/types/dialect.h"

#include <jansson.h>
#include <stdint.h>

#define FILTER_MAX_BYTES 4096
#define FILTER_MAX_DEPTH 20
#define FILTER_MAX_TERMS 100

enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_COMPARE,
    FILTER_PRESENT,
    FILTER_VALUE_PATH,
    FILTER_CONSTANT /* value.boolean: of an attribute that this type does not have (filter_parse_types) */
};
enum filter_op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_CO,
    FILTER_SW,
    FILTER_EW,
    FILTER_GT,
    FILTER_GE,
    FILTER_LT,
    FILTER_LE
};
/* null never reaches the tree: `x eq null` becomes NOT(PRESENT x), `x ne null` becomes PRESENT x (F12). */
enum filter_value_type { FILTER_STRING, FILTER_NUMBER, FILTER_BOOL, FILTER_TIME };

struct filter_value {
    enum filter_value_type type;
    const char *text;   /* as given: the string, the number's text, the time's text */
    const char *folded; /* FILTER_STRING: folded, unless the attribute is caseExact (then = text) */
    double number;
    bool boolean;
    int64_t time_us; /* FILTER_TIME: a string compared with a dateTime */
};

struct filter {
    enum filter_kind kind;
    /* AND, OR; NOT uses left; VALUE_PATH: left is the filter on the element. */
    const struct filter *left, *right;
    /* COMPARE, PRESENT, VALUE_PATH. Inside a value path path.attr is the sub-attribute and path.sub NULL; in
     * one of a simple multi-valued attribute, whose elements are seen as their own `value`, it is the
     * attribute itself. COMPARE of a complex attribute without sub-attribute was given its `value` (F6);
     * PRESENT was not. */
    struct attr_path path;
    enum filter_op op;
    struct filter_value value;
};

/* Parses text[0..len). Limits: 4 KiB, depth 20, 100 terms. ERR_INVALID_FILTER with the position and reason.
 * The tree lives in the arena. */
enum err_code filter_parse(const struct resource_type *rt, enum dialect dialect, const char *text, size_t len,
                           struct arena *a, const struct filter **out, struct err *err);
/* The filter of a query over several types (rule F9): out[i] is its tree for types[i], in which an attribute
 * that this type does not have is one without a value. ERR_INVALID_FILTER as above, and for an attribute that
 * none of them has. */
enum err_code filter_parse_types(const struct resource_type *const *types, size_t ntypes,
                                 enum dialect dialect, const char *text, size_t len, struct arena *a,
                                 const struct filter **out, struct err *err);
/* The part in brackets of a value path of attribute `of` (PATCH paths). */
enum err_code filter_parse_element(const struct attr *of, enum dialect dialect, const char *text, size_t len,
                                   struct arena *a, const struct filter **out, struct err *err);
/* The sub-attribute of `of` that a name inside brackets means, `value` of a simple attribute being the
 * attribute itself; NULL if there is none. */
const struct attr *filter_element_attr(const struct attr *of, const char *name, size_t len);
const char *filter_op_name(enum filter_op op); /* "eq" */
/* Canonical text of a filter, which parses to the same tree under every dialect. of: inside brackets, the
 * attribute before them; else NULL. */
void filter_format(const struct filter *f, const struct attr *of, struct jbuf *out);
/* Canonical text of an attribute path, with the URN where the attribute is an extension's. */
void attr_path_format(const struct attr_path *p, struct jbuf *out);

/* Does one element (object, or simple value seen as its "value") of a multi-valued attribute match? */
bool filter_match_element(const struct filter *f, const json_t *element);
/* Does a document match? (Ids, meta, groups and members are not in documents; the SQL side knows them; the
 * caller may merge them in. SQL does not see secrets: resource_public is the document to compare with.) */
bool filter_match(const struct filter *f, const json_t *doc);

#endif
