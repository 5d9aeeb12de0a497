/* The form that a request and its answer have: how errors, one resource and a list are written, how a body is
 * read. There are three: SCIM (scim/form.c), the Management API (api/form.c), OAuth (api/oauth.c). */
#ifndef USHER_INGEST_REQUEST_FORM_H
#define USHER_INGEST_REQUEST_FORM_H

#include "ops/runtime/err.h"
#include "schemas/resource/resource.h"

#include <jansson.h>
#include <stdbool.h>

struct request;

struct form {
    const char *prefix;        /* of its paths, "/scim/v2"; NULL = they have none in common */
    const char *reason;        /* of its commands: where the change came from */
    const char *type;          /* content type of resources and lists */
    const char *accepts;       /* type of a body besides application/json; NULL = none */
    const char *accepts_patch; /* the same of a PATCH */
    const char *room;          /* what a room is called; NULL = as its type is named */
    bool refs;                 /* a resource is shown with its members or groups */
    bool empty_patch;          /* a PATCH may change nothing */

    /* The body of an error, and its content type; r->answer has status and code already. path: the attribute
     * that it is about; NULL or "" = not known. */
    void (*error)(struct request *r, const char *detail, const char *path);
    /* WWW-Authenticate of an error; NULL = no such header. */
    const char *(*challenge)(struct request *r, enum err_code code);

    /* ---- where there are resources ---- */

    /* Headers that name the resource, and its body; r->answer has status and ETag already. */
    void (*resource)(struct request *r, const struct resource_row *row);
    /* The rows of r->read as a page: the whole answer. */
    void (*list)(struct request *r);
    /* The body of a write as SCIM has it: a resource, or a PatchOp. Lives as long as the request. */
    enum err_code (*read_body)(struct request *r, const json_t **body, struct err *err);
};

#endif
