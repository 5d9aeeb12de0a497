#include "schemas/api/api_resource.h"

#include "ops/runtime/clock.h"
#include "schemas/text/jsonx.h"
#include "schemas/types/attr_path.h"

#include <stdlib.h>
#include <string.h>

/* Members of answers that are not attributes. They are ignored in a request, so that a client may send back
 * what it has read. */
static const char *const facts_shown[] = {"id", "version", "created", "modified", "managed", "seat"};

static bool is_fact(const char *name) {
    for (size_t i = 0; i < sizeof facts_shown / sizeof *facts_shown; i++)
        if (strcmp(facts_shown[i], name) == 0)
            return true;
    return false;
}

/* The attribute that a member names. The spelling must be the schema's. */
static bool member_attr(const struct resource_type *rt, const char *name, struct attr_path *path) {
    return strpbrk(name, ".[") == NULL &&
           attr_path_resolve(rt, name, strlen(name), ERR_INVALID_VALUE, path, NULL) == ERR_OK &&
           path->attr != NULL && strcmp(path->attr->name, name) == 0 && !path->attr->dropped &&
           strcmp(name, "schemas") != 0 && strcmp(name, "meta") != 0;
}

static enum err_code refuse_member(const char *name, struct err *err) {
    return err_set_path(err, ERR_INVALID_VALUE, name, "There is no member \"%.100s\" here", name);
}

static void put_member(json_t *scim, const struct attr_path *path, json_t *value) {
    json_t *into = scim;
    if (path->extension != NULL) {
        into = json_object_get(scim, path->extension->id);
        if (into == NULL) {
            into = json_object();
            jsonx_put(scim, path->extension->id, into);
        }
    }
    jsonx_put(into, path->attr->name, jsonx_copy(value));
}

static json_t *schemas_of(const char *urn) {
    json_t *list = json_array();
    jsonx_push(list, json_string(urn));
    return list;
}

enum err_code api_body_to_scim(const struct resource_type *rt, const json_t *body, json_t **scim,
                               struct err *err) {
    const char *name;
    json_t *value;
    *scim = NULL;
    if (!json_is_object(body))
        return err_set(err, ERR_INVALID_SYNTAX, "The body must be a JSON object");
    json_t *out = json_object();
    jsonx_put(out, "schemas", schemas_of(rt->schema->id));
    json_object_foreach((json_t *)body, name, value) {
        struct attr_path path;
        if (is_fact(name))
            continue;
        if (member_attr(rt, name, &path)) {
            put_member(out, &path, value);
        } else {
            json_decref(out);
            return refuse_member(name, err);
        }
    }
    *scim = out;
    return ERR_OK;
}

/* ---- merge patch ---- */

static void add_op(json_t *ops, const char *path, json_t *value) {
    json_t *op = json_object();
    bool gone = json_is_null(value);
    jsonx_put(op, "op", json_string(gone ? "remove" : "replace"));
    jsonx_put(op, "path", json_string(path));
    if (!gone)
        jsonx_put(op, "value", jsonx_copy(value));
    jsonx_push(ops, op);
}

/* An object for a single complex attribute: part by part. */
static enum err_code merge_members(const struct attr_path *path, json_t *object, json_t *ops,
                                   struct err *err) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        struct attr_path at = *path;
        char text[sizeof err->path];
        at.sub = attr_sub(path->attr, name, strlen(name));
        if (at.sub == NULL || strcmp(at.sub->name, name) != 0)
            return refuse_member(name, err);
        if (at.sub->mutability != ATTR_READ_ONLY)
            add_op(ops, attr_path_text(&at, text, sizeof text), value);
    }
    return ERR_OK;
}

