/* What the files of schema_load share. */
#ifndef USHER_SCHEMAS_TYPES_SCHEMA_LOAD_IMPL_H
#define USHER_SCHEMAS_TYPES_SCHEMA_LOAD_IMPL_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "schemas/types/schema.h"

#include <jansson.h>

/* An extension of a built-in type, or of one that is being read. */
struct loaded_type {
    const char *file;
    struct resource_type *rt;   /* the new type; NULL: a built-in one is extended */
    enum resource_kind extends; /* where rt is NULL */
    struct schema_extension *extensions;
    size_t nextensions;
};

struct loader {
    struct arena *arena; /* everything that was read; kept for ever once all is well */
    const char *file;    /* the one being read */
    const struct schema **schemas;
    const char **schema_files;
    size_t nschemas;
    struct loaded_type *types;
    size_t ntypes;
    struct err *err;
};

/* ERR_CONFIG: "<file>: <where>: <what>"; where may be "". */
enum err_code loader_refuse(struct loader *l, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* NULL where it is absent or null. Borrowed. */
const json_t *loader_member(const json_t *object, const char *name);
/* Members of an object that has only those in `names` (NULL-terminated). */
enum err_code loader_members(struct loader *l, const char *where, const json_t *object,
                             const char *const *names);
/* *out lives in the arena; NULL, or what it was set to, where the member is absent or null and not required.
 */
enum err_code loader_text(struct loader *l, const char *where, const json_t *object, const char *name,
                          bool required, const char **out);
/* "description". An empty one, as editors and other providers write it, is as good as none. */
enum err_code loader_description(struct loader *l, const char *where, const json_t *object, const char **out);
enum err_code loader_bool(struct loader *l, const char *where, const json_t *object, const char *name,
                          bool *out);
/* An array; NULL where absent. Borrowed. */
enum err_code loader_list(struct loader *l, const char *where, const json_t *object, const char *name,
                          const json_t **out);

/* The attributes of a schema, or the sub-attributes of `parent`. */
enum err_code loader_attrs(struct loader *l, const struct attr *parent, const json_t *list,
                           const struct attr **attrs, size_t *nattrs);

/* A ResourceType (RFC 7643 section 6), appended to l->types; its schemas must have been read. */
enum err_code loader_type(struct loader *l, const json_t *object);
/* Checks that need everything to be read: references to types, schemas that no type uses. */
enum err_code loader_check(struct loader *l);
/* By URN, among the schemas that were read and the built-in ones; NULL if there is none. */
const struct schema *loader_schema(const struct loader *l, const char *urn);

#endif
