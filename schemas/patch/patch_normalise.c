/* Checks a whole PatchOp body and makes operations of one plain form, so that a worker need not know the
 * client's dialect: one attribute per operation, canonical path, normalised value; null where the value is to
 * be unassigned. */
#include "schemas/patch/patch.h"

#include "schemas/patch/patch_bounds.h"
#include "schemas/resource/body.h"
#include "schemas/resource/value.h"
#include "schemas/text/jsonx.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct normaliser {
    const struct patch_rules *rules;
    const struct resource_type *rt;
    enum dialect dialect;
    const char *resource_id;
    json_t *ops; /* what came out so far */
    struct patch_work work;
    enum err_code bounded; /* the first operation that was too many says so here, and in err */
    struct arena *arena;
    struct err *err;
};

static enum err_code normalise_at(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                  const json_t *value);

/* Output */

/* Steals value; NULL: the operation has none (a bare remove). */
static void emit(struct normaliser *n, enum patch_op op, const struct patch_path *path, json_t *value) {
    struct jbuf text = {0};
    json_t *o = json_object();
    patch_path_format(path, &text);
    jsonx_put(o, "op", json_string(patch_op_names[op]));
    jsonx_put(o, "path", jsonx_string(text.p, text.n));
    if (value != NULL)
        jsonx_put(o, "value", value);
    jsonx_push(n->ops, o);
    jb_free(&text);
    if (n->bounded == ERR_OK)
        n->bounded = patch_count(&n->work, op, path, value, n->err);
    if (n->bounded == ERR_OK)
        n->bounded = patch_count_known(&n->work, op, path, value, NULL, n->arena, n->err);
}

static enum err_code refuse_op(struct normaliser *n, enum err_code code, const struct patch_path *path,
                               const char *why) {
    return attr_path_refuse(&path->at, code, why, n->err);
}

/* Input */

static bool is_null(const json_t *v) {
    return v == NULL || json_is_null(v);
}

static bool is_nothing(const json_t *v) {
    return is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
}

static bool is_named(const struct attr_path *p, const char *name) {
    return p->extension == NULL && p->attr != NULL && strcmp(p->attr->name, name) == 0;
}

static bool asks_for(const struct filter *f, const char *name) {
    if (f == NULL)
        return false;
    if (f->kind == FILTER_COMPARE || f->kind == FILTER_PRESENT)
        return f->path.attr != NULL && strcmp(f->path.attr->name, name) == 0;
    return asks_for(f->left, name) || asks_for(f->right, name);
}

/* A member's $ref depends on the URL under which the client calls, so no stored value can be compared with
 * it. */
static enum err_code check_filter(struct normaliser *n, const struct patch_path *path) {
    if (path->at.attr != NULL && path->at.attr->apart && asks_for(path->filter, "$ref"))
        return refuse_op(n, ERR_INVALID_FILTER, path, "cannot be chosen by '$ref': use 'value'");
    return ERR_OK;
}

/* P6, P25, P39: refuses what no operation may touch. Immutable attributes are compared with the stored value
 * when the operation is applied. */
static enum err_code check_mutability(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                      const json_t *value) {
    const struct attr_path *at = &path->at;
    bool listed = !is_null(value) && at->attr != NULL && attr_path_target(at)->multi; /* some of it */
    if (at->attr == NULL)
        return ERR_OK;
    const struct attr *target = attr_path_target(at);
    if (at->attr->mutability == ATTR_READ_ONLY || target->mutability == ATTR_READ_ONLY)
        return refuse_op(n, ERR_MUTABILITY, path, "is read-only");
    if (at->attr->apart && at->sub != NULL)
        return refuse_op(n, ERR_MUTABILITY, path, "cannot be changed in place: add and remove whole values");
    if (op == PATCH_REMOVE && target->required && (path->filter == NULL || at->sub != NULL) && !listed)
        return refuse_op(n, ERR_MUTABILITY, path, "is required and cannot be removed");
    if (op == PATCH_REMOVE && target->default_true)
        return refuse_op(n, ERR_MUTABILITY, path, "always has a value and cannot be removed");
    return ERR_OK;
}

