/* Paths of PATCH operations: attrPath, or attrPath "[" filter "]" [ "." sub ] (rule P4). */
#ifndef USHER_SCHEMAS_PATCH_PATCH_PATH_H
#define USHER_SCHEMAS_PATCH_PATCH_PATH_H

#include "ops/runtime/arena.h"
#include "schemas/filter/filter.h"

enum patch_op { PATCH_ADD, PATCH_REMOVE, PATCH_REPLACE };
#define PATCH_OPS 3
extern const char *const patch_op_names[PATCH_OPS];

struct patch_path {
    struct attr_path
        at; /* at.sub: a sub-attribute, of every element that is meant where the attribute is multi-valued */
    const struct filter *filter; /* which elements; NULL: no brackets */
};

/* ERR_INVALID_PATH, or ERR_INVALID_FILTER for what is in the brackets (P6). The filter lives in the arena. */
enum err_code patch_path_parse(const struct resource_type *rt, enum dialect dialect, const char *text,
                               size_t len, struct arena *a, struct patch_path *out, struct err *err);
/* Canonical text, which means the same under every dialect. Appended to out. */
void patch_path_format(const struct patch_path *p, struct jbuf *out);

#endif
