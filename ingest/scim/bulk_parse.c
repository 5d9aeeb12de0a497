#include "ingest/scim/bulk_request.h"

#include "schemas/resource/body.h"
#include "schemas/text/jsonx.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

static enum err_code syntax(struct err *err, const char *what) {
    return err_set(err, ERR_INVALID_SYNTAX, "%s", what);
}

/* null counts as absent (rule S4). */
static json_t *member(const json_t *object, const char *name) {
    json_t *v = body_member(object, name);
    return json_is_null(v) ? NULL : v;
}

static enum err_code parse_fail_on_errors(const json_t *body, bool strict, int *out, struct err *err) {
    const json_t *given = member(body, "failOnErrors"), *v = strict ? given : body_unlist(given);
    *out = 0;
    if (v == NULL)
        return ERR_OK;
    json_t *number = json_is_string(v) && !strict ? jsonx_number(json_string_value(v), json_string_length(v))
                                                  : jsonx_copy(v);
    json_int_t n = json_is_integer(number) ? json_integer_value(number) : 0;
    json_decref(number);
    if (n < 1)
        return err_set(err, ERR_INVALID_VALUE, "failOnErrors must be an integer of 1 or more");
    *out = n > INT_MAX ? INT_MAX : (int)n;
    return ERR_OK;
}

/* A member of an operation that must be a string; NULL if it is absent. */
static enum err_code text(const json_t *op, size_t i, const char *name, const char **out, struct err *err) {
    const json_t *v = member(op, name);
    *out = NULL;
    if (v != NULL && !json_is_string(v))
        return err_set(err, ERR_INVALID_SYNTAX, "Operations[%zu].%s must be a string", i, name);
    if (v != NULL)
        *out = json_string_value(v);
    return ERR_OK;
}

void bulk_refuse(struct bulk_op *op, enum err_code code, const char *detail) {
    if (op->code == ERR_OK) {
        op->code = code;
        op->detail = detail;
    }
}

static bool is(const struct bulk_op *op, const char *method) {
    return strcmp(op->method, method) == 0;
}

/* Checks an operation by itself. */
static void check_operation(struct bulk_op *op, struct arena *a) {
    bool post = is(op, "POST"), document = post || is(op, "PUT") || is(op, "PATCH");
    if (!document && !is(op, "DELETE"))
        bulk_refuse(op, ERR_INVALID_VALUE,
                    arena_printf(a, "The method of an operation is POST, PUT, PATCH or DELETE, not %.20s",
                                 op->method));
    if (op->given_path == NULL)
        bulk_refuse(op, ERR_INVALID_VALUE, "The operation has no path");
    if (post && op->bulk_id == NULL)
        bulk_refuse(op, ERR_INVALID_VALUE, "A POST needs a bulkId");
    if (document && op->data == NULL)
        bulk_refuse(op, ERR_INVALID_VALUE, "The operation needs data");
    else if (document && !json_is_object(op->data))
        bulk_refuse(op, ERR_INVALID_SYNTAX, "data must be an object");
}

static enum err_code parse_operation(json_t *given, size_t i, struct arena *a, struct bulk_op *op,
                                     struct err *err) {
    const char *method;
    if (!json_is_object(given))
        return err_set(err, ERR_INVALID_SYNTAX, "Operations[%zu] must be an object", i);
    if (text(given, i, "method", &method, err) != ERR_OK ||
        text(given, i, "path", &op->given_path, err) != ERR_OK ||
        text(given, i, "bulkId", &op->bulk_id, err) != ERR_OK ||
        text(given, i, "version", &op->version, err) != ERR_OK)
        return err->code;
    if (method == NULL || method[0] == '\0')
        return err_set(err, ERR_INVALID_SYNTAX, "Operations[%zu] has no method", i);
    if (op->bulk_id != NULL && (op->bulk_id[0] == '\0' || strlen(op->bulk_id) > BULK_ID_MAX))
        return err_set(err, ERR_INVALID_VALUE, "Operations[%zu].bulkId must have 1 to %d bytes", i,
                       BULK_ID_MAX);
    char *upper = arena_strndup(a, method, 20);
    for (char *p = upper; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    op->method = upper;
    op->data = member(given, "data");
    check_operation(op, a);
    return ERR_OK;
}

/* Each bulkId must be unique (rule B1). */
static enum err_code check_bulk_ids(const struct bulk_request *b, struct err *err) {
    json_t *seen = json_object();
    enum err_code code = ERR_OK;
    for (size_t i = 0; code == ERR_OK && i < b->n; i++) {
        const char *id = b->ops[i].bulk_id;
        if (id != NULL && json_object_get(seen, id) != NULL)
            code = err_set(err, ERR_INVALID_VALUE, "The bulkId %s is used twice", id);
        else if (id != NULL)
            json_object_set_new(seen, id, json_true());
    }
    json_decref(seen);
    return code;
}

enum err_code bulk_parse(json_t *body, bool strict, struct arena *a, struct bulk_request *out,
                         struct err *err) {
    *out = (struct bulk_request){0};
    if (body_check_schemas(body, MESSAGE_BULK_REQUEST, err) != ERR_OK ||
        parse_fail_on_errors(body, strict, &out->fail_on_errors, err) != ERR_OK)
        return err->code;
    const json_t *list = member(body, "Operations");
    if (!json_is_array(list) || json_array_size(list) == 0)
        return syntax(err, "Operations must be an array with at least one operation");
    out->n = json_array_size(list);
    if (out->n > BULK_MAX_OPERATIONS)
        return err_set(err, ERR_TOO_LARGE, "The Bulk has %zu operations, more than maxOperations (%d)",
                       out->n, BULK_MAX_OPERATIONS);
    out->ops = arena_alloc(a, out->n * sizeof *out->ops);
    for (size_t i = 0; i < out->n; i++)
        if (parse_operation(json_array_get(list, i), i, a, &out->ops[i], err) != ERR_OK)
            return err->code;
    return check_bulk_ids(out, err);
}