/* Members of rooms: ids only */

/* P22, P27: a remove without a value removes all members, one with a value only those that it lists. A value
 * that is no list of ids is refused, and never means "all". */
static enum err_code normalise_member_list(struct normaliser *n, enum patch_op op,
                                           const struct patch_path *path, const json_t *value) {
    json_t *ids;
    if (op == PATCH_REMOVE && is_null(value)) {
        emit(n, op, path, NULL);
        return ERR_OK;
    }
    if (json_is_null(value)) {
        if (op == PATCH_REPLACE)
            emit(n, op, path, json_array());
        return ERR_OK;
    }
    enum err_code rc = value_member_ids(&path->at, value, &ids, n->err);
    if (rc != ERR_OK)
        return rc;
    bool empty = json_array_size(ids) == 0;
    if (empty && !(json_is_array(value) && json_array_size(value) == 0)) {
        json_decref(ids);
        return refuse_op(n, ERR_INVALID_VALUE, path, "takes a list of members");
    }
    if (empty && op != PATCH_REPLACE)
        json_decref(ids);
    else
        emit(n, op, path, ids);
    return ERR_OK;
}

/* An element of members cannot be edited. To add it, or to replace it by itself, adds it. */
static enum err_code normalise_member_element(struct normaliser *n, enum patch_op op,
                                              const struct patch_path *path, const json_t *value) {
    const struct filter *f = path->filter;
    struct patch_path whole = {.at = path->at};
    json_t *ids;
    if (op == PATCH_REMOVE) {
        emit(n, op, path, NULL);
        return ERR_OK;
    }
    enum err_code rc = value_member_ids(&path->at, value, &ids, n->err);
    if (rc != ERR_OK)
        return rc;
    if (f->kind == FILTER_COMPARE && f->op == FILTER_EQ && strcmp(f->path.attr->name, "value") == 0 &&
        json_array_size(ids) == 1 &&
        strcasecmp(f->value.text, json_string_value(json_array_get(ids, 0))) == 0) {
        emit(n, PATCH_ADD, &whole, ids);
        return ERR_OK;
    }
    json_decref(ids);
    return refuse_op(n, ERR_MUTABILITY, path, "has values that are added and removed, not edited");
}

/* Single values */

/* The parts that are not given are removed, as if they had been given as null. */
static enum err_code clear_other_parts(struct normaliser *n, const struct patch_path *path, json_t *parts) {
    const struct attr *a = path->at.attr;
    for (size_t i = 0; i < a->nsubs; i++) {
        const struct attr_path at = {path->at.extension, a, &a->subs[i]};
        if (a->subs[i].mutability == ATTR_READ_ONLY || json_object_get(parts, a->subs[i].name) != NULL)
            continue;
        if (a->subs[i].required)
            return refuse_op(n, ERR_INVALID_VALUE, &(struct patch_path){.at = at}, "is required");
        jsonx_put(parts, a->subs[i].name, json_null());
    }
    return ERR_OK;
}

/* P13, P32: given parts are merged, null or empty ones removed, and the others stay. */
static enum err_code normalise_parts(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                     const json_t *value) {
    json_t *parts = json_object();
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)value, name, given) {
        struct attr_path at = path->at;
        json_t *part = NULL;
        at.sub = attr_sub(at.attr, name, strlen(name));
        if (at.sub == NULL || at.sub->mutability == ATTR_READ_ONLY)
            continue;
        enum err_code rc = value_normalise(&at, given, &part, n->err);
        if (rc == ERR_OK && part == NULL && at.sub->required)
            rc = refuse_op(n, ERR_INVALID_VALUE, &(struct patch_path){.at = at}, "is required");
        if (rc != ERR_OK) {
            json_decref(parts);
            return rc;
        }
        jsonx_put(parts, at.sub->name, part != NULL ? part : json_null());
    }
    if (op == PATCH_REPLACE && n->rules->replaces_whole && clear_other_parts(n, path, parts) != ERR_OK) {
        json_decref(parts);
        return n->err->code;
    }
    if (json_object_size(parts) > 0)
        emit(n, op, path, parts);
    else
        json_decref(parts);
    return ERR_OK;
}

