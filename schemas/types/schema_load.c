/* Reads the folder, its files and the schemas in them. Nothing is added to the lists before everything is
 * found right. */
#include "schemas/types/schema_load.h"

#include "schemas/types/schema_impl.h"
#include "schemas/types/schema_load_impl.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URN_MAX_BYTES 120 /* so that every path fits ATTR_PATH_SIZE */
#define ITEMS_MAX 100     /* schemas and resource types of a folder */
#define MESSAGE_TYPE_SCHEMA "urn:ietf:params:scim:schemas:core:2.0:Schema"
#define MESSAGE_TYPE_RESOURCE "urn:ietf:params:scim:schemas:core:2.0:ResourceType"

/* The memory of all tables that were added; they live as long as the process. */
static struct arena *kept;

/* Schemas */

/* Names in documents, paths and filters: plain characters only. */
static bool is_urn(const char *s) {
    size_t n = strlen(s);
    return n > 4 && n <= URN_MAX_BYTES && strncasecmp(s, "urn:", 4) == 0 && s[n - 1] != ':' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-") == n;
}

static enum err_code read_schema(struct loader *l, const json_t *object) {
    static const char *const members[] = {"schemas", "id", "name", "description", "attributes", "meta", NULL};
    static const char *const reserved = "urn:ietf:params:scim:api:";
    struct schema *s = arena_alloc(l->arena, sizeof(*s));
    const json_t *list;
    enum err_code code = loader_text(l, "Schema", object, "id", true, &s->id);
    if (code != ERR_OK)
        return code;
    if (!is_urn(s->id) || strncasecmp(s->id, reserved, strlen(reserved)) == 0)
        return loader_refuse(
            l, s->id, "'id' must be a URN of letters, digits, \":\", \".\", \"_\" and \"-\", %d at most",
            URN_MAX_BYTES);
    if (loader_schema(l, s->id) != NULL)
        return loader_refuse(l, s->id, "there is a schema of this URN already");
    if ((code = loader_members(l, s->id, object, members)) != ERR_OK ||
        (code = loader_text(l, s->id, object, "name", true, &s->name)) != ERR_OK)
        return code;
    s->description = s->name;
    if ((code = loader_description(l, s->id, object, &s->description)) != ERR_OK ||
        (code = loader_list(l, s->id, object, "attributes", &list)) != ERR_OK)
        return code;
    if (json_array_size(list) == 0)
        return loader_refuse(l, s->id, "'attributes' is missing or empty");
    code = loader_attrs(l, NULL, list, &s->attrs, &s->nattrs);
    l->schemas[l->nschemas] = s;
    l->schema_files[l->nschemas++] = l->file;
    return code;
}

/* Files */

enum item { ITEM_SCHEMA, ITEM_TYPE, ITEM_UNKNOWN };

/* Decided by `schemas`; where that is missing, by a member that only one of the two kinds has. */
static enum item item_of(const json_t *object) {
    const json_t *schemas = loader_member(object, "schemas");
    for (size_t i = 0; i < json_array_size(schemas); i++) {
        const char *urn = json_string_value(json_array_get(schemas, i));
        if (urn != NULL && strcasecmp(urn, MESSAGE_TYPE_SCHEMA) == 0)
            return ITEM_SCHEMA;
        if (urn != NULL && strcasecmp(urn, MESSAGE_TYPE_RESOURCE) == 0)
            return ITEM_TYPE;
    }
    if (schemas == NULL && loader_member(object, "attributes") != NULL)
        return ITEM_SCHEMA;
    if (schemas == NULL &&
        (loader_member(object, "endpoint") != NULL || loader_member(object, "schemaExtensions") != NULL))
        return ITEM_TYPE;
    return ITEM_UNKNOWN;
}

struct source {
    const char *name;
    json_t *root; /* an array of resources */
};

static enum err_code read_file(struct loader *l, const char *dir, struct source *s) {
    json_error_t e;
    const char *path = arena_printf(l->arena, "%s/%s", dir, s->name);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    l->file = s->name;
    if (root == NULL)
        return loader_refuse(l, "", "line %d: %s", e.line, e.text);
    s->root = root;
    if (!json_is_array(root)) {
        s->root = json_array();
        if (json_array_append_new(s->root, root) != 0)
            abort();
    }
    for (size_t i = 0; i < json_array_size(s->root); i++)
        if (item_of(json_array_get(s->root, i)) == ITEM_UNKNOWN)
            return loader_refuse(l, "", "holds something that is neither a Schema nor a ResourceType");
    return ERR_OK;
}

static enum err_code read_items(struct loader *l, const struct source *s, enum item kind) {
    enum err_code code = ERR_OK;
    l->file = s->name;
    for (size_t i = 0; i < json_array_size(s->root) && code == ERR_OK; i++) {
        const json_t *object = json_array_get(s->root, i);
        if (item_of(object) == kind)
            code = kind == ITEM_SCHEMA ? read_schema(l, object) : loader_type(l, object);
    }
    return code;
}

/* Reads all schemas first, because types name them and may stand in an earlier file. */
static enum err_code read_sources(struct loader *l, const char *dir, struct source *sources, size_t n) {
    enum err_code code = ERR_OK;
    size_t items = 0;
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        code = read_file(l, dir, &sources[i]);
        items += json_array_size(sources[i].root);
        if (code == ERR_OK && items > ITEMS_MAX)
            code = loader_refuse(l, "", "there are more than %d schemas and resource types in the folder",
                                 ITEMS_MAX);
    }
    l->schemas = arena_alloc(l->arena, (items + 1) * sizeof(*l->schemas));
    l->schema_files = arena_alloc(l->arena, (items + 1) * sizeof(*l->schema_files));
    l->types = arena_alloc(l->arena, (items + 1) * sizeof(*l->types));
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        code = read_items(l, &sources[i], ITEM_SCHEMA);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        code = read_items(l, &sources[i], ITEM_TYPE);
    return code == ERR_OK ? loader_check(l) : code;
}

static void add_all(const struct loader *l) {
    for (size_t i = 0; i < l->nschemas; i++)
        schema_add(l->schemas[i]);
    for (size_t i = 0; i < l->ntypes; i++) {
        struct loaded_type *t = &l->types[i];
        if (t->rt != NULL)
            resource_type_add(t->rt);
        else
            resource_type_extend(t->extends, t->extensions, t->nextensions);
    }
}

static int is_json_name(const struct dirent *e) {
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".json") == 0;
}

static void free_arena(void *a) {
    arena_free(a);
}

enum err_code schema_load_folder(const char *dir, struct err *err) {
    struct dirent **entries;
    if (dir == NULL || *dir == '\0')
        return ERR_OK;
    int n = scandir(dir, &entries, is_json_name, alphasort);
    if (n < 0)
        return err_set(err, ERR_CONFIG, "schema-dir: %s: %s", dir, strerror(errno));

    struct loader l = {.arena = arena_new(), .file = "", .err = err};
    struct source *sources = arena_alloc(l.arena, ((size_t)n + 1) * sizeof(*sources));
    for (int i = 0; i < n; i++) {
        sources[i].name = arena_strdup(l.arena, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    enum err_code code = read_sources(&l, dir, sources, (size_t)n);
    for (int i = 0; i < n; i++)
        json_decref(sources[i].root);
    if (code != ERR_OK) {
        arena_free(l.arena);
        return code;
    }
    add_all(&l);
    if (kept == NULL)
        kept = l.arena;
    else
        arena_defer(kept, free_arena, l.arena);
    return ERR_OK;
}