static enum err_code merge_member(const struct resource_type *rt, const char *name, json_t *value,
                                  json_t *ops, struct err *err) {
    struct attr_path path;
    char text[sizeof err->path];
    if (is_fact(name))
        return ERR_OK;
    if (!member_attr(rt, name, &path))
        return refuse_member(name, err);
    if (path.attr->apart && path.attr->mutability != ATTR_READ_ONLY)
        return err_set_path(err, ERR_INVALID_VALUE, name,
                            "\"%s\" are changed one by one, at addresses of their own", name);
    if (path.attr->mutability == ATTR_READ_ONLY)
        return ERR_OK;
    if (path.attr->type == ATTR_COMPLEX && !path.attr->multi && json_is_object(value))
        return merge_members(&path, value, ops, err);
    add_op(ops, attr_path_text(&path, text, sizeof text), value);
    return ERR_OK;
}

enum err_code api_merge_to_patch(const struct resource_type *rt, const json_t *merge, json_t **patch,
                                 struct err *err) {
    const char *name;
    json_t *value, *ops = json_array();
    enum err_code code = ERR_OK;
    *patch = NULL;
    if (!json_is_object(merge))
        code = err_set(err, ERR_INVALID_SYNTAX, "The body must be a JSON object");
    json_object_foreach((json_t *)merge, name, value) {
        if (code == ERR_OK)
            code = merge_member(rt, name, value, ops, err);
    }
    if (code != ERR_OK) {
        json_decref(ops);
        return code;
    }
    *patch = json_object();
    jsonx_put(*patch, "schemas", schemas_of(MESSAGE_PATCH));
    jsonx_put(*patch, "Operations", ops);
    return ERR_OK;
}

/* ---- answers ---- */

static bool is_member(const struct attr_path *path) {
    return path->attr != NULL && path->attr->returned != ATTR_RETURNED_NEVER &&
           path->attr->returned != ATTR_RETURNED_REQUEST;
}

static void show_extension(const struct resource_type *rt, const struct schema *extension,
                           const json_t *object, struct jbuf *out) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        struct attr_path path = {.extension = extension, .attr = schema_attr(extension, name, strlen(name))},
                         plain;
        if (!is_member(&path))
            continue;
        /* An extension's attribute whose name another attribute has too is shown with its URN. */
        bool clear = member_attr(rt, name, &plain) && plain.attr == path.attr;
        char text[256];
        jb_key(out, clear ? name : attr_path_text(&path, text, sizeof text));
        jsonx_text(value, out);
    }
}

static void render_doc(const struct resource_type *rt, const json_t *doc, struct jbuf *out) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)doc, name, value) {
        size_t len = strlen(name);
        const struct schema *extension = resource_type_extension(rt, name, len);
        struct attr_path path = {0};
        if (extension != NULL) {
            show_extension(rt, extension, value, out);
            continue;
        }
        if (strcmp(name, "schemas") == 0)
            continue;
        path.attr = schema_attr(rt->schema, name, len);
        if (path.attr == NULL)
            path.attr = common_attr(name, len);
        if (!is_member(&path))
            continue;
        jb_key(out, name);
        jsonx_text(value, out);
    }
}

/* A user without a role is a viewer. */
static bool lacks_role(const struct resource_type *rt, const json_t *doc) {
    return rt->kind == RESOURCE_USER &&
           json_object_get(json_object_get(doc, SCHEMA_USHER_USER), "editor") == NULL;
}

void api_render(const struct resource_type *rt, const struct resource_row *row, const struct api_facts *facts,
                struct jbuf *out) {
    char time[RFC3339_SIZE];
    json_t *doc = json_loads(row->doc, 0, NULL);
    if (doc == NULL)
        abort(); /* the store holds only what we wrote */
    jb_raw(out, "{");
    jb_kstr(out, "id", row->id);
    render_doc(rt, doc, out);
    if (lacks_role(rt, doc))
        jb_kbool(out, "editor", false);
    if (facts != NULL) {
        jb_kbool(out, "managed", facts->managed);
        if (rt->kind == RESOURCE_USER)
            jb_kbool(out, "seat", facts->seat);
    }
    jb_kint(out, "version", row->version);
    jb_kstr(out, "created", rfc3339_us(row->created_us, time));
    jb_kstr(out, "modified", rfc3339_us(row->modified_us, time));
    jb_raw(out, "}");
    json_decref(doc);
}