/* Entra's older manuals wrap even simple values: [{"$ref": null, "value": v}]. */
static const json_t *unwrap(const json_t *value) {
    const json_t *one = body_unlist(value);
    return json_is_object(one) && body_member(one, "value") != NULL ? body_member(one, "value") : one;
}

/* add and replace of anything but a list's elements. */
static enum err_code normalise_value(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                     const json_t *value) {
    const struct attr *target = attr_path_target(&path->at);
    json_t *out;
    if (!target->multi && target->type != ATTR_COMPLEX)
        value = body_unlist(value);
    if (target->type == ATTR_BOOLEAN && json_is_string(value) && is_nothing(value)) /* as any other string */
        return refuse_op(n, ERR_INVALID_VALUE, path, "must be true or false");
    if (!target->multi && target->type == ATTR_COMPLEX && json_is_object(body_unlist(value)))
        return normalise_parts(n, op, path, body_unlist(value));
    if (n->dialect == DIALECT_ENTRA && !target->multi && target->type != ATTR_COMPLEX)
        value = unwrap(value);
    enum err_code rc = value_normalise(&path->at, value, &out, n->err);
    if (rc != ERR_OK)
        return rc;
    if (out == NULL && target->required)
        return refuse_op(n, ERR_INVALID_VALUE, path, "is required");
    if (out == NULL && target->default_true) /* a missing value must not reactivate anybody */
        return refuse_op(n, ERR_INVALID_VALUE, path, "must be true or false");
    if (out == NULL && target->multi && op == PATCH_ADD)
        return ERR_OK; /* no values are added */
    emit(n, op, path, out != NULL ? out : json_null());
    return ERR_OK;
}

/* The value of attr[filter] without a sub-attribute: one element. */
static enum err_code normalise_element(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                       const json_t *value) {
    json_t *out;
    enum err_code rc = value_normalise_element(&path->at, body_unlist(value), &out, n->err);
    if (rc != ERR_OK)
        return rc;
    if (out != NULL || op == PATCH_REPLACE)
        emit(n, op, path, out != NULL ? out : json_null());
    return ERR_OK;
}

/* As P27, for every other list: a remove with values removes those. From an attribute with a single value,
 * that one is removed, whatever the operation's value is. */
static enum err_code normalise_remove(struct normaliser *n, const struct patch_path *path,
                                      const json_t *value) {
    json_t *out;
    bool elements = path->filter != NULL && path->at.sub == NULL;
    if (is_null(value) || !attr_path_target(&path->at)->multi || elements) {
        emit(n, PATCH_REMOVE, path, NULL);
        return ERR_OK;
    }
    enum err_code rc = value_normalise(&path->at, value, &out, n->err);
    if (rc != ERR_OK)
        return rc;
    if (out != NULL)
        emit(n, PATCH_REMOVE, path, out);
    else if (!json_is_array(value) || json_array_size(value) > 0)
        return refuse_op(n, ERR_INVALID_VALUE, path, "takes a list of the values to remove");
    return ERR_OK;
}

/* Objects whose members are paths */

/* A member that names nothing is an error in every dialect: a client that gets a 2xx believes that it was
 * done (P38). */
