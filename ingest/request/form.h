/* The form of a request and its answer: how errors, one resource and a list are written, and how a body is
 * read. There are three forms: SCIM (scim/form.c), the Management API (api/form.c), OAuth (api/oauth.c). */
#ifndef USHER_INGEST_REQUEST_FORM_H
#define USHER_INGEST_REQUEST_FORM_H

#include "ops/runtime/err.h"
#include "schemas/resource/resource.h"

#include <jansson.h>
#include <stdbool.h>

struct request;

struct form {
    const char *name;          /* in sentences: "SCIM" */
    const char *prefix;        /* of all paths of the form, "/scim/v2"; NULL = none */
    const char *reason;        /* `reason` of its commands: where the change came from */
    const char *type;          /* content type of resources and lists */
    const char *empty_type;    /* content type of an answer without content (204); NULL = none */
    const char *accepts;       /* content type of a body besides application/json; NULL = none */
    const char *accepts_patch; /* the same of a PATCH */
    const char *room;          /* the word for a room in sentences; NULL = the name of its type */
    bool refs;                 /* resources are shown with their members or groups */
    bool profiled;             /* the rules of strictness `interop` are about it */
    bool empty_patch;          /* a PATCH without a change is accepted */

    /* Writes the body of an error, and its content type if it differs. r->answer has status and code already.
     * path: the attribute that the error is about; NULL or "" = not known. */
    void (*error)(struct request *r, const char *detail, const char *path);
    /* The WWW-Authenticate header of an error; NULL = no such header. */
    const char *(*challenge)(struct request *r, enum err_code code);

    /* ---- only of forms that have resources ---- */

    /* Writes the body and the headers that name the resource. r->answer has status and ETag already. */
    void (*resource)(struct request *r, const struct resource_row *row);
    /* Makes the whole answer: the rows of r->read as a page. */
    void (*list)(struct request *r);
    /* Reads the body of a write and gives it as SCIM has it: a resource, or a PatchOp. It lives as long as
     * the request. */
    enum err_code (*read_body)(struct request *r, const json_t **body, struct err *err);
};

#endif