static enum err_code normalise_key(struct normaliser *n, enum patch_op op, const struct schema *extension,
                                   const char *key, const json_t *value) {
    struct patch_path path = {0};
    /* As at the top of a document: which schemas are in use follows from the values (S7). */
    if (extension != NULL && strcasecmp(key, "schemas") == 0 &&
        schema_attr(extension, key, strlen(key)) == NULL)
        return ERR_OK;
    const char *text = extension != NULL ? arena_printf(n->arena, "%s:%s", extension->id, key) : key;
    enum err_code rc = patch_path_parse(n->rt, n->dialect, text, strlen(text), n->arena, &path, n->err);
    if (rc != ERR_OK)
        return rc;
    if (extension == NULL && path.filter == NULL && path.at.sub == NULL) {
        if (is_named(&path.at, "schemas") || is_named(&path.at, "meta"))
            return ERR_OK;
        if (is_named(&path.at, "id")) { /* Q21 */
            const char *id = json_string_value(value);
            if (id != NULL && n->resource_id != NULL && strcasecmp(id, n->resource_id) == 0)
                return ERR_OK;
            return refuse_op(n, ERR_MUTABILITY, &path,
                             "is not the id of this resource, and cannot be changed");
        }
    }
    return normalise_at(n, op, &path, value);
}

static enum err_code normalise_members(struct normaliser *n, enum patch_op op, const struct schema *extension,
                                       const json_t *value) {
    enum err_code rc = ERR_OK;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member) {
        rc = normalise_key(n, op, extension, key, member);
        if (rc == ERR_OK)
            rc = n->bounded;
        if (rc != ERR_OK)
            break;
    }
    return rc;
}

/* A path that is an extension's URN. */
static enum err_code normalise_extension(struct normaliser *n, enum patch_op op,
                                         const struct patch_path *path, const json_t *value) {
    const struct schema *s = path->at.extension;
    value = body_unlist(value);
    if (op != PATCH_REMOVE && json_is_object(value))
        return normalise_members(n, op, s, value);
    if (op != PATCH_REMOVE && !is_nothing(value))
        return refuse_op(n, ERR_INVALID_VALUE, path, "takes an object");
    for (size_t i = 0; i < n->rt->nextensions; i++)
        if (n->rt->extensions[i].schema == s && n->rt->extensions[i].required)
            return refuse_op(n, ERR_MUTABILITY, path, "is required and cannot be removed");
    emit(n, PATCH_REMOVE, path, NULL);
    return ERR_OK;
}

/* Operations */

/* `schemas` follows from the extensions in use (S7): checked, but there is nothing to do. A password is never
 * kept (Q48). */
static bool is_not_kept(const struct patch_path *path) {
    return is_named(&path->at, "schemas") || path->at.attr->dropped;
}

static enum err_code check_not_kept(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                    const json_t *value) {
    json_t *out = NULL;
    if (path->filter != NULL || path->at.sub != NULL)
        return refuse_op(n, ERR_MUTABILITY, path, "can only be set as a whole");
    enum err_code rc = op == PATCH_REMOVE ? ERR_OK : value_normalise(&path->at, value, &out, n->err);
    if (rc == ERR_OK && out == NULL && path->at.attr->required)
        rc = refuse_op(n, ERR_INVALID_VALUE, path, "is required");
    json_decref(out);
    return rc;
}

static enum err_code normalise_at(struct normaliser *n, enum patch_op op, const struct patch_path *path,
                                  const json_t *value) {
    enum err_code rc = check_mutability(n, op, path, value);
    if (rc == ERR_OK)
        rc = check_filter(n, path);
    if (rc != ERR_OK)
        return rc;
    if (op != PATCH_REMOVE && value == NULL) /* P37 */
        return refuse_op(n, ERR_INVALID_VALUE, path, "needs a value");
    if (path->at.attr == NULL)
        return normalise_extension(n, op, path, value);
    if (path->at.attr->dropped && n->rules->password != ERR_OK)
        return refuse_op(n, n->rules->password, path, "is no attribute in this workspace");
    if (is_not_kept(path))
        return check_not_kept(n, op, path, value);
    if (path->at.attr->apart)
        return path->filter != NULL ? normalise_member_element(n, op, path, value)
                                    : normalise_member_list(n, op, path, value);
    if (op == PATCH_REMOVE)
        return normalise_remove(n, path, value);
    if (path->filter != NULL && path->at.sub == NULL)
        return normalise_element(n, op, path, value);
    return normalise_value(n, op, path, value);
}

static enum err_code parse_op(struct normaliser *n, const json_t *operation, enum patch_op *op) {
    const char *name = json_string_value(body_member(operation, "op"));
    if (name == NULL)
        return err_set(n->err, ERR_INVALID_SYNTAX, "Each operation must be an object with an \"op\"");
    for (size_t i = 0; i < PATCH_OPS; i++) {
        if (strcasecmp(name, patch_op_names[i]) == 0) {
            *op = (enum patch_op)i;
            return ERR_OK;
        }
    }
    return err_set(n->err, ERR_INVALID_SYNTAX, "\"op\" must be \"add\", \"remove\" or \"replace\"");
}

static enum err_code normalise_operation(struct normaliser *n, const json_t *operation) {
    enum patch_op op = PATCH_ADD;
    enum err_code rc = parse_op(n, operation, &op);
    if (rc != ERR_OK)
        return rc;
    const json_t *path_text = body_member(operation, "path"), *value = body_member(operation, "value");
    struct patch_path path = {0};
    if (!is_null(path_text)) {
        if (!json_is_string(path_text))
            return err_set(n->err, ERR_INVALID_PATH, "\"path\" must be a string");
        rc = patch_path_parse(n->rt, n->dialect, json_string_value(path_text), json_string_length(path_text),
                              n->arena, &path, n->err);
        return rc == ERR_OK ? normalise_at(n, op, &path, value) : rc;
    }
    if (op == PATCH_REMOVE) /* P20 */
        return err_set(n->err, ERR_NO_TARGET, "\"remove\" needs a \"path\"");
    value = body_unlist(value);
    if (!json_is_object(value)) /* P10, P30 */
        return err_set(n->err, ERR_INVALID_VALUE, "Without a \"path\" the \"value\" must be an object");
    return normalise_members(n, op, NULL, value);
}

/* P1. */
static enum err_code check_envelope(enum dialect dialect, const json_t *body, json_t **operations,
                                    struct err *err) {
    if (!json_is_object(body))
        return err_set(err, ERR_INVALID_SYNTAX, "A PATCH must be a JSON object");
    if (body_check_schemas(body, MESSAGE_PATCH, err) != ERR_OK)
        return err->code;
    *operations = body_member(body, "Operations");
    if (!json_is_array(*operations))
        return err_set(err, ERR_INVALID_SYNTAX, "\"Operations\" must be an array");
    if (json_array_size(*operations) == 0 && dialect != DIALECT_ENTRA) /* Q44 */
        return err_set(err, ERR_INVALID_SYNTAX, "\"Operations\" must not be empty");
    return ERR_OK;
}

const struct patch_rules patch_rules_none = {0};

enum err_code patch_normalise(const struct resource_type *rt, enum dialect dialect, const json_t *body,
                              const char *resource_id, json_t **ops, struct err *err) {
    return patch_normalise_under(&patch_rules_none, rt, dialect, body, resource_id, ops, err);
}

enum err_code patch_normalise_under(const struct patch_rules *rules, const struct resource_type *rt,
                                    enum dialect dialect, const json_t *body, const char *resource_id,
                                    json_t **ops, struct err *err) {
    json_t *operations = NULL;
    *ops = NULL;
    enum err_code rc = check_envelope(dialect, body, &operations, err);
    if (rc != ERR_OK)
        return rc;
    struct normaliser n = {
        .rules = rules, .rt = rt, .dialect = dialect, .resource_id = resource_id, .err = err};
    n.ops = json_array();
    n.arena = arena_new();
    for (size_t i = 0; i < json_array_size(operations) && rc == ERR_OK; i++) {
        rc = normalise_operation(&n, json_array_get(operations, i));
        if (rc == ERR_OK)
            rc = n.bounded;
    }
    arena_free(n.arena);
    if (rc == ERR_OK)
        *ops = n.ops;
    else
        json_decref(n.ops);
    return rc;
}
